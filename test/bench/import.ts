/**
 * A dump from the command to the published version, against what else there is for it, on the same machine in one run:
 * - plain: `mariadb < dump` into a server with its own default settings;
 * - original: the same into a server with the settings of the original MyAAS;
 * - ours: all of an import, from the request to the publication, and the loading alone; then again with one table of
 *   twenty changed, and with none.
 * `MYAAS_BENCH_IMPORT_MB` is the size of the dump; with less than 1000 its fixed costs weigh more than they would.
 */
import { appendFile, chown, mkdir, readFile, rm, stat } from 'node:fs/promises';
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { execa } from 'execa';
import type { Job } from '../../daemon/contract/templates.ts';
import { accounts, lookupUser } from '../../daemon/host/accounts.ts';
import { StatementReader } from '../../daemon/templates/bulk/statements.ts';
import { startHost, type TestHost } from '../support/daemon.ts';
import { testDirectory, testImage, testPrefix } from '../support/machine.ts';
import { originalFlags } from './original.ts';
import { tableCount, writeShopDump } from './shop-dump.ts';

const sizeBytes = Number(process.env['MYAAS_BENCH_IMPORT_MB'] ?? 300) * 1e6;
const memory = '4g';

/** Seconds that `mariadb < dump` takes into a new server. Its start and end are not counted. */
async function loadPlain(dump: string, flags: readonly string[]): Promise<number> {
  const owner = await lookupUser(accounts.serverUser);
  if (!owner) throw new Error('startHost made no account for the servers.');
  const home = `${testDirectory()}/bench-plain`;
  const name = `${testPrefix()}-bench-plain`;
  await rm(home, { recursive: true, force: true });
  await mkdir(home);
  try {
    await chown(home, owner.uid, owner.gid);
    const server = [
      'mariadbd',
      '--no-defaults',
      '--datadir=/plain/data',
      '--socket=/plain/s',
      '--skip-networking',
    ];
    const install =
      'mariadb-install-db --no-defaults --datadir=/plain/data --auth-root-authentication-method=normal';
    const user = `${String(owner.uid)}:${String(owner.gid)}`;
    const running = execa(
      'docker',
      [
        ...['run', '--rm', '--name', name, '--network', 'none', '--memory', memory, '--user', user],
        ...['--volume', `${home}:/plain`, '--volume', `${dump}:/dump.sql:ro`, '--tmpfs', '/tmp'],
        ...['--entrypoint', '/bin/sh', testImage(), '-c'],
        `${install} --skip-test-db >/dev/null && exec ${[...server, ...flags].join(' ')}`,
      ],
      { all: true, reject: false },
    );
    for await (const line of createInterface({ input: running.all }))
      if (line.includes('ready for connections')) break;
    const client = 'mariadb --no-defaults --socket=/plain/s --user=root';
    const startedMs = performance.now();
    await execa('docker', [
      ...['exec', name, '/bin/sh', '-c'],
      `${client} -e 'create database shop' && ${client} shop < /dump.sql`,
    ]);
    return (performance.now() - startedMs) / 1000;
  } finally {
    await execa('docker', ['rm', '--force', name], { reject: false });
    await rm(home, { recursive: true, force: true });
  }
}

interface Import {
  readonly totalSeconds: number;
  readonly loadSeconds: number;
  /** Seconds of each phase. */
  readonly phases: ReadonlyMap<string, number>;
}

async function importShop(host: TestHost, force: boolean): Promise<Import> {
  const events = await host.watch();
  const startedMs = performance.now();
  await host.api<Job>('POST', '/v1/templates/refresh', { body: { force } });
  const phases = new Map<string, number>();
  let phase = '';
  let sinceMs = startedMs;
  await events.until((event) => {
    if (event.type !== 'job') return false;
    const [shop] = event.job.imports;
    const now = performance.now();
    const next = shop?.progress?.phase ?? '';
    if (next !== phase || event.job.state !== 'running') {
      phases.set(phase, (phases.get(phase) ?? 0) + (now - sinceMs) / 1000);
      [phase, sinceMs] = [next, now];
    }
    if (event.job.state === 'failed') throw new Error(shop?.error?.message);
    return event.job.state !== 'running';
  });
  const totalSeconds = (performance.now() - startedMs) / 1000;
  return { totalSeconds, loadSeconds: phases.get('loading') ?? 0, phases };
}

