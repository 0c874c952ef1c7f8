import assert from 'node:assert/strict';
import { readFile, stat } from 'node:fs/promises';
import { vsix } from '../support/vscode-stage.ts';

const mostBytes = 300 * 1024;

/** The names in a zip file's central directory; section 4.3.12 of PKWARE's APPNOTE. */
function namesIn(zip: Buffer): string[] {
  const names: string[] = [];
  for (let at = zip.indexOf('PK\x01\x02'); at !== -1; at = zip.indexOf('PK\x01\x02', at + 4)) {
    names.push(zip.toString('utf8', at + 46, at + 46 + zip.readUInt16LE(at + 28)));
  }
  return names;
}

describe('The package', () => {
  it('has what the extension needs, and nothing else', async () => {
    const names = namesIn(await readFile(vsix));
    assert.deepEqual(names.filter((name) => !name.startsWith('extension/media/')).sort(), [
      '[Content_Types].xml',
      'extension.vsixmanifest',
      'extension/LICENSE.txt',
      'extension/changelog.md',
      'extension/dist/extension.cjs',
      'extension/package.json',
      'extension/package.nls.json',
      'extension/readme.md',
    ]);
    const media = names.filter((name) => name.startsWith('extension/media/'));
    assert.deepEqual(
      media.filter((name) => !/\/(?:activity-bar\.svg|icon\.png|walkthrough\/\w+\.svg)$/.test(name)),
      [],
    );
  });

  it('is at most 300 KB', async () => {
    const { size } = await stat(vsix);
    assert.ok(size <= mostBytes, `${vsix} has ${size} bytes`);
  });
});
