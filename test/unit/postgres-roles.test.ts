import assert from 'node:assert/strict';
import { rolesOf } from '../../daemon/engines/postgres-roles.ts';

describe('The roles that a statement names', () => {
  const named: readonly (readonly [string, readonly string[]])[] = [
    ['ALTER TABLE public.orders OWNER TO shop;', ['shop']],
    ['ALTER TABLE public.orders OWNER TO "Shop ""A""";', ['Shop "A"']],
    ['GRANT SELECT,INSERT ON TABLE public.t TO reader, "Writer" WITH GRANT OPTION;', ['reader', 'Writer']],
    ['GRANT ALL ON SCHEMA public TO PUBLIC;', []],
    ['GRANT team TO anna WITH ADMIN OPTION GRANTED BY postgres;', ['anna', 'postgres', 'team']],
    ['GRANT pg_monitor TO watcher;', ['watcher']],
    ['REVOKE ALL ON FUNCTION public.f(a integer) FROM PUBLIC;', []],
    [
      'ALTER DEFAULT PRIVILEGES FOR ROLE shop IN SCHEMA public GRANT SELECT ON TABLES TO reader;',
      ['shop', 'reader'],
    ],
    ['SET SESSION AUTHORIZATION shop;', ['shop']],
    ['SET SESSION AUTHORIZATION DEFAULT;', []],
    ['CREATE SCHEMA s AUTHORIZATION shop;', ['shop']],
    ['CREATE POLICY p ON public.t TO tenant USING ((owner = CURRENT_USER));', ['tenant']],
    ["CREATE DATABASE shop WITH TEMPLATE = template0 OWNER = shopper ENCODING = 'UTF8';", ['shopper']],
    ['CREATE ROLE shop;', ['shop']],
    ['ALTER ROLE shop WITH NOSUPERUSER LOGIN;', ['shop']],
    ["COMMENT ON ROLE shop IS 'x';", ['shop']],
    ['CREATE USER MAPPING FOR shop SERVER s;', ['shop']],
    ['CREATE TABLE public.t (a integer, grantee text);', []],
    ["INSERT INTO t VALUES ('OWNER TO nobody');", []],
  ];
  for (const [statement, roles] of named)
    it(`of: ${statement}`, () => assert.deepEqual(rolesOf(statement).sort(), [...roles].sort()));
});
