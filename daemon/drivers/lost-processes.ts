/**
 * Processes of containers that Docker Engine knows nothing of any more: one that is killed while it starts a container
 * takes that for one that never ran, while its program runs on, holds the locks of its data and lets no other server in.
 * The engine would say "removed" and leave it.
 */
import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { hasErrno } from '../errors/error.ts';

const askAgainMs = 20;
/** A process in the middle of a disk's answer cannot be killed; its container can be removed all the same. */
const patienceMs = 5000;

/** Kills what runs in a container, and returns when it is gone. To be asked only of one that is to be removed. */
export async function endLost(containerId: string): Promise<void> {
  const deadlineMs = performance.now() + patienceMs;
  // The kernel tells the end of a process to its parent alone, and that is not us.
  while (performance.now() < deadlineMs) {
    const lost = await processesOf(containerId);
    if (lost.length === 0) return;
    for (const pid of lost) kill(pid);
    await delay(askAgainMs);
  }
}

/** By their control groups, whose paths end with the container's id whichever way the engine makes them. */
async function processesOf(containerId: string): Promise<number[]> {
  const pids = (await readdir('/proc')).map(Number).filter(Number.isInteger);
  const found = await Promise.all(pids.map(async (pid) => ((await isIn(containerId, pid)) ? [pid] : [])));
  return found.flat();
}

async function isIn(containerId: string, pid: number): Promise<boolean> {
  try {
    return (await readFile(`/proc/${String(pid)}/cgroup`, 'utf8')).includes(containerId);
  } catch (error) {
    // It has ended meanwhile.
    if (hasErrno(error, 'ENOENT') || hasErrno(error, 'ESRCH')) return false;
    throw error;
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if (!hasErrno(error, 'ESRCH')) throw error;
  }
}
