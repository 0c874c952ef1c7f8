/** What the processes and the machine hold at one moment of a soak. */
import { readdir, readFile, stat, statfs } from 'node:fs/promises';
import { hasErrno } from '../../daemon/errors/error.ts';
import type { TestHost } from '../support/daemon.ts';

export interface Sample {
  readonly atSeconds: number;
  readonly serveMib: number;
  /** Of the JavaScript objects in it, those that nothing holds any more included until they are collected. */
  readonly serveHeapMib: number;
  readonly serveDescriptors: number;
  readonly gateMib: number;
  readonly gateDescriptors: number;
  readonly containers: number;
  readonly subvolumes: number;
  readonly runDirectories: number;
  readonly registryKib: number;
  readonly diskUsedMib: number;
  /** Done since the beginning. */
  readonly operations: number;
}

/** Resident memory, by proc_pid_status(5). */
async function residentMib(pid: number): Promise<number> {
  const status = await readFile(`/proc/${String(pid)}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]) / 1024;
}

async function heapMib(host: TestHost): Promise<number> {
  const { text } = await host.api('GET', '/metrics');
  return Number(/^nodejs_heap_size_used_bytes (\S+)/m.exec(text)?.[1]) / 2 ** 20;
}

const descriptors = async (pid: number): Promise<number> => (await readdir(`/proc/${String(pid)}/fd`)).length;

/** The database and its write-ahead log. */
async function registryKib(path: string): Promise<number> {
  const sizes = [path, `${path}-wal`].map(async (file) => {
    try {
      return (await stat(file)).size;
    } catch (error) {
      if (hasErrno(error, 'ENOENT')) return 0;
      throw error;
    }
  });
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0) / 1024;
}

async function countVersions(templates: string): Promise<number> {
  const versions = (await readdir(templates)).map((template) => readdir(`${templates}/${template}`));
  return (await Promise.all(versions)).flat().length;
}

export async function takeSample(host: TestHost, atSeconds: number, operations: number): Promise<Sample> {
  const { serve, gate, docker, paths, config } = host;
  const disk = await statfs(config.baseDir);
  return {
    atSeconds: Math.round(atSeconds),
    serveMib: await residentMib(serve.pid),
    serveHeapMib: await heapMib(host),
    serveDescriptors: await descriptors(serve.pid),
    gateMib: await residentMib(gate.pid),
    gateDescriptors: await descriptors(gate.pid),
    containers: (await docker.list()).length,
    subvolumes: (await readdir(paths.instances)).length + (await countVersions(paths.templates)),
    runDirectories: (await readdir(config.runDir, { withFileTypes: true })).filter((entry) =>
      entry.isDirectory(),
    ).length,
    registryKib: await registryKib(paths.registry),
    diskUsedMib: ((disk.blocks - disk.bfree) * disk.bsize) / 2 ** 20,
    operations,
  };
}
