/** One item: the database that this workspace uses, and its state. */
import { MarkdownString, StatusBarAlignment, ThemeColor, l10n, window } from 'vscode';
import type { Instance } from '../../daemon/contract/instances.ts';
import { commandIds } from '../manifest.ts';
import type { Lifetime } from '../lifetime.ts';
import type { Store } from '../store.ts';
import type { Usage } from '../usage.ts';
import { currentFolder } from '../folders.ts';
import { currentWording } from './current-wording.ts';
import { iconOfInstance, lookOfInstance } from './instance-look.ts';

export function showStatusBar(store: Store, usage: Usage): Lifetime {
  const item = window.createStatusBarItem('myaas.database', StatusBarAlignment.Left, 10);
  item.name = l10n.t('MyAAS Database');
  item.command = commandIds.showDatabaseActions;
  const update = (): void => {
    const folder = currentFolder();
    const instance = folder && usage.in(folder);
    if (instance) {
      show(instance);
      item.show();
    } else {
      item.hide();
    }
  };
  const show = (instance: Instance): void => {
    const wording = currentWording();
    const setting = { isOwn: store.isOwn(instance), isUsed: true, engineVersion: undefined };
    const look = lookOfInstance(instance, setting, wording);
    const { name: icon } = iconOfInstance(instance, wording.now);
    const isSteady = icon === 'circle-filled' || icon === 'circle-outline';
    item.text = `${isSteady ? '$(database)' : `$(${icon})`} ${instance.name}`;
    item.tooltip = new MarkdownString().appendText(`${look.label}: ${look.description}`);
    item.accessibilityInformation = { label: look.spoken, role: 'button' };
    item.backgroundColor =
      instance.state === 'failed' ? new ThemeColor('statusBarItem.errorBackground') : undefined;
  };
  const listeners = [
    item,
    store.onDidChange((changes) => {
      if (changes.some((change) => change.of !== 'job')) update();
    }),
    usage.onDidChange(update),
    window.onDidChangeActiveTextEditor(update),
  ];
  update();
  return { dispose: () => listeners.forEach((each) => void each.dispose()) };
}
