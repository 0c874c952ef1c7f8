import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { appendFile, readdir, readFile } from 'node:fs/promises';
import { execa } from 'execa';
import type { Manifest } from '../../daemon/templates/catalogue.ts';
import { startHost } from '../support/daemon.ts';

/** Of a dump that is large enough for a thread of its own to hash it. */
const notes = '-- This line says nothing, as most of the lines in this dump do.\n'.repeat(2 ** 20 + 2 ** 17);
const rows = Array.from({ length: 9000 }, (_, index) => `(${String(index)},'of a table that stays')`).join();
const dump = `create table t (id int primary key, t text);\n${notes}insert into t values ${rows};\n`;

describe('a dump that is hashed beside its loading', function () {
  this.timeout(5 * 60_000);

  before(() => execa(process.execPath, ['esbuild.mjs']));

  for (const program of ['daemon/main.ts', 'dist/myaas.js']) {
    it(`is known by its hash, by ${program}`, async () => {
      await using host = await startHost({}, program);
      const path = `${host.dumpsDir}/notes.sql`;
      const hashOfFile = async () =>
        createHash('sha256')
          .update(await readFile(path))
          .digest('hex');
      const hashKept = async () => {
        const [version = ''] = await readdir(`${host.paths.templates}/notes`);
        const manifest = await readFile(`${host.paths.version('notes', version)}/manifest.json`, 'utf8');
        return (JSON.parse(manifest) as Manifest).dump.sha256;
      };
      await host.importDump('notes', dump);
      assert.equal(await hashKept(), await hashOfFile());

      // Compared with what it was, and the same.
      await appendFile(path, '-- One line more.\n');
      const [again] = (await host.update(['notes'])).imports;
      assert.equal(again?.state, 'unchanged');
      assert.equal(await hashKept(), await hashOfFile());
    });
  }
});
