/** Many files of SQL through few clients: one for each file would take longer to start than to do its work. */
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { errors } from '../../errors/errors.ts';
import { clientOf, feedClient, loadFailed } from '../client.ts';
import { readDump } from './reader.ts';
import type { ImportRun } from '../run.ts';
import type { DumpFile } from './unpack.ts';

export interface ScriptPart {
  readonly file: DumpFile;
  /** What is run before it, on one line, so that it begins as it would in a client of its own. */
  readonly prelude: string;
  /** What the client is given instead of its text; the file must be small. Lines should keep their numbers. */
  readonly rewrite?: (text: string) => string;
}

/** A statement has ended, or a comment stands last. */
const wholeEnd = /(?:;|\*\/|--.*)\s*$/;
const tailLength = 4096;

/**
 * Runs the parts one after the other through one client; several of these may share one iterator. Throws
 * `MYAAS_DUMP_BAD` with the file and its line.
 */
export async function runScript(
  run: ImportRun,
  parts: Iterator<ScriptPart>,
  meterOf: () => (doneBytes: number) => void,
  ordinal?: number,
): Promise<void> {
  const first = parts.next();
  if (first.done) return;
  const begun: { readonly file: string; readonly beforeFirstLine: number }[] = [];
  let lineCount = 0;

  async function* textOfAll(): AsyncGenerator<Buffer> {
    for (let next: IteratorResult<ScriptPart, unknown> = first; !next.done; next = parts.next()) {
      const { file, prelude } = next.value;
      // A delimiter that the file before has set is no business of this one.
      yield Buffer.from(`delimiter ;\n${prelude}\n`);
      lineCount += 2;
      begun.push({ file: file.file, beforeFirstLine: lineCount });
      for await (const chunk of textOf(run, next.value, meterOf())) {
        for (let at = chunk.indexOf(10); at !== -1; at = chunk.indexOf(10, at + 1)) lineCount++;
        yield chunk;
      }
      yield Buffer.from('\n');
      lineCount++;
    }
  }

  const script = Readable.from(textOfAll(), { objectMode: false, highWaterMark: 2 ** 20 });
  const failure = await feedClient(run, 'client', clientOf(run).command(undefined), script, ordinal);
  if (!failure) return;
  const { line } = failure;
  const where =
    begun.findLast(({ beforeFirstLine }) => line !== undefined && line > beforeFirstLine) ?? begun[0];
  throw loadFailed(where?.file ?? run.dump.file, {
    ...failure,
    line: line === undefined ? undefined : line - (where?.beforeFirstLine ?? 0),
  });
}

async function* textOf(
  run: ImportRun,
  { file, rewrite }: ScriptPart,
  onRead: (doneBytes: number) => void,
): AsyncGenerator<Buffer> {
  const reading = await readDump(file, run.signal, onRead);
  let tail = '';
  if (rewrite) {
    tail = await text(reading.text);
    yield Buffer.from(rewrite(tail));
  } else {
    for await (const chunk of reading.text as AsyncIterable<Buffer>) {
      tail = (tail + chunk.toString('latin1', Math.max(0, chunk.length - tailLength))).slice(-tailLength);
      yield chunk;
    }
  }
  reading.summarize();
  if (!wholeEnd.test(tail))
    throw errors.dumpBad(file.file, 'it is truncated: its last statement has no end.', 'Make the dump anew.');
}
