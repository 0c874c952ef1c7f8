/**
 * Queries per second through the gate, beside Docker's published port, which it replaces. One server, four ways to it,
 * in turns: a busy machine is then unfair to all of them alike. 8 threads of sysbench, point selects.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { errors } from '../../daemon/errors/errors.ts';
import type { Route } from '../../daemon/gate/protocol.ts';
import { ensureAccounts } from '../../daemon/host/accounts.ts';
import { installPackages } from '../../daemon/host/packages.ts';
import { findProgram } from '../../daemon/drivers/program.ts';
import { runDirectory, startMariadb, type Mariadb } from '../integration/gate-mariadb.ts';
import { testImage, testPrefix } from '../support/machine.ts';
import { freePort, Logged } from '../unit/gate-peers.ts';
import { median } from './figures.ts';

const rounds = 7;
const roundSeconds = 3;
const threads = 8;
const tableSize = 10_000;
const wantedRatio = 1.5;

const ways = ['gate', 'published port', 'container IP', 'Unix socket'] as const;
type Way = (typeof ways)[number];
type Measured = Readonly<Record<Way, number[]>>;

/** Runs sysbench with the options in `settings`; `address` is its own options for host and port, or socket. */
async function sysbench(settings: string, address: readonly string[], command: 'prepare' | 'run') {
  const { stdout } = await execa('sysbench', [
    'oltp_point_select',
    `--config-file=${settings}`,
    ...address,
    `--threads=${command === 'run' ? threads : 1}`,
    command,
  ]);
  return stdout;
}

/** Writes what all runs share to a file, where no process list shows the password, and returns its path. */
async function writeSettings(directory: string, { user, password, database }: Mariadb): Promise<string> {
  const file = join(directory, 'sysbench.conf');
  const settings = [
    `mysql-user=${user}`,
    `mysql-password=${password}`,
    `mysql-db=${database}`,
    'tables=1',
    `table-size=${tableSize}`,
    `time=${roundSeconds}`,
  ];
  await writeFile(file, settings.map((line) => `${line}\n`).join(''), { mode: 0o600 });
  return file;
}

async function queriesPerSecond(settings: string, address: readonly string[]): Promise<number> {
  const output = await sysbench(settings, address, 'run');
  const match = /^\s*queries:.*\((\d+(?:\.\d+)?) per sec\.\)/m.exec(output);
  if (!match) throw errors.programFailed(`sysbench gave no result:\n${output}`, 'Run it by hand to see why.');
  return Number(match[1]);
}

async function measure(): Promise<Measured> {
  await using cleanup = new AsyncDisposableStack();
  const run = cleanup.use(await runDirectory());
  const server = cleanup.use(
    await startMariadb({
      image: testImage(),
      containerName: `${testPrefix()}-bench-gate`,
      directory: join(run.path, 'db'),
      published: true,
    }),
  );
  const { socketPath, published } = server;
  if (!published) throw errors.programFailed('Docker published no port.', 'See "docker ps".');
  const route: Route = { id: 'db', port: await freePort(), socket: socketPath, state: 'open' };
  cleanup.use(await run.startGate());
  const link = await run.startLink(() => [route], new Logged());
  cleanup.defer(() => link.close());

  const host = (name: string, port: number) => [`--mysql-host=${name}`, `--mysql-port=${port}`];
  const addresses: Readonly<Record<Way, readonly string[]>> = {
    gate: host('127.0.0.1', route.port),
    'published port': host('127.0.0.1', published.port),
    'container IP': host(published.address, 3306),
    'Unix socket': [`--mysql-socket=${socketPath}`],
  };
  const settings = await writeSettings(run.path, server);
  await sysbench(settings, addresses['Unix socket'], 'prepare');
  // One round that does not count: caches are filled, code is compiled.
  for (const way of ways) await queriesPerSecond(settings, addresses[way]);
  const measured: Measured = { gate: [], 'published port': [], 'container IP': [], 'Unix socket': [] };
  for (let round = 0; round < rounds; round++) {
    for (const way of ways) measured[way].push(await queriesPerSecond(settings, addresses[way]));
  }
  return measured;
}

/** Measures and prints a table. Needs root, Docker and the test image; installs sysbench when it is missing. */
export async function benchGate(): Promise<void> {
  if (!(await findProgram('sysbench'))) await installPackages(['sysbench']);
  await ensureAccounts();
  const measured = await measure();

  console.log(`\nGate: queries/s, ${threads} threads, point selects, median of ${rounds} rounds`);
  const gate = median(measured.gate);
  for (const way of ways) {
    const figures = measured[way].map((value) => value.toFixed(0)).join(' ');
    const ratio = (gate / median(measured[way])).toFixed(2);
    console.log(
      `${way.padEnd(15)} ${median(measured[way]).toFixed(0).padStart(7)}   gate/this ${ratio}   (${figures})`,
    );
  }
  // Pairs of one round: what slows the machine down for a while slows both.
  const ratios = measured.gate.map((value, round) => value / (measured['published port'][round] ?? NaN));
  console.log(
    `gate/published port, median of the rounds: ${median(ratios).toFixed(2)} (wanted: ${wantedRatio} or more)`,
  );
}
