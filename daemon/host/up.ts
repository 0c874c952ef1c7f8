/** `myaas up`: daemon and gate as one, for a container, which has nobody else to look after them. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import type { Config } from '../config.ts';
import { serve } from '../serve.ts';
import { init } from './init.ts';
import { leanMemory } from './lean-memory.ts';

const restartAfterMs = 1000;

/** Prepares the machine, and returns when the signal has aborted and both have ended. Throws what `init` and `serve` throw. */
export async function up(
  config: Config,
  { log, signal }: { log: (line: string) => void; signal: AbortSignal },
): Promise<void> {
  await init(config, { log, signal });
  // The gate goes last, as it does under systemd.
  const over = new AbortController();
  const gate = keepGate(log, over.signal);
  try {
    await serve(config, signal);
  } finally {
    over.abort();
    await gate;
  }
}

/** A gate that ends is started again, until the signal aborts. */
async function keepGate(log: (line: string) => void, signal: AbortSignal): Promise<void> {
  for (;;) {
    const child = spawn(process.execPath, [process.argv[1] ?? '', 'gate'], {
      stdio: 'inherit',
      env: { ...process.env, ...leanMemory },
    });
    const stop = () => child.kill();
    signal.addEventListener('abort', stop, { once: true });
    const [exitCode] = (await once(child, 'exit')) as [number | null];
    signal.removeEventListener('abort', stop);
    if (signal.aborted) return;
    log(`The gate has ended (${String(exitCode)}), and is started again.`);
    try {
      await delay(restartAfterMs, undefined, { signal });
    } catch {
      // Only the signal ends it early.
      return;
    }
  }
}