/** Bytes of SQL that the reader goes through in a second, on one core. */
async function readerBytesPerSecond(dump: string): Promise<number> {
  const reader = new StatementReader();
  let spentMs = 0;
  let bytes = 0;
  for await (const chunk of createReadStream(dump, { highWaterMark: 2 ** 18 })) {
    const startedMs = performance.now();
    reader.push(chunk as Buffer);
    spentMs += performance.now() - startedMs;
    bytes += (chunk as Buffer).length;
  }
  return bytes / (spentMs / 1000);
}

/** Seconds that the file takes to be read and hashed. */
async function hashSeconds(dump: string): Promise<number> {
  const startedMs = performance.now();
  await execa('sha256sum', [dump]);
  return (performance.now() - startedMs) / 1000;
}

/** The most memory that a process has had. */
async function peakMemoryBytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${String(pid)}/status`, 'utf8');
  return Number(/^VmHWM:\s*(\d+)/m.exec(status)?.[1]) * 1024;
}

export async function benchImport(): Promise<void> {
  const host = await startHost({ MYAAS_MEMORY_LIMIT: memory });
  const dump = `${host.dumpsDir}/shop.sql`;
  try {
    console.error(`writing a dump of ${String(sizeBytes / 1e6)} MB …`);
    await writeShopDump(dump, sizeBytes);
    const idleBytes = await peakMemoryBytes(host.serve.pid);
    console.error('importing it …');
    const ours = await importShop(host, false);
    const peakBytes = await peakMemoryBytes(host.serve.pid);
    console.error('loading it by the plain client, with the settings of the original …');
    const original = await loadPlain(dump, originalFlags);
    console.error('… and with default settings …');
    const plain = await loadPlain(dump, []);
    const again = await importShop(host, true);
    const touched = await importShop(host, false);
    console.error('importing it with one table changed, and with nothing but a comment …');
    await writeShopDump(dump, sizeBytes, 7);
    const changed = await importShop(host, false);
    await appendFile(dump, '-- Dump completed on another day\n');
    const renewed = await importShop(host, false);
    const hashed = await hashSeconds(dump);
    const reader = await readerBytesPerSecond(dump);

    const { size } = await stat(dump);
    const seconds = (value: number) => `${value.toFixed(1).padStart(7)} s`;
    const best = Math.min(ours.loadSeconds, again.loadSeconds);
    const bestTotal = Math.min(ours.totalSeconds, again.totalSeconds);
    const ratio = (value: number, by: number) => (value / by).toFixed(1).padStart(6);
    console.log(`\nA dump of ${(size / 1e6).toFixed(0)} MB, ${String(tableCount)} tables:\n`);
    console.log(`plain client, default settings  ${seconds(plain)}`);
    console.log(`plain client, original settings ${seconds(original)}`);
    console.log(`ours, loading                   ${seconds(ours.loadSeconds)} ${seconds(again.loadSeconds)}`);
    console.log(
      `ours, request to publication    ${seconds(ours.totalSeconds)} ${seconds(again.totalSeconds)}`,
    );
    for (const [phase, value] of ours.phases)
      if (phase !== '') console.log(`  ${phase.padEnd(29)} ${seconds(value)}`);
    console.log(
      `ours, the same dump once more   ${seconds(touched.totalSeconds)}; sha256sum of it ${seconds(hashed)}`,
    );
    console.log(`\nplain / ours, loading           ${ratio(plain, best)}   (wanted ≥ 5)`);
    console.log(`original / ours, loading        ${ratio(original, best)}   (wanted ≥ 3)`);
    console.log(`plain / ours, all of it         ${ratio(plain, bestTotal)}`);
    console.log(`original / ours, all of it      ${ratio(original, bestTotal)}`);
    const share = (value: number) => `${((100 * value) / bestTotal).toFixed(0).padStart(4)} %`;
    console.log(
      `one table of ${String(tableCount)} changed         ${seconds(changed.totalSeconds)} ${share(changed.totalSeconds)} of a full load   (wanted ≤ 10)`,
    );
    console.log(
      `another file, the same tables   ${seconds(renewed.totalSeconds)} ${share(renewed.totalSeconds)} of a full load`,
    );
    console.log(`reader, one core                ${(reader / 1e6).toFixed(0).padStart(6)} MB/s of SQL`);
    console.log(
      `peak memory of the daemon       ${(peakBytes / 2 ** 20).toFixed(0).padStart(6)} MiB, ${(idleBytes / 2 ** 20).toFixed(0)} before   (wanted ≤ 200)`,
    );
  } finally {
    await host.stop();
  }
}
