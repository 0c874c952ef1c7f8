import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { extensions } from 'vscode';
import { extensionId } from '../../../extension/manifest.ts';
import { readFacts } from './facts.ts';

const { requestLog } = readFacts();

describe('A window that nobody uses MyAAS in', () => {
  const extension = extensions.getExtension(extensionId);

  it('has the extension, and does not activate it', () => {
    assert.ok(extension, 'it is not installed');
    assert.equal(extension.isActive, false);
  });

  it('asks the daemon nothing when the extension is activated', async () => {
    assert.ok(extension);
    await extension.activate();
    assert.equal(extension.isActive, true);
    assert.equal(await readFile(requestLog, 'utf8'), '');
  });
});
