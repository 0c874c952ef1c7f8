import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { startHost } from '../support/daemon.ts';
import { smallDisk } from '../support/small-disk.ts';

const diskSizeBytes = 1500 * 2 ** 20;

describe('a disk that an import fills', function () {
  this.timeout(60_000);

  // MyISAM waits for ever for somebody to make room; InnoDB fails by itself.
  it('ends it before the instances have no room, and leaves nothing behind', async () => {
    await using disk = await smallDisk(diskSizeBytes);
    await using host = await startHost({ MYAAS_BASE_DIR: `${disk.path}/host` });
    const insert = 'insert into t select random_bytes(1024) from seq_1_to_4000;\n';
    await host.writeDump('large.sql', `create table t (a blob) engine=MyISAM;\n${insert.repeat(500)}`);
    const [large] = (await host.update()).imports;
    assert.equal(large?.state, 'failed');
    assert.equal(large.error?.code, 'MYAAS_DISK_FULL');
    assert.deepEqual(await host.census(), { rows: [], containers: [], directories: [], runDirectories: [] });
    assert.deepEqual(await readdir(host.paths.templates), []);
  });
});
