import type { BulkLoading } from '../../engines/bulk.ts';
import { clientOf, feedClient, loadFailed } from '../client.ts';
import type { ImportRun } from '../run.ts';
import { readableOf } from '../formats/unpack.ts';
import type { LoadPlain, TableLoad } from './lanes.ts';
import { OnlyPlain } from './only-plain.ts';

/** Loads rows as they stand in the dump, by a client of their own. Errors tell the lines of the dump. */
export const loadAgain =
  (run: ImportRun, loading: BulkLoading): LoadPlain =>
  async (load, lane) => {
    const text = readableOf(textOf(loading, load));
    const failure = await feedClient(run, 'client', clientOf(run).command(undefined), text, lane);
    if (!failure) return;
    // It did not even get in: the dump has changed the accounts.
    if (failure.line === undefined) throw new OnlyPlain(failure.message);
    throw loadFailed(run.dump.file, failure);
  };

async function* textOf(loading: BulkLoading, { state, line, text }: TableLoad): AsyncGenerator<Buffer> {
  yield Buffer.from(loading.restoreState(state));
  yield Buffer.alloc(line - 1, '\n');
  // Whoever gets it may keep it for a while.
  for await (const bytes of text.read()) yield Buffer.from(bytes);
}
