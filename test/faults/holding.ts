/** What a client may rely on of its instance, because it was told; and what it may find, because it was not. */
import type { Instance } from '../../daemon/contract/instances.ts';

/** The rows of an instance as far as its client knows them. */
interface Rows {
  readonly sure: Set<number>;
  /** Written, but never acknowledged. */
  readonly unsure: Set<number>;
}

/** `unsure`: asked to be made or deleted, and not answered. `fleeting`: its lease may end at any moment. */
export type Presence = 'sure' | 'unsure' | 'gone' | 'fleeting';

const fresh = (): Rows => ({ sure: new Set(), unsure: new Set() });

export class Holding {
  readonly template: string;
  readonly name: string;
  presence: Presence = 'unsure';
  /** As it was last answered; undefined until then. */
  instance: Instance | undefined;
  /** More than one after a reset that was not answered: the instance has its former data, or fresh data. */
  #possible: Rows[] = [fresh()];

  constructor(template: string, name: string) {
    this.template = template;
    this.name = name;
  }

  get ref(): string {
    return `${this.template}/${this.name}`;
  }

  has(instance: Instance): void {
    this.instance = instance;
    this.presence = 'sure';
  }

  writing(row: number): void {
    for (const { unsure } of this.#possible) unsure.add(row);
  }

  written(row: number): void {
    for (const { sure, unsure } of this.#possible) {
      unsure.delete(row);
      sure.add(row);
    }
  }

  resetting(): void {
    this.#possible.push(fresh());
  }

  /** The reset was refused: nothing has changed. */
  notReset(): void {
    this.#possible.pop();
  }

  wasReset(instance: Instance): void {
    this.instance = instance;
    this.#possible = [fresh()];
  }

  /** What is wrong with the rows that were found; undefined when they are what they may be, which is then sure. */
  compare(found: ReadonlySet<number>): string | undefined {
    const defects = this.#possible.map((rows) => defectOf(rows, found));
    const right = this.#possible[defects.indexOf(undefined)];
    if (!right) return defects.join('; or, were it reset, ');
    this.#possible = [{ sure: new Set(found), unsure: right.unsure.difference(found) }];
    return undefined;
  }
}

function defectOf({ sure, unsure }: Rows, found: ReadonlySet<number>): string | undefined {
  const lost = sure.difference(found);
  if (lost.size > 0) return `acknowledged rows are lost: ${[...lost].join(', ')}`;
  const strange = found.difference(sure).difference(unsure);
  return strange.size > 0 ? `rows that nobody wrote here: ${[...strange].join(', ')}` : undefined;
}
