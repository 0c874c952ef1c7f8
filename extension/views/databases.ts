/** The view "Databases": one node an instance. */
import {
  EventEmitter,
  MarkdownString,
  ThemeColor,
  ThemeIcon,
  TreeItem,
  TreeItemCollapsibleState,
  Uri,
  l10n,
  window,
  FileDecoration,
  type TreeDataProvider,
  type TreeView,
} from 'vscode';
import type { Instance } from '../../daemon/contract/instances.ts';
import type { Version } from '../../daemon/contract/templates.ts';
import type { DaemonLink } from '../daemon.ts';
import { schemes, viewIds } from '../manifest.ts';
import type { Lifetime } from '../lifetime.ts';
import type { Store } from '../store.ts';
import type { Usage } from '../usage.ts';
import { currentWording } from './current-wording.ts';
import { HeldWhileVisible } from './held.ts';
import { idOf, NodeCache, type InstanceNode } from './nodes.ts';
import type { Icon } from './look.ts';
import { lookOfInstance, tooltipCommands, tooltipOfInstance, type InstanceSetting } from './instance-look.ts';

/** Coarse times are right for as long. */
const tickMs = 60_000;

export class DatabasesView implements TreeDataProvider<InstanceNode>, Lifetime {
  readonly tree: TreeView<InstanceNode>;
  readonly #store: Store;
  readonly #usage: Usage;
  readonly #held: HeldWhileVisible;
  readonly #nodes = new NodeCache<InstanceNode>();
  readonly #changed = new EventEmitter<InstanceNode | InstanceNode[] | undefined>();
  readonly #marksChanged = new EventEmitter<Uri[]>();
  readonly #disposables: Lifetime[];
  /** What each node showed last: a node is refreshed when that is not so any more. */
  readonly #shown = new Map<string, string>();
  readonly onDidChangeTreeData = this.#changed.event;

  constructor(store: Store, daemon: DaemonLink, usage: Usage) {
    this.#store = store;
    this.#usage = usage;
    this.tree = window.createTreeView(viewIds.databases, {
      treeDataProvider: this,
      canSelectMany: true,
      showCollapseAll: false,
    });
    this.#held = new HeldWhileVisible(this.tree, daemon);
    const ticking = setInterval(() => this.#tick(), tickMs);
    this.#disposables = [
      this.tree,
      this.#held,
      this.#changed,
      this.#marksChanged,
      window.registerFileDecorationProvider({
        onDidChangeFileDecorations: this.#marksChanged.event,
        provideFileDecoration: (uri) => this.#markOf(uri),
      }),
      store.onDidChange((changes) => this.#onChanges(changes)),
      usage.onDidChange((ids) => {
        this.#refresh([...ids]);
        this.#marksChanged.fire([...ids].map(uriOf));
      }),
      { dispose: () => clearInterval(ticking) },
    ];
  }

  async getChildren(node?: InstanceNode): Promise<InstanceNode[]> {
    if (node) return [];
    await this.#held.reached();
    this.#shown.clear();
    return this.#store.instances
      .sort((a, b) => Number(this.#store.isOwn(b)) - Number(this.#store.isOwn(a)) || compare(a, b))
      .map(({ id }) => this.#nodes.get({ kind: 'instance', id }));
  }

  getParent(): undefined {
    return undefined;
  }

  getTreeItem(node: InstanceNode): TreeItem {
    const instance = this.#store.instance(node.id);
    // Gone since the children were listed; the list is about to be read again.
    if (!instance) return new TreeItem('');
    const look = lookOfInstance(instance, this.#settingOf(instance), currentWording());
    this.#shown.set(node.id, JSON.stringify(look));
    const item = new TreeItem(look.label, TreeItemCollapsibleState.None);
    item.id = idOf(node);
    item.description = look.description;
    item.iconPath = themeIcon(look.icon);
    item.contextValue = look.contextValue;
    item.accessibilityInformation = { label: look.spoken, role: 'treeitem' };
    item.resourceUri = uriOf(node.id);
    return item;
  }

  /** Called when the pointer rests on a node. */
  resolveTreeItem(item: TreeItem, node: InstanceNode): TreeItem {
    const instance = this.#store.instance(node.id);
    if (!instance) return item;
    const text = tooltipOfInstance(
      instance,
      this.#settingOf(instance),
      this.#versionOf(instance),
      currentWording(),
    );
    const tooltip = new MarkdownString(text, true);
    tooltip.isTrusted = { enabledCommands: tooltipCommands };
    item.tooltip = tooltip;
    return item;
  }

  /** Shows and selects an instance's node. */
  async reveal(id: string): Promise<void> {
    await this.tree.reveal(this.#nodes.get({ kind: 'instance', id }), { select: true, focus: false });
  }

  get selection(): readonly InstanceNode[] {
    return this.tree.selection;
  }

  #onChanges(changes: Parameters<Parameters<Store['onDidChange']>[0]>[0]): void {
    const isList = changes.some(
      (change) => change.of === 'daemon' || (change.of === 'instance' && change.what !== 'changed'),
    );
    // Beside the welcome view, which cannot know it: where the daemon was looked for.
    const { daemon } = this.#store;
    this.tree.description = 'address' in daemon ? daemon.address : '';
    if (isList) this.#changed.fire(undefined);
    else this.#refresh(changes.flatMap((change) => (change.of === 'instance' ? [change.id] : [])));
    for (const change of changes) {
      if (change.of === 'instance' && change.what === 'removed')
        this.#nodes.forget({ kind: 'instance', id: change.id });
    }
  }

  #refresh(ids: readonly string[]): void {
    const known = ids.filter((id) => this.#store.instance(id));
    if (known.length > 0) this.#changed.fire(known.map((id) => this.#nodes.get({ kind: 'instance', id })));
  }

  /** Time has passed: refreshes the nodes that show it. */
  #tick(): void {
    if (!this.tree.visible) return;
    const wording = currentWording();
    this.#refresh(
      this.#store.instances
        .filter((each) => {
          const shown = this.#shown.get(each.id);
          return (
            shown !== undefined &&
            shown !== JSON.stringify(lookOfInstance(each, this.#settingOf(each), wording))
          );
        })
        .map(({ id }) => id),
    );
  }

  #settingOf(instance: Instance): InstanceSetting {
    return {
      isOwn: this.#store.isOwn(instance),
      isUsed: this.#usage.isUsed(instance.id),
      engineVersion: instance.engineSeries ?? this.#versionOf(instance)?.engineVersion,
    };
  }

  #versionOf({ template, version }: Instance): Version | undefined {
    return this.#store.template(template)?.versions.find((each) => each.version === version);
  }

  #markOf(uri: Uri): FileDecoration | undefined {
    if (uri.scheme !== schemes.database || !this.#usage.isUsed(uri.path.slice(1))) return undefined;
    return new FileDecoration('✓', l10n.t('used by this workspace'));
  }

  dispose(): void {
    for (const each of this.#disposables) each.dispose();
  }
}

const compare = (a: Instance, b: Instance): number =>
  a.name.localeCompare(b.name) || a.template.localeCompare(b.template);

const uriOf = (id: string): Uri => Uri.from({ scheme: schemes.database, path: `/${id}` });

export function themeIcon({ name, color }: Icon): ThemeIcon {
  return new ThemeIcon(name, color === undefined ? undefined : new ThemeColor(color));
}
