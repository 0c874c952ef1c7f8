import assert from 'node:assert/strict';
import fc from 'fast-check';
import { StatementReader } from '../../daemon/templates/bulk/statements.ts';
import { changesBetween, type Changes } from '../../daemon/templates/parts/dump-parts.ts';
import { keyOf, PartReader } from '../../daemon/templates/parts/part-reader.ts';
import { forward, type Places } from '../../daemon/templates/parts/places.ts';

type Found = Exclude<ReturnType<PartReader['finish']>, undefined>;

function read(text: string, cuts: readonly number[] = []): Found | undefined {
  const bytes = Buffer.from(text);
  const bounds = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  const statements = new StatementReader();
  const parts = new PartReader('wanted', ['mysql']);
  for (const [index, end] of bounds.slice(1).entries())
    for (const piece of statements.push(bytes.subarray(bounds[index], end))) parts.push(piece);
  for (const piece of statements.end()) parts.push(piece);
  return parts.finish();
}

function compare(former: string, next: string): (Changes & { readonly left: Places }) | undefined {
  const [a, b] = [read(former), read(next)];
  assert.ok(a && b);
  const changes = changesBetween(a.parts, b.parts);
  return changes && { ...changes, left: b.placesOf(new Set(changes.keep.map(keyOf))) };
}

async function without(text: string, places: Places, cuts: readonly number[] = []): Promise<string> {
  const bytes = Buffer.from(text);
  const bounds = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  async function* chunks() {
    for (const [index, end] of bounds.slice(1).entries())
      yield await Promise.resolve(bytes.subarray(bounds[index], end));
  }
  const out: Buffer[] = [];
  const originOf = places.origins();
  let offset = 0;
  for await (const part of places.leaveOut(forward(chunks()))) {
    out.push(Buffer.from(part));
    // What stands there, and not the line breaks instead of what does not, is where it is said to come from.
    const isLeft = part.some((byte) => byte !== 0x0a);
    if (isLeft) {
      const origin = originOf(offset);
      assert.deepEqual(bytes.subarray(origin, origin + part.length), part);
    }
    offset += part.length;
  }
  return Buffer.concat(out).toString();
}

const names = (tables: Changes['load']) => tables.map(({ database, table }) => `${database}.${table}`);

const header = `-- MariaDB dump 10.19
/*!40101 SET @OLD_CHARACTER_SET_CLIENT=@@CHARACTER_SET_CLIENT */;
/*!40101 SET NAMES utf8mb4 */;
/*!40103 SET TIME_ZONE='+00:00' */;
/*!40014 SET @OLD_FOREIGN_KEY_CHECKS=@@FOREIGN_KEY_CHECKS, FOREIGN_KEY_CHECKS=0 */;
/*M!100616 SET @OLD_NOTE_VERBOSITY=@@NOTE_VERBOSITY, NOTE_VERBOSITY=0 */;
`;
const table = (name: string, rows: string, columns = 'id int'): string => `
-- Table structure for table \`${name}\`
DROP TABLE IF EXISTS \`${name}\`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8 */;
CREATE TABLE \`${name}\` (
  ${columns}
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
/*!40101 SET character_set_client = @saved_cs_client */;
LOCK TABLES \`${name}\` WRITE;
/*!40000 ALTER TABLE \`${name}\` DISABLE KEYS */;
INSERT INTO \`${name}\` VALUES
${rows};
/*!40000 ALTER TABLE \`${name}\` ENABLE KEYS */;
UNLOCK TABLES;
`;
const trigger = (name: string): string => `
/*!50003 SET @saved_sql_mode = @@sql_mode */ ;
/*!50003 SET sql_mode = 'STRICT_TRANS_TABLES' */ ;
DELIMITER ;;
/*!50003 CREATE*/ /*!50017 DEFINER=\`root\`@\`localhost\`*/ /*!50003 TRIGGER x BEFORE INSERT ON \`${name}\` FOR EACH ROW begin set new.id = 1; end */;;
DELIMITER ;
/*!50003 SET sql_mode = @saved_sql_mode */ ;
`;
const view = `/*!50001 CREATE ALGORITHM=UNDEFINED */
/*!50013 DEFINER=\`root\`@\`localhost\` SQL SECURITY DEFINER */
/*!50001 VIEW \`v\` AS select 1 AS \`a\` */;
`;
const end = `/*!40014 SET FOREIGN_KEY_CHECKS=@OLD_FOREIGN_KEY_CHECKS */;
/*M!100616 SET NOTE_VERBOSITY=@OLD_NOTE_VERBOSITY */;
-- Dump completed on today
`;

