import assert from 'node:assert/strict';
import { glob, readFile, stat } from 'node:fs/promises';
import manifest from '../../package.json' with { type: 'json' };
import strings from '../../package.nls.json' with { type: 'json' };
import type { Instance } from '../../daemon/contract/instances.ts';
import {
  availabilities,
  commandIds,
  containerId,
  contextKeys,
  extensionId,
  nodeFlags,
  nodeKinds,
  restrictedSettings,
  settingKeys,
  settingsSection,
  taskType,
  viewIds,
  walkthrough,
  type CommandId,
} from '../../extension/manifest.ts';
import { lookOfInstance } from '../../extension/views/instance-look.ts';
import { anInstance, english } from '../support/extension-samples.ts';

const { contributes } = manifest;
const ids = (record: Readonly<Record<string, string>>): string[] => Object.values(record).sort();

/** Every `when` clause there is. */
const whens: readonly string[] = [
  ...Object.values(contributes.menus).flat(),
  ...contributes.viewsWelcome,
  ...contributes.keybindings,
].flatMap((each) => ('when' in each && typeof each.when === 'string' ? [each.when] : []));

describe('package.json', () => {
  it('contributes the commands that the code has, with a title and the one category', () => {
    assert.deepEqual(contributes.commands.map(({ command }) => command).sort(), ids(commandIds));
    for (const { command, category, title, icon } of contributes.commands) {
      assert.equal(category, 'MyAAS');
      assert.equal(title, `%command.${command.replace('myaas.', '')}%`);
      assert.match(icon, /^\$\([a-z-]+\)$/);
    }
  });

  it('contributes the views that the code has', () => {
    assert.deepEqual(
      contributes.viewsContainers.activitybar.map(({ id }) => id),
      [containerId],
    );
    assert.deepEqual(Object.keys(contributes.views), [containerId]);
    assert.deepEqual(contributes.views.myaas.map(({ id }) => id).sort(), ids(viewIds));
  });

  it('contributes the settings that the code reads', () => {
    const known = Object.values(settingKeys).map((key) => `${settingsSection}.${key}`);
    assert.deepEqual(Object.keys(contributes.configuration.properties).sort(), known.sort());
  });

  it('says of every setting what it is for, and where it may be made', () => {
    for (const [key, { markdownDescription, scope }] of Object.entries(
      contributes.configuration.properties,
    )) {
      assert.match(markdownDescription, /^%setting\..+%$/);
      assert.equal(scope, key === 'myaas.url' ? 'machine' : 'resource', key);
    }
  });

  it('lets no workspace that is not trusted choose where credentials go', () => {
    const { untrustedWorkspaces, virtualWorkspaces } = manifest.capabilities;
    assert.equal(untrustedWorkspaces.supported, 'limited');
    assert.deepEqual(untrustedWorkspaces.restrictedConfigurations, restrictedSettings);
    assert.equal(virtualWorkspaces.supported, false);
  });

  it('contributes the task type and the walkthrough that the code knows', () => {
    assert.deepEqual(
      contributes.taskDefinitions.map(({ type }) => type),
      [taskType],
    );
    assert.deepEqual(
      contributes.walkthroughs.map(({ id, steps }) => [id, ...steps.map((step) => step.id)]),
      [[walkthrough.id, ...walkthrough.steps]],
    );
  });

  it('puts only contributed commands and views in menus, keys, welcome views and the walkthrough', () => {
    const used = [...Object.values(contributes.menus).flat(), ...contributes.keybindings].map(
      ({ command }) => command,
    );
    const linked = [...JSON.stringify(strings).matchAll(/command:(myaas\.\w+)/g)].map(([, id]) => id ?? '');
    const completing = contributes.walkthroughs
      .flatMap(({ steps }) => steps)
      .flatMap(({ completionEvents }) => completionEvents)
      .flatMap((event) => /^onCommand:(.+)$/.exec(event)?.[1] ?? []);
    assert.ok(linked.length > 0 && completing.length > 0);
    for (const id of [...used, ...linked, ...completing]) assert.ok(ids(commandIds).includes(id), id);
    const views = [
      ...contributes.viewsWelcome.map(({ view }) => view),
      ...whens.flatMap((when) =>
        [...when.matchAll(/(?:view|focusedView) == (\S+)/g)].map(([, id]) => id ?? ''),
      ),
    ];
    for (const view of views) assert.ok(ids(viewIds).includes(view), view);
  });

  it('asks in `when` clauses only what the code tells', () => {
    const keys = whens.flatMap((when) => when.match(/\bmyaas\.[\w.]+/g) ?? []);
    const allowed: readonly string[] = [...ids(contextKeys), ...ids(viewIds)];
    for (const key of keys) assert.ok(allowed.includes(key), key);
    for (const key of ids(contextKeys)) assert.ok(keys.includes(key), `nothing asks for ${key}`);
  });

  it('asks of nodes only what they say of themselves', () => {
    const words = whens
      .flatMap((when) =>
        [...when.matchAll(/viewItem =~ \/(.+?)\/(?= |$)/g)].map(([, pattern]) => pattern ?? ''),
      )
      .flatMap((pattern) => pattern.match(/[a-z]+/g) ?? []);
    const known: readonly string[] = [...nodeKinds, ...nodeFlags];
    assert.ok(words.length > 0);
    for (const word of words) assert.ok(known.includes(word), word);
    for (const word of known) assert.ok(words.includes(word), `nothing asks for ${word}`);
  });

  it('offers sleep for what is awake, waking for what sleeps, and neither where it is not ours to choose', () => {
    const offered = (more: Partial<Instance>, isOwn = true): CommandId[] => {
      const setting = { isOwn, isUsed: false, engineVersion: undefined };
      const { contextValue } = lookOfInstance(anInstance(more), setting, english);
      return [commandIds.putToSleep, commandIds.wakeUp].filter((id) =>
        contributes.menus['view/item/context']
          .filter(({ command }) => command === id)
          .every(({ when }) =>
            [...when.matchAll(/viewItem =~ \/(.+?)\/(?= |$)/g)].every(([, pattern]) =>
              new RegExp(pattern ?? '').test(contextValue),
            ),
          ),
      );
    };
    assert.deepEqual(offered({ state: 'ready', protected: true }), [commandIds.putToSleep]);
    assert.deepEqual(offered({ state: 'asleep', protected: true }), [commandIds.wakeUp]);
    for (const state of ['creating', 'waking', 'resetting', 'deleting', 'failed'] as const)
      assert.deepEqual(offered({ state }), [], state);
    for (const state of ['ready', 'asleep'] as const) assert.deepEqual(offered({ state }, false), [], state);
  });

  it('has a welcome view for each way the daemon is not there', () => {
    const welcomed = contributes.viewsWelcome
      .filter(({ view }) => view === viewIds.databases)
      .flatMap(({ when }) => /myaas\.daemon == ([\w-]+)/.exec(when)?.[1] ?? []);
    // While it is not known, the view says that it is being looked for.
    assert.deepEqual([...new Set([...welcomed, 'unknown'])].sort(), [...availabilities].sort());
  });

  it('has every node’s menus in at most three buttons', () => {
    const inline = contributes.menus['view/item/context'].filter(({ group }) => group.startsWith('inline'));
    for (const view of ids(viewIds)) {
      const buttons = inline.filter(({ when }) => when.includes(view));
      assert.ok(buttons.length > 0 && buttons.length <= 3, view);
    }
  });

  it('starts nothing by itself', () => {
    assert.equal('activationEvents' in manifest, false);
    assert.deepEqual(manifest.extensionKind, ['workspace']);
    assert.equal(extensionId, `${manifest.publisher}.${manifest.name}`);
  });

  it('asks for no newer VS Code than its types are of', () => {
    assert.equal(manifest.devDependencies['@types/vscode'], manifest.engines.vscode);
  });

  it('has every picture it names', async () => {
    const pictures = [
      manifest.icon,
      ...contributes.viewsContainers.activitybar.map(({ icon }) => icon),
      ...contributes.views.myaas.map(({ icon }) => icon),
      ...contributes.walkthroughs.flatMap(({ steps }) => steps.map(({ media }) => media.svg)),
    ];
    for (const picture of pictures) assert.ok((await stat(picture)).size > 0, picture);
  });

  it('has every string it names, and no other', () => {
    const named = [...JSON.stringify(manifest).matchAll(/"%([\w.]+)%"/g)].map(([, key]) => key ?? '');
    assert.deepEqual(named.sort(), Object.keys(strings).sort());
  });
});

describe('The code', () => {
  it('writes no contributed id but in manifest.ts', async () => {
    const contributed = [...ids(commandIds), ...ids(viewIds), ...ids(contextKeys)];
    for await (const file of glob('extension/**/*.ts')) {
      if (file === 'extension/manifest.ts') continue;
      const text = await readFile(file, 'utf8');
      for (const id of contributed) assert.ok(!text.includes(`'${id}'`), `${file} has ${id}`);
    }
  });

  it('takes types alone from the daemon, besides errors and the writing of a file', async () => {
    const shared = ['/daemon/errors/error.ts', '/daemon/errors/errors.ts', '/daemon/cli/atomic.ts'];
    for await (const file of glob('extension/**/*.ts')) {
      const text = await readFile(file, 'utf8');
      for (const [statement, path] of text.matchAll(/^import [^;]*?'((?:\.\.\/)+daemon\/[^']+)';/gm)) {
        const isAllowed = shared.some((file) => path?.endsWith(file)) || /^import type /.test(statement);
        assert.ok(isAllowed, `${file}: ${statement}`);
      }
    }
  });
});
