/** The process `myaas gate`. */
import type { Config } from '../config.ts';
import { accounts, lookupUser } from '../host/accounts.ts';
import { pathsOf } from '../paths.ts';
import { errors } from '../errors/errors.ts';
import { notifySystemd } from '../host/notify.ts';
import type { Log } from '../log.ts';
import { obeyServe } from './control.ts';
import { Gate } from './gate.ts';

/** Lines on standard error: the journal adds time and unit. */
const stderrLog: Log = {
  debug: (message) => process.stderr.write(`debug: ${message}\n`),
  info: (message) => process.stderr.write(`${message}\n`),
  warn: (message) => process.stderr.write(`warning: ${message}\n`),
  error: (message) => process.stderr.write(`error: ${message}\n`),
};

/**
 * Owns the instances' ports until the signal aborts; then frees them and returns. Started by root it becomes the
 * gate's user first (`MYAAS_HOST_NOT_READY` when there is none), for it needs no right but to reach the servers' sockets.
 */
export async function runGate(config: Config, signal: AbortSignal): Promise<void> {
  await leaveRoot();
  const gate = new Gate({ bind: config.bind, log: stderrLog });
  await notifySystemd('READY=1');
  await obeyServe(gate, { socketPath: pathsOf(config).gateSocket, log: stderrLog, signal });
  await gate.close();
}

async function leaveRoot(): Promise<void> {
  if (process.getuid?.() !== 0) return;
  const name = accounts.gateUser;
  const user = await lookupUser(name);
  if (!user) {
    throw errors.hostNotReady(
      `The gate does not run as root, and its system user "${name}" does not exist.`,
      'Run "sudo myaas init", which makes it.',
    );
  }
  // In this order: each step needs rights that the next one gives up.
  process.setgroups?.([user.gid]);
  process.setgid?.(user.gid);
  process.setuid?.(user.uid);
}
