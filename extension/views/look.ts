/** What every node's look is made of. */
import type { NodeFlag, NodeKind } from '../manifest.ts';

/** A tree node, in words of no user interface. */
export interface Look {
  readonly label: string;
  readonly description: string;
  readonly icon: Icon;
  /** Read aloud instead of label and description: whole words, and what the icon says. */
  readonly spoken: string;
  /** For `viewItem` in `when` clauses. */
  readonly contextValue: string;
}

export interface Icon {
  /** A codicon. */
  readonly name: string;
  /** A theme colour; none: as text. */
  readonly color?: string;
}

export function contextValue(kind: NodeKind, flags: Partial<Record<NodeFlag, boolean>>): string {
  return [kind, ...Object.entries(flags).flatMap(([flag, isSet]) => (isSet ? [flag] : []))].join(' ');
}

export function firstLine(text: string): string {
  return text.split('\n')[0] ?? '';
}

/** Text that Markdown, a table's cells and icons in it mean nothing special to. */
export function plain(text: string): string {
  return text.replaceAll(/[\\`*_{}[\]()#+\-.!|<>~$&]/g, '\\$&').replaceAll(/\s*\n\s*/g, ' ');
}

export function code(text: string): string {
  return `\`${text.replaceAll(/[`|\n]/g, ' ')}\``;
}
