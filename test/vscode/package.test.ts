import assert from 'node:assert/strict';
import { stat } from 'node:fs/promises';
import { execa } from 'execa';
import { vsix } from '../support/vscode-stage.ts';

const mostBytes = 300 * 1024;

describe('The package', () => {
  it('has what the extension needs, and nothing else', async () => {
    const { stdout } = await execa('node_modules/.bin/vsce', ['ls', '--no-dependencies'], {
      preferLocal: true,
    });
    const files = stdout.split('\n').filter((file) => !file.startsWith('media/'));
    assert.deepEqual(files.sort(), [
      'CHANGELOG.md',
      'LICENSE',
      'dist/extension.cjs',
      'extension/README.md',
      'package.json',
      'package.nls.json',
    ]);
  });

  it('is at most 300 KB', async () => {
    const { size } = await stat(vsix);
    console.log(`    ${vsix}: ${(size / 1024).toFixed(1)} KB`);
    assert.ok(size <= mostBytes, `${size} bytes`);
  });
});
