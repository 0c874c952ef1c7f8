import assert from 'node:assert/strict';
import { ConfigurationTarget, workspace } from 'vscode';
import { settingKeys, settingsSection } from '../../../extension/manifest.ts';

describe('The settings', () => {
  it('have a default each', () => {
    const settings = workspace.getConfiguration(settingsSection);
    for (const key of Object.values(settingKeys)) {
      assert.notEqual(settings.inspect(key)?.defaultValue, undefined, key);
    }
  });

  it('do not let a workspace say where the daemon is', async () => {
    const settings = workspace.getConfiguration(settingsSection);
    await assert.rejects(
      Promise.resolve(settings.update('url', 'http://127.0.0.1:1', ConfigurationTarget.Workspace)),
    );
    assert.equal(workspace.getConfiguration(settingsSection).inspect('url')?.workspaceValue, undefined);
  });
});
