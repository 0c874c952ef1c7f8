/** The server's own client: runs SQL text in a container that reaches the import's socket and nothing else. */
import { inContainer, type LoadFailure } from '../engines/engine.ts';
import { errors, type MyaasError } from '../errors.ts';
import { readDump } from './reader.ts';
import type { ImportRun } from './run.ts';
import type { DumpFile } from './unpack.ts';

/**
 * Runs a file of SQL, in `database` unless it names another; the hash of the file as it is. Throws `MYAAS_DUMP_BAD` when
 * the file is not whole.
 */
export async function runClient(
  run: ImportRun,
  file: DumpFile,
  database: string | undefined,
  onRead: (doneBytes: number) => void = () => undefined,
): Promise<{ sha256: string; failure?: never } | { failure: LoadFailure }> {
  const { docker, engine, paths, servers, config, image } = run.deps;
  const containerId = await docker.create({
    role: 'client',
    id: run.id,
    image: image(),
    command: engine.loadCommand(database),
    user: servers.owner,
    mounts: [{ source: paths.run(run.id), target: inContainer.run }],
    memoryBytes: config.memoryLimitBytes,
    stdin: true,
  });
  using _ = run.killOnAbort(containerId);
  const reading = await readDump(file, run.signal, onRead);
  const { exitCode, stderr } = await docker.feed(containerId, reading.text);
  run.signal.throwIfAborted();
  await docker.remove(containerId);
  if (exitCode !== 0) return { failure: engine.parseLoadError(stderr, exitCode) };
  return { sha256: reading.summarize().sha256 };
}

export function loadFailed(file: string, { line, statement, message }: LoadFailure): MyaasError {
  const where = line === undefined ? '' : `line ${String(line)}: `;
  const what = statement === undefined ? '' : `\nThe statement: ${statement}`;
  return errors.dumpBad(file, `${where}${message}${what}`);
}
