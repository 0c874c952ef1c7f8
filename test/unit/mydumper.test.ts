import assert from 'node:assert/strict';
import { MyaasError } from '../../daemon/errors/error.ts';
import { delimitStatements, sortMydumper } from '../../daemon/templates/formats/mydumper.ts';

const kindsOf = (...names: string[]) =>
  sortMydumper({
    format: 'mydumper',
    template: 'shop',
    file: 'shop',
    path: '/shop',
    sizeBytes: 0,
    modifiedMs: 0,
    companions: { hook: undefined, script: undefined, mask: undefined, engine: undefined },
    files: names.map((name) => ({ name, sizeBytes: 1, modifiedMs: 0 })),
  }).map(({ kind, stem }) => `${kind} ${stem}`);

describe('the files of mydumper', () => {
  it('are known by their names, of old and of new versions, packed or not', () => {
    assert.deepEqual(
      kindsOf(
        'metadata',
        'shop-schema-create.sql.zst',
        'shop-schema-post.sql',
        'shop-schema-triggers.sql.gz',
        'shop.orders-schema.sql',
        'shop.orders-schema-triggers.sql',
        'shop.orders.sql',
        'shop.orders.00001.sql.gz',
        'shop.orders.00000.00002.sql.zst',
        'shop.orders-metadata',
        'shop.view-schema.sql',
        'shop.view-schema-view.sql',
        'shop.tickets-schema-sequence.sql',
        'all-schema-create-tablespace.sql',
      ),
      [
        'create shop',
        'post shop',
        'triggers shop',
        'table shop.orders',
        'triggers shop.orders',
        'data shop.orders',
        'data shop.orders.00001',
        'data shop.orders.00000.00002',
        'table shop.view',
        'view shop.view',
        'sequence shop.tickets',
      ],
    );
  });

  it('are refused when a schema is missing, or rows are no SQL', () => {
    const isBad = (error: unknown) => error instanceof MyaasError && error.code === 'MYAAS_DUMP_BAD';
    assert.throws(() => kindsOf('shop-schema-create.sql', 'shop.orders.00000.sql'), isBad);
    assert.throws(() => kindsOf('shop.orders-schema.sql', 'shop.orders.00000.dat.gz'), isBad);
  });

  it('have statements that end where a line does, which the client is told', () => {
    const token = /delimiter (\S+)/.exec(delimitStatements('SET a = 1;\n'))?.[1] ?? '';
    assert.notEqual(token, '');
    assert.equal(
      delimitStatements('SET a = 1;\nCREATE x begin a; \n b; end;\n'),
      `delimiter ${token}\nSET a = 1 ${token}\nCREATE x begin a; \n b; end ${token}\n`,
    );
    const delimited = 'DELIMITER ;;\ncreate x;;\nDELIMITER ;\n';
    assert.equal(delimitStatements(delimited), delimited);
  });
});
