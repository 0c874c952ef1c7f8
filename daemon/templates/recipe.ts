/** What is done to a dump's data, read before anything begins: what is changed meanwhile is for the next import. */
import { hashCompanions, readScript, type CompanionHashes } from './companions.ts';
import { assertMaskThere, readMask, type Mask } from './mask.ts';
import type { ImportRun } from './run.ts';

export interface Recipe {
  readonly hashes: CompanionHashes;
  /** The program's text. */
  readonly script: Buffer | undefined;
  readonly mask: Mask | undefined;
}

/** Throws `MYAAS_DUMP_BAD` and `MYAAS_MASK_MISSING`. */
export async function readRecipe(run: ImportRun): Promise<Recipe> {
  assertMaskThere(run);
  const { companions } = run.dump;
  return {
    hashes: await hashCompanions(companions),
    script: companions.script && (await readScript(companions.script)),
    mask: companions.mask && (await readMask(companions.mask)),
  };
}
