/** The templates of the suite: dumps that tell what they are, so that a clone tells which it was made of. */
import type { Instance } from '../../daemon/contract/instances.ts';
import type { Template } from '../../daemon/contract/templates.ts';
import type { TestHost } from '../support/daemon.ts';

const ballastRows = 2000;

export class Editions {
  readonly #host: TestHost;
  /** The number of the dump that was written last. */
  readonly #written = new Map<string, number>();
  /** What is known of each version that was ever seen. */
  readonly #editionOf = new Map<string, number>();
  /** How many looks into an instance found the data of its template. */
  looks = 0;
  /** The newest version that was seen of each template; undefined since the template was asked to be deleted. */
  readonly #current = new Map<string, string>();

  constructor(host: TestHost) {
    this.#host = host;
  }

  /** Writes the next dump of a template. */
  async write(template: string): Promise<void> {
    const edition = (this.#written.get(template) ?? 0) + 1;
    this.#written.set(template, edition);
    const ballast = Array.from({ length: ballastRows }, (_, n) => `(${String(n)}, repeat('x', 100))`);
    await this.#host.writeDump(
      `${template}.sql`,
      `create table edition (n int primary key);
       insert into edition values (${String(edition)});
       create table marks (n bigint primary key);
       create table ballast (n int primary key, text varchar(100));
       insert into ballast values ${ballast.join(',')};`,
    );
  }

  /** From now on it may be gone. */
  deleting(template: string): void {
    this.#current.delete(template);
  }

  /** What is wrong with the templates as they are listed: none goes, and none goes back to a version before. */
  compare(templates: readonly Template[]): string[] {
    const listed = new Map(templates.map(({ name, current }) => [name, current]));
    const defects: string[] = [];
    for (const [template, former] of this.#current) {
      const now = listed.get(template) ?? '';
      if (now.localeCompare(former, 'en', { numeric: true }) < 0)
        defects.push(`lost: template ${template} was at ${former}, and is at "${now}"`);
    }
    for (const [template, current] of listed) if (current !== null) this.#current.set(template, current);
    return defects;
  }

  /** What is wrong with what a clone holds of its template. */
  compareData({ template, version }: Instance, edition: number, ballast: number): string | undefined {
    const known = this.#editionOf.get(`${template}/${version}`) ?? edition;
    this.#editionOf.set(`${template}/${version}`, known);
    if (known !== edition) return `${version} is edition ${String(known)}, and this is ${String(edition)}`;
    if (ballast !== ballastRows) return `${String(ballast)} of ${String(ballastRows)} rows of its template`;
    this.looks++;
    return undefined;
  }
}
