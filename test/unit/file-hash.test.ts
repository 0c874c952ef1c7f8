import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { FileHash } from '../../daemon/templates/formats/file-hash.ts';

describe('the hash of a file, by a thread of its own', () => {
  let directory = '';
  before(async () => {
    directory = await mkdtemp(`${tmpdir()}/myaas-hash-`);
  });
  after(() => rm(directory, { recursive: true }));

  for (const sizeBytes of [0, 1, 2 ** 18, 3 * 2 ** 20 + 1]) {
    it(`is that of all ${String(sizeBytes)} bytes`, async () => {
      const content = Buffer.alloc(sizeBytes, 'SQL;');
      await writeFile(`${directory}/file`, content);
      await using hash = new FileHash(`${directory}/file`);
      assert.equal(await hash.sha256, createHash('sha256').update(content).digest('hex'));
    });
  }

  it('is none when the file is not there', async () => {
    await using hash = new FileHash(`${directory}/nothing`);
    await assert.rejects(hash.sha256, { code: 'ENOENT' });
  });

  it('is none, and nothing runs on, once nobody wants it', async () => {
    await writeFile(`${directory}/large`, '');
    await truncate(`${directory}/large`, 2 ** 40);
    const hash = new FileHash(`${directory}/large`);
    await hash[Symbol.asyncDispose]();
    await assert.rejects(hash.sha256, /ended/);
  });
});
