import assert from 'node:assert/strict';
import { commands, extensions } from 'vscode';
import { commandIds, extensionId } from '../../../extension/manifest.ts';

interface Manifest {
  readonly contributes: { readonly commands: readonly { readonly command: string }[] };
}

/** What VS Code itself makes for each view and view container. */
const madeByVscode =
  /^(?:myaas\.(?:instances|templates)\.|workbench\.)|\.(?:open|focus|removeView|resetViewLocation|toggleVisibility)$/;

describe('The commands', () => {
  it('that are contributed are all there, and no others', async () => {
    const manifest = extensions.getExtension(extensionId)?.packageJSON as Manifest;
    const contributed = manifest.contributes.commands.map(({ command }) => command).sort();
    const registered = (await commands.getCommands(true)).filter(
      (id) => id.startsWith('myaas.') && !madeByVscode.test(id),
    );
    assert.deepEqual(contributed, Object.values<string>(commandIds).sort());
    assert.deepEqual(registered.sort(), contributed);
  });
});
