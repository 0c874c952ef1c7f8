/** The view "Templates": one node a template, its versions below it. */
import {
  EventEmitter,
  MarkdownString,
  TreeItem,
  TreeItemCollapsibleState,
  l10n,
  window,
  type TreeDataProvider,
  type TreeView,
} from 'vscode';
import type { Template } from '../../daemon/contract/templates.ts';
import type { DaemonLink } from '../daemon.ts';
import type { Lifetime } from '../lifetime.ts';
import { commandIds, viewIds } from '../manifest.ts';
import type { Change, Store } from '../store.ts';
import { currentWording } from './current-wording.ts';
import { themeIcon } from './databases.ts';
import { HeldWhileVisible } from './held.ts';
import { idOf, NodeCache, type TemplateNode, type VersionNode } from './nodes.ts';
import type { Look } from './look.ts';
import { lookOfTemplate, lookOfVersion, tooltipOfTemplate } from './template-look.ts';

type Node = TemplateNode | VersionNode;

export class TemplatesView implements TreeDataProvider<Node>, Lifetime {
  readonly tree: TreeView<Node>;
  readonly #store: Store;
  readonly #held: HeldWhileVisible;
  readonly #nodes = new NodeCache<Node>();
  readonly #changed = new EventEmitter<Node | Node[] | undefined>();
  /** What each template's node showed last: it is refreshed when that is not so any more. */
  readonly #shown = new Map<string, string>();
  readonly #disposables: Lifetime[];
  readonly onDidChangeTreeData = this.#changed.event;

  constructor(store: Store, daemon: DaemonLink) {
    this.#store = store;
    this.tree = window.createTreeView(viewIds.templates, { treeDataProvider: this, showCollapseAll: false });
    this.#held = new HeldWhileVisible(this.tree, daemon);
    this.#disposables = [
      this.tree,
      this.#held,
      this.#changed,
      store.onDidChange((changes) => this.#onChanges(changes)),
    ];
  }

  async getChildren(node?: Node): Promise<Node[]> {
    if (node?.kind === 'version') return [];
    if (node) {
      const versions = this.#store.template(node.name)?.versions ?? [];
      return versions.map(({ version }) =>
        this.#nodes.get({ kind: 'version', template: node.name, version }),
      );
    }
    await this.#held.reached();
    return this.#store.templates.map(({ name }) => this.#nodes.get({ kind: 'template', name }));
  }

  getParent(node: Node): Node | undefined {
    return node.kind === 'version' ? this.#nodes.get({ kind: 'template', name: node.template }) : undefined;
  }

  getTreeItem(node: Node): TreeItem {
    return node.kind === 'template' ? this.#templateItem(node) : this.#versionItem(node);
  }

  #templateItem(node: TemplateNode): TreeItem {
    const template = this.#store.template(node.name);
    // Gone since the children were listed; the list is about to be read again.
    if (!template) return new TreeItem('');
    this.#shown.set(node.name, pictureOf(template));
    const item = itemOf(node, lookOfTemplate(template, currentWording()));
    if (template.versions.length > 0) item.collapsibleState = TreeItemCollapsibleState.Collapsed;
    if (template.current !== null) {
      const title = l10n.t('New Database');
      item.command = { command: commandIds.newDatabase, title, arguments: [node] };
    }
    return item;
  }

  #versionItem(node: VersionNode): TreeItem {
    const template = this.#store.template(node.template);
    const version = template?.versions.find((each) => each.version === node.version);
    if (!template || !version) return new TreeItem('');
    const item = itemOf(node, lookOfVersion(version, template.current === node.version, currentWording()));
    item.tooltip = `${node.template} ${node.version}\n${version.dump}`;
    return item;
  }

  /** Called when the pointer rests on a node. */
  resolveTreeItem(item: TreeItem, node: Node): TreeItem {
    const template = node.kind === 'template' ? this.#store.template(node.name) : undefined;
    if (template) item.tooltip = new MarkdownString(tooltipOfTemplate(template, currentWording()), true);
    return item;
  }

  #onChanges(changes: readonly Change[]): void {
    const isList = changes.some(
      (change) => change.of === 'daemon' || (change.of === 'template' && change.what !== 'changed'),
    );
    if (isList) {
      this.#changed.fire(undefined);
      return;
    }
    const changed = changes
      .flatMap((change) => (change.of === 'template' ? (this.#store.template(change.id) ?? []) : []))
      .filter((template) => this.#shown.get(template.name) !== pictureOf(template))
      .map(({ name }) => this.#nodes.get({ kind: 'template', name }));
    if (changed.length > 0) this.#changed.fire(changed);
  }

  dispose(): void {
    for (const each of this.#disposables) each.dispose();
  }
}

function itemOf(node: Node, look: Look): TreeItem {
  const item = new TreeItem(look.label, TreeItemCollapsibleState.None);
  item.id = idOf(node);
  item.description = look.description;
  item.iconPath = themeIcon(look.icon);
  item.contextValue = look.contextValue;
  item.accessibilityInformation = { label: look.spoken, role: 'treeitem' };
  return item;
}

/** All that is to be seen of a template, its tooltip and its versions too. A pool that is filled up is not. */
function pictureOf(template: Template): string {
  const wording = currentWording();
  const versions = template.versions.map(({ version }) => version);
  return JSON.stringify([lookOfTemplate(template, wording), tooltipOfTemplate(template, wording), versions]);
}
