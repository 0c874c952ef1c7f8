/** TCP ports that nobody listens on: tried, and given back at once. */
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:net';

/** The first of `count` free ports in a row. */
export async function freePorts(count: number): Promise<number> {
  for (;;) {
    // Below the range that the kernel gives to outgoing connections, which could take one meanwhile.
    const from = 10_000 + Math.floor(Math.random() * 12_000);
    const tries = await Promise.all(Array.from({ length: count }, (_, index) => isFree(from + index)));
    if (tries.every(Boolean)) return from;
  }
}

export const freePort = (): Promise<number> => freePorts(1);

async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen(port, '127.0.0.1');
  try {
    await once(server, 'listening');
  } catch {
    return false;
  }
  await new Promise((resolve) => server.close(resolve));
  return true;
}

/** TCP ports of this machine that somebody listens on, by `/proc/net/tcp` (proc_net(5)). */
export async function listeningPorts(): Promise<Set<number>> {
  const listening = '0A';
  const lines = (await readFile('/proc/net/tcp', 'utf8')).split('\n').map((line) => line.trim().split(/\s+/));
  return new Set(
    lines
      .filter(([, , , state]) => state === listening)
      .map(([, local]) => Number.parseInt(local?.split(':')[1] ?? '', 16)),
  );
}
