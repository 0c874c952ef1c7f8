/**
 * What a clone says of itself in a file beside its data, so that it can be told whose it is when the registry cannot
 * tell. It holds no secret, and what the registry says counts more. Written without waiting for the disk: where a power
 * loss takes it, nothing but this is lost.
 */
import { readFile, rename, writeFile } from 'node:fs/promises';
import { Type, type Static } from 'typebox';
import { Check } from 'typebox/value';

const CloneCard = Type.Object({
  engine: Type.String(),
  template: Type.String(),
  version: Type.String(),
  databaseName: Type.String(),
  username: Type.String(),
  /** The instance's `template/name` and owner; absent while the clone is nobody's. */
  holder: Type.Optional(Type.Object({ ref: Type.String(), owner: Type.String() })),
});
export type CloneCard = Readonly<Static<typeof CloneCard>>;

const fileOf = (home: string): string => `${home}/clone.json`;

export async function writeCard(home: string, card: CloneCard): Promise<void> {
  const { engine, template, version, databaseName, username, holder } = card;
  const text = JSON.stringify({ engine, template, version, databaseName, username, holder });
  const fresh = `${fileOf(home)}.new`;
  await writeFile(fresh, `${text}\n`, { mode: 0o600 });
  await rename(fresh, fileOf(home));
}

/** Undefined when there is none that can be understood. */
export async function readCard(home: string): Promise<CloneCard | undefined> {
  try {
    const card: unknown = JSON.parse(await readFile(fileOf(home), 'utf8'));
    return Check(CloneCard, card) ? card : undefined;
  } catch {
    return undefined;
  }
}