describe('the parts of a dump', () => {
  const former = header + table('a', '(1)') + trigger('a') + table('b', "(1),\n(2,'x;')") + view + end;

  it('are those that differ', () => {
    const next = former.replace('(2,', '(3,').replace('today', 'another day');
    const changes = compare(former, next);
    assert.ok(changes);
    assert.deepEqual(names(changes.load), ['wanted.b']);
    assert.deepEqual(names(changes.drop), ['wanted.b']);
    assert.deepEqual(names(changes.keep), ['wanted.a']);
  });

  it('differ in no more than rows when only the next number does', () => {
    const numbered = former.replaceAll('InnoDB', 'InnoDB AUTO_INCREMENT=7');
    const last = numbered.lastIndexOf('=7');
    const changes = compare(numbered, `${numbered.slice(0, last)}=9${numbered.slice(last + 2)}`);
    assert.deepEqual(names(changes?.load ?? []), ['wanted.b']);
  });

  it('are new, or gone', () => {
    const from = header + table('a', '(1)') + table('b', '(2)') + end;
    const to = header + table('new', '(1)') + table('b', '(2)') + end;
    const changes = compare(from, to);
    assert.ok(changes);
    assert.deepEqual(names(changes.load), ['wanted.new']);
    assert.deepEqual(names(changes.drop), ['wanted.a']);
  });

  for (const [what, next] of [
    ['a view', former.replace('select 1', 'select 2')],
    ['a trigger', former.replace('new.id = 1', 'new.id = 2')],
    ['a definition, where there are views', former.replace('id int', 'id bigint')],
    ['a table more, where there are views', former.replace(view, table('c', '(1)') + view)],
    ['all tables', former.replace('(1)', '(5)').replace('(2,', '(3,')],
    ['the settings before', former.replaceAll("'+00:00'", "'+01:00'")],
  ] as const) {
    it(`are of no use when there is another in ${what}`, () => {
      assert.equal(compare(former, next), undefined);
    });
  }

  for (const [what, sql] of [
    ['a function in its rows', 'create table t (id int); insert into t values (now());'],
    ['a query in its rows', 'create table t (id int); insert into t values ((select 1));'],
    ['a variable in its rows', 'create table t (id int); insert into t values (@a);'],
    ['a table made of another', 'create table t as select 1;'],
    ['a table like another', 'create table t like u;'],
    ['a table that keeps its rows with others', 'create table t (id int) engine=MERGE union=(a,b);'],
    ['a table made twice', 'create table t (id int); create table t (id int);'],
    ['rows of an unknown table', 'insert into t values (1);'],
    ['an update', 'create table t (id int); update t set id = 1;'],
    ['a change of a table', 'create table t (id int); alter table t add key (id);'],
    ['an account', 'create user x;'],
    ['a setting of the server', 'set global sql_mode = default;'],
    ['a setting that is asked for', 'set time_zone = (select z from t);'],
    ['a setting that only some servers make', "/*!80000 set time_zone = '+01:00' */;"],
    ['foreign keys that are looked at', 'create table t (id int, foreign key (id) references u (id));'],
    ['tables of the server', 'use mysql; create table user (id int);'],
    ['a command of the client', 'create table t (id int);\nsource x\n'],
  ] as const) {
    it(`can't be told apart with ${what}`, () => {
      assert.equal(read(sql), undefined);
    });
  }

  it('are the same when settings come to the same', () => {
    const saved = "set @a = @@time_zone; set time_zone = '+01:00'; set time_zone = @a;";
    const made = 'create table t (id int); insert into t values (1);';
    assert.deepEqual(read(saved + made)?.parts, read(made)?.parts);
    assert.notDeepEqual(read(saved.replace('@a;', "'+01:00';") + made)?.parts, read(made)?.parts);
  });

  it('are left out, and lines keep their numbers', async () => {
    const changes = compare(former, former.replace('(2,', '(3,'));
    assert.ok(changes);
    const next = former.replace('(2,', '(3,');
    const rest = await without(next, changes.left);
    assert.equal(rest.split('\n').length, next.split('\n').length);
    assert.equal(
      rest.split('\n').findIndex((line) => line.includes('(3,')),
      next.split('\n').findIndex((line) => line.includes('(3,')),
    );
    assert.doesNotMatch(rest, /(?:CREATE|LOCK|INTO).*`a`|TRIGGER|VIEW/);
    assert.match(rest, /CREATE TABLE `b`/);
    assert.equal(rest.match(/\bSET\b/g)?.length, next.match(/\bSET\b/g)?.length);
  });

  it('are the same however the text is cut into pieces', async () => {
    const whole = read(former);
    assert.ok(whole);
    const left = whole.placesOf(new Set([keyOf({ database: 'wanted', table: 'a' })]));
    const expected = await without(former, left);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(), { maxLength: 30 }), async (cuts) => {
        const cut = read(former, cuts);
        assert.deepEqual(cut?.parts, whole.parts);
        assert.equal(await without(former, left, cuts), expected);
      }),
      { numRuns: 200 },
    );
  });
});
