import assert from 'node:assert/strict';
import { mariadb } from '../../daemon/engines/mariadb.ts';

const mib = 2 ** 20;
const gib = 2 ** 30;

/** Bytes or a number that the server of a container is given by `--name=value`. */
function setting(memoryBytes: number, name: string): number {
  const prefix = `--${name}=`;
  const flags = mariadb
    .serveCommand({ memoryBytes, series: '11.8' })
    .filter((flag) => flag.startsWith(prefix));
  assert.equal(flags.length, 1, `${name} is set once`);
  const [, number, unit] = /^(\d+)(M?)$/.exec(flags[0]?.slice(prefix.length) ?? '') ?? [];
  assert.ok(number, `${name} is a whole number`);
  return Number(number) * (unit === 'M' ? mib : 1);
}

describe('the settings of a MariaDB server', () => {
  // The least that MYAAS_MEMORY_LIMIT may be, and beyond what machines have.
  const limits = [256 * mib, 512 * mib, gib, 2 * gib, 3.3 * gib, 64 * gib, 2048 * gib];

  for (const memoryBytes of limits) {
    it(`leave it within a limit of ${String(memoryBytes / mib)} MiB when every connection works`, () => {
      const perConnection =
        setting(memoryBytes, 'tmp-memory-table-size') + setting(memoryBytes, 'sort-buffer-size');
      const all = setting(memoryBytes, 'max-connections') * perConnection;
      assert.ok(setting(memoryBytes, 'innodb-buffer-pool-size') + all <= memoryBytes * 0.6);
    });

    it(`let a developer work with ${String(memoryBytes / mib)} MiB`, () => {
      assert.ok(setting(memoryBytes, 'innodb-buffer-pool-size') >= 32 * mib);
      assert.ok(setting(memoryBytes, 'max-connections') >= 64);
      assert.ok(setting(memoryBytes, 'sort-buffer-size') >= 512 * 1024);
      assert.ok(setting(memoryBytes, 'tmp-memory-table-size') >= mib);
    });
  }

  it('grow with the limit', () => {
    for (const name of ['innodb-buffer-pool-size', 'max-connections']) {
      assert.ok(setting(2 * gib, name) > setting(512 * mib, name), name);
    }
  });

  it('keep threads below what a container may have', () => {
    assert.ok(setting(2048 * gib, 'max-connections') <= 1000);
  });
});
