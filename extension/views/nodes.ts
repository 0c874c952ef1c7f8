/** The trees' nodes. Plain values: a node is also what a command gets as argument, from a menu or a link. */

export interface InstanceNode {
  readonly kind: 'instance';
  readonly id: string;
}

export interface TemplateNode {
  readonly kind: 'template';
  readonly name: string;
}

export interface VersionNode {
  readonly kind: 'version';
  readonly template: string;
  readonly version: string;
}

export type Node = InstanceNode | TemplateNode | VersionNode;

/** Stable: the same thing has the same id in every session, so that VS Code keeps selection and expansion. */
export function idOf(node: Node): string {
  switch (node.kind) {
    case 'instance':
      return `instance/${node.id}`;
    case 'template':
      return `template/${node.name}`;
    case 'version':
      return `version/${node.template}/${node.version}`;
  }
}

/** The one object that stands for a node: VS Code refreshes and reveals nodes by identity. */
export class NodeCache<N extends Node> {
  readonly #nodes = new Map<string, N>();

  get(node: N): N {
    const id = idOf(node);
    const known = this.#nodes.get(id);
    if (known) return known;
    this.#nodes.set(id, node);
    return node;
  }

  forget(node: N): void {
    this.#nodes.delete(idOf(node));
  }
}

export function isNode(value: unknown): value is Node {
  if (typeof value !== 'object' || value === null || !('kind' in value)) return false;
  switch (value.kind) {
    case 'instance':
      return 'id' in value && typeof value.id === 'string';
    case 'template':
      return 'name' in value && typeof value.name === 'string';
    case 'version':
      return (
        'template' in value &&
        'version' in value &&
        typeof value.template === 'string' &&
        typeof value.version === 'string'
      );
    default:
      return false;
  }
}
