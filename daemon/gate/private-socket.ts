import { once } from 'node:events';
import { chmod, chown, unlink } from 'node:fs/promises';
import { connect, type Server } from 'node:net';
import { hasErrno, messageOf } from '../errors/error.ts';
import { errors } from '../errors/errors.ts';

export interface SocketOwner {
  readonly uid: number;
  readonly gid: number;
}

/**
 * Listens on the Unix socket at `path`, which only `owner` (and root) can connect to. Replaces the socket of a process
 * that is gone. Throws `MYAAS_HOST_NOT_READY`.
 */
export async function listenPrivately(server: Server, path: string, owner?: SocketOwner): Promise<void> {
  if (await answers(path)) {
    throw errors.hostNotReady(
      `Another process listens on ${path}.`,
      'Stop the other "myaas serve", or give this one a MYAAS_RUN_DIR of its own.',
    );
  }
  try {
    await unlink(path).catch((error: unknown) => {
      if (!hasErrno(error, 'ENOENT')) throw error;
    });
    server.listen(path);
    await once(server, 'listening');
    await chmod(path, 0o600);
    if (owner) await chown(path, owner.uid, owner.gid);
  } catch (error) {
    server.close();
    throw errors.hostNotReady(
      `The socket ${path} cannot be made: ${messageOf(error)}.`,
      'Run "sudo myaas init", and start "myaas serve" as root.',
      error,
    );
  }
}

/** Whether a process accepts connections at `path`; a socket file alone, left by one that was killed, is none. */
async function answers(path: string): Promise<boolean> {
  const socket = connect(path);
  try {
    await once(socket, 'connect');
    return true;
  } catch (error) {
    if (hasErrno(error, 'ECONNREFUSED') || hasErrno(error, 'ENOENT')) return false;
    throw errors.hostNotReady(
      `The socket ${path} cannot be used: ${messageOf(error)}.`,
      'Run it as root.',
      error,
    );
  } finally {
    socket.destroy();
  }
}
