/**
 * Against what else there is for a dump, on the same machine in one run. Ours comes first and last, since a machine that
 * others use is never the same twice. Start and end of the others' servers are not counted, and so it is the loading that
 * is compared.
 */
import { rm } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { execa } from 'execa';
import { importCommand } from '../../../daemon/engines/mariadb-commands.ts';
import type { TestHost } from '../../support/daemon.ts';
import { testDirectory } from '../../support/machine.ts';
import { median } from '../figures.ts';
import type { Finding, Part, Verdict } from '../instant/finding.ts';
import { originalFlags } from '../original.ts';
import { writeShopDump } from '../shop-dump.ts';
import { importHost, sizeBytes } from './host.ts';
import { importAll, type Import } from './job.ts';
import { memoryBytes, Peer, type Effort } from './peer.ts';

/** As the server of an import has them, but for its paths. */
const importFlags = (): string[] =>
  importCommand({ memoryBytes, series: '' }).filter((flag) =>
    /^--(?:innodb|aria|key|performance|character|max-allowed)/.test(flag),
  );

/** Few and large, as those that make a database large are: their indexes do not fit in what a server has by default. */
const tables = 5;

async function loadPlain(flags: readonly string[], dump: string): Promise<Effort> {
  await using peer = await Peer.start(flags, dump);
  return await peer.loadPlain();
}

/** From files that `mydumper` has written of the same data, into a server with the settings of ours. */
async function loadByMyloader(dump: string, directory: string): Promise<Effort> {
  await using peer = await Peer.start(importFlags(), dump);
  const of = (extra: readonly string[]) => [
    ...['--socket', peer.socketPath, '--user', 'root', '--database', 'shop'],
    ...['--threads', String(availableParallelism()), ...extra],
  ];
  return await peer.effortOf(() => execa('myloader', of(['--directory', directory, '--overwrite-tables'])));
}

interface Others {
  readonly original: Effort;
  readonly myloader: Effort;
  readonly copySeconds: number;
}

/** One server is the source of all that others load, and of a backup, which is left among the dumps. */
async function measureOthers(host: TestHost, dump: string): Promise<Others> {
  const files = `${testDirectory()}/mydumper`;
  let original;
  let copySeconds;
  {
    await using peer = await Peer.start(originalFlags, dump);
    original = await peer.loadPlain();
    const connection = ['--socket', peer.socketPath, '--user', 'root', '--database', 'shop'];
    await execa('mydumper', [...connection, '--outputdir', files]);
    await peer.run(
      'mariadb-backup --no-defaults --backup --socket=/plain/s --user=root --target-dir=/plain/backup',
    );
    const copyMs = performance.now();
    const copy = `${host.dumpsDir}/backup`;
    await execa('cp', ['--recursive', '--reflink=never', `${peer.directory}/backup`, copy]);
    await execa('sync', ['--file-system', copy]);
    copySeconds = (performance.now() - copyMs) / 1000;
  }
  try {
    return { original, myloader: await loadByMyloader(dump, files), copySeconds };
  } finally {
    await rm(files, { recursive: true, force: true });
  }
}

const secondsOf = (imports: readonly Import[]) => imports.map(({ loading }) => loading.seconds);

function boundOf(imports: readonly Import[]): Verdict[] {
  const cores = availableParallelism();
  const of = (pick: (each: Import) => number) => median(imports.map(pick));
  const seconds = of(({ loading }) => loading.seconds);
  const share = (what: string, cpuSeconds: number): Verdict => ({
    what: `bound: ${what}, of ${String(cores)} cores`,
    measured: (100 * cpuSeconds) / (seconds * cores),
    unit: '%',
  });
  return [
    share(
      'the server',
      of(({ loading }) => loading.serverCpuSeconds),
    ),
    share(
      'the reader, and all else of the daemon',
      of(({ loading }) => loading.daemonCpuSeconds),
    ),
  ];
}

async function measure(): Promise<Finding> {
  await using host = await importHost();
  const dump = `${host.dumpsDir}/shop.sql`;
  await writeShopDump(dump, sizeBytes, { tables });
  const first = await importAll(host, true);
  const plain = await loadPlain([], dump);
  const { original, myloader, copySeconds } = await measureOthers(host, dump);
  await rm(dump);
  const backup = await importAll(host, true);
  await rm(`${host.dumpsDir}/backup`, { recursive: true });
  await writeShopDump(dump, sizeBytes, { tables });
  const last = await importAll(host, true);

  const ours = [first, last];
  const best = Math.min(...secondsOf(ours));
  const cpu = median(ours.map(({ loading }) => loading.serverCpuSeconds + loading.daemonCpuSeconds));
  const ms = (seconds: readonly number[]) => seconds.map((each) => each * 1000);
  const phases = [...first.phases].map(([phase, seconds]): [string, number[]] => [
    `ours: ${phase}`,
    ms([seconds, last.phases.get(phase) ?? 0]),
  ]);
  return {
    series: {
      'mariadb < dump, default settings': ms([plain.seconds]),
      "mariadb < dump, the original's settings": ms([original.seconds]),
      'myloader, our settings': ms([myloader.seconds]),
      'backup: ours, all of it': ms([backup.totalSeconds]),
      'backup: copying its files': ms([copySeconds]),
      ...Object.fromEntries(phases),
      'ours, all of it': ms(ours.map(({ totalSeconds }) => totalSeconds)),
    },
    verdicts: [
      { what: `size of the dump, of ${String(tables)} tables`, measured: sizeBytes / 1e6, unit: 'MB' },
      { what: 'plain / ours, loading', measured: plain.seconds / best, unit: '×', atLeast: 5 },
      { what: 'original / ours, loading', measured: original.seconds / best, unit: '×', atLeast: 3 },
      { what: 'myloader / ours, loading', measured: myloader.seconds / best, unit: '×', atLeast: 1.5 },
      { what: "plain / ours, cores' time", measured: plain.serverCpuSeconds / cpu, unit: '×' },
      { what: "original / ours, cores' time", measured: original.serverCpuSeconds / cpu, unit: '×' },
      { what: "myloader / ours, cores' time", measured: myloader.serverCpuSeconds / cpu, unit: '×' },
      ...boundOf(ours),
      {
        what: 'mariadb-backup: ours / copying',
        measured: backup.totalSeconds / copySeconds,
        unit: '×',
        atMost: 1.2,
      },
    ],
  };
}

export const against: Part = { title: 'Import of a dump, against what else there is', measure };
