/** TCP ports of this machine. */
import { readFile } from 'node:fs/promises';
import { hasErrno } from '../errors/error.ts';

/** TCP_LISTEN of linux/tcp_states.h, as /proc/net/tcp writes it. */
const listenState = '0A';

/** The ports that somebody listens on, whatever the address. Source: proc_pid_net(5). */
export async function listeningPorts(): Promise<Set<number>> {
  const ports = new Set<number>();
  for (const table of ['/proc/net/tcp', '/proc/net/tcp6']) {
    for (const line of (await readTable(table)).split('\n').slice(1)) {
      const [, localAddress, , state] = line.trim().split(/\s+/);
      if (state === listenState) ports.add(Number.parseInt(localAddress?.split(':')[1] ?? '', 16));
    }
  }
  return ports;
}

async function readTable(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    // A kernel without IPv6 has no tcp6.
    if (hasErrno(error, 'ENOENT')) return '';
    throw error;
  }
}
