/** The server's own client: runs SQL text in a container that reaches the import's socket and nothing else. */
import type { Readable } from 'node:stream';
import type { Role } from '../drivers/container.ts';
import type { LoadClient, LoadFailure } from '../engines/dump-support.ts';
import { inContainer, type AdminSession } from '../engines/engine.ts';
import type { MyaasError } from '../errors/error.ts';
import { errors } from '../errors/errors.ts';
import type { BulkStream } from './bulk/stream.ts';
import { readDump, readDumpInPlace } from './formats/reader.ts';
import type { ImportRun } from './run.ts';
import { readableOf, type DumpFile } from './formats/unpack.ts';

/** The hash of what was run, or why it was not. */
export type ClientOutcome = { sha256: string; failure?: never } | { failure: LoadFailure };

/**
 * Runs a file of SQL, in `database` unless it names another; the hash of the file as it is. Rows that `bulk` takes out
 * are loaded beside it; `admin` makes roles that a dump names. Throws `MYAAS_DUMP_BAD` when the file is not whole.
 */
export async function runClient(
  run: ImportRun,
  file: DumpFile,
  database: string | undefined,
  onRead: (doneBytes: number) => void = () => undefined,
  bulk?: BulkStream,
  admin?: AdminSession,
): Promise<ClientOutcome> {
  const locales = await admin?.locales?.();
  const filter = run.engine.dumps.filter?.({
    file: file.file,
    series: run.image.series,
    ensureRole: admin?.ensureRole?.bind(admin),
    ...(locales && { locales }),
  });
  const leftOut = file === run.dump ? run.update?.leftOut : undefined;
  const command = clientOf(run).command(database);
  const feed = (text: Readable) => feedClient(run, 'client', command, text, undefined, { heard: bulk });
  let reading;
  let failure;
  if (bulk && !filter) {
    reading = await readDumpInPlace(file, run.signal, onRead, leftOut);
    failure = await feed(readableOf(bulk.text(reading)));
  } else {
    reading = await readDump(file, run.signal, onRead, filter, leftOut);
    failure = await feed(reading.text);
  }
  return failure ? { failure } : { sha256: reading.summarize().sha256 };
}

/** Feeds a client; why it failed, if it did. An error of `input` is thrown as it is. Clients side by side have ordinals. */
export async function feedClient(
  run: ImportRun,
  role: Role,
  command: readonly string[],
  input: Readable,
  ordinal?: number,
  more: {
    readonly heard?: { onOutput(chunk: Buffer): void; onExit(): void } | undefined;
    /** The client's home directory, on the host. */
    readonly directory?: string;
  } = {},
): Promise<LoadFailure | undefined> {
  const { docker, paths, servers, config } = run.deps;
  const { heard, directory } = more;
  const client = clientOf(run);
  const containerId = await docker.create({
    role,
    id: run.id,
    ordinal,
    image: run.image.reference,
    command,
    env: run.engine.hookEnvironment,
    user: servers.owner,
    mounts: [
      { source: paths.run(run.id), target: inContainer.run },
      ...(directory === undefined ? [] : [{ source: directory, target: inContainer.home }]),
    ],
    memoryBytes: config.memoryLimitBytes,
    stdin: true,
  });
  using _ = run.killOnAbort(containerId);
  const { exitCode, stderr } = await docker.feed(containerId, input, {
    onOutput: (chunk) => heard?.onOutput(chunk),
    onExit: () => heard?.onExit(),
  });
  run.signal.throwIfAborted();
  await docker.remove(containerId);
  return exitCode === 0 ? undefined : client.parseError(stderr, exitCode);
}

/** Throws `MYAAS_ENGINE_LACKS` for a product whose dumps no client loads. */
export function clientOf({ engine, dump }: ImportRun): LoadClient {
  const { loading } = engine.dumps;
  if (loading.kind === 'client') return loading.client;
  throw errors.engineLacks(
    'A client that runs statements',
    engine.title,
    `Take ${dump.template}.after-import.sql away.`,
  );
}

export function loadFailed(file: string, { line, statement, message }: LoadFailure): MyaasError {
  const where = line === undefined ? '' : `line ${String(line)}: `;
  const what = statement === undefined ? '' : `\nThe statement: ${statement}`;
  return errors.dumpBad(file, `${where}${message}${what}`);
}
