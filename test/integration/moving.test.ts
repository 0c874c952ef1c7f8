import assert from 'node:assert/strict';
import { copyFile, mkdir } from 'node:fs/promises';
import { execa } from 'execa';
import type { RowDataPacket } from 'mysql2/promise';
import type { Template } from '../../daemon/contract/templates.ts';
import { startHost } from '../support/daemon.ts';

describe('a template', function () {
  this.timeout(300_000);

  it('moves to another host as it is, by btrfs send and its manifest', async () => {
    await using from = await startHost();
    await using to = await startHost();
    await from.importDump(
      'shop',
      "create table orders (item varchar(9)); insert into orders values ('lamp');",
    );
    const { current } = (await from.api<Template>('GET', '/v1/templates/shop')).body;
    assert.ok(current !== null);
    const source = from.paths.version('shop', current);
    const target = to.paths.version('shop', current);
    await mkdir(target, { recursive: true });
    await execa('btrfs', ['send', '--quiet', `${source}/datadir`]).pipe('btrfs', ['receive', target]);
    await copyFile(`${source}/manifest.json`, `${target}/manifest.json`);
    await to.serve.stop();
    await to.serve.start();
    const moved = (await to.api<Template>('GET', '/v1/templates/shop')).body;
    assert.equal(moved.current, current);
    const connection = await to.connect(await to.create('shop', 'there'));
    const [rows] = await connection.query<RowDataPacket[]>('select item from orders');
    connection.destroy();
    assert.deepEqual(
      rows.map(({ item }) => item as string),
      ['lamp'],
    );
  });
});
