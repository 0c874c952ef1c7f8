/** The end of a server whose data is to be another's: clean, with proof, and soon when nobody wants it any more. */
import type { Docker } from '../drivers/docker.ts';
import type { Engine } from '../engines/engine.ts';
import { errors } from '../errors/errors.ts';
import type { Servers } from './server.ts';

/** For the merging of all that a load or an upgrade has left to merge. */
const shutdownLimitSeconds = 24 * 3600;

/** Until it is disposed of, an abort kills the container. */
export function removeOnAbort(docker: Docker, containerId: string, signal: AbortSignal): Disposable {
  const kill = () => void docker.remove(containerId).catch(() => undefined); // `dismantle` tries again, and tells.
  signal.addEventListener('abort', kill, { once: true });
  return { [Symbol.dispose]: () => signal.removeEventListener('abort', kill) };
}

/**
 * Shuts down the server of `id`, waits for its end, and removes all but its data; `after`: "the import". Throws
 * `MYAAS_SERVER_FAILED` unless its log proves it clean.
 */
export async function shutDownCleanly(
  { docker, servers }: { readonly docker: Docker; readonly servers: Servers },
  { id, containerId, engine }: { readonly id: string; readonly containerId: string; readonly engine: Engine },
  after: string,
  signal: AbortSignal,
): Promise<void> {
  using _ = removeOnAbort(docker, containerId, signal);
  await docker.stop(containerId, shutdownLimitSeconds);
  const exitCode = await docker.wait(containerId);
  signal.throwIfAborted();
  const log = await docker.logs(containerId, 200);
  if (exitCode !== 0 || !engine.provesCleanShutdown(log)) {
    throw errors.serverFailed(
      `The server did not shut down cleanly after ${after} (exit code ${String(exitCode)}).`,
      await servers.lastWords(containerId),
    );
  }
  await servers.dismantle(id);
}
