/**
 * What a neighbour of a runaway instance feels: how long its small transactions take while another instance takes all it
 * can get, beside how long they take while that is quiet. In turns, so that a noisy machine is unfair to both alike.
 */
import type { Connection } from 'mysql2/promise';
import type { Instance } from '../../daemon/contract/instances.ts';
import { startHost, type TestHost } from '../support/daemon.ts';
import { quantile, shortNumber, table } from './figures.ts';

const rounds = 3;
const roundMs = 4000;
const wantedRatio = 2;
/** A person or a web page asks now and then: a neighbour that asks without a pause would be a bomb itself. */
const pauseMs = 5;
const rows = 20_000;

interface Bomb {
  readonly statements: readonly string[];
  /** Each runs the statements, again and again. */
  readonly connections: number;
  /** Whether each round of statements has a connection of its own. */
  readonly reconnects?: boolean;
}

const manyRows = Array<string>(10).fill('insert into bomb select random_bytes(1024) from seq_1_to_20000');

const bombs: Readonly<Record<string, Bomb>> = {
  writes: { connections: 1, statements: [...manyRows, 'truncate table bomb'] },
  'writes, in one large transaction': { connections: 1, statements: ['begin', ...manyRows, 'rollback'] },
  'writes, of temporary files': {
    connections: 1,
    statements: [
      'select count(*) from (select random_bytes(1000) as a from seq_1_to_200000 order by a) as t',
    ],
  },
  processor: { connections: 8, statements: ["do benchmark(200000, sha2('x', 512))"] },
  memory: {
    connections: 4,
    statements: ["set @eaten = repeat('x', 15000000)", 'set @eaten = null'],
  },
  // These clients are of the same process as the neighbour's, which waits for them, too.
  connections: { connections: 20, statements: ['do 1'], reconnects: true },
};

/** Milliseconds of a read and of a committed write, one after the other, for a while. */
async function feel(connection: Connection): Promise<{ reads: number[]; writes: number[] }> {
  const [reads, writes]: [number[], number[]] = [[], []];
  const untilMs = performance.now() + roundMs;
  while (performance.now() < untilMs) {
    const id = Math.floor(Math.random() * rows) + 1;
    reads.push(await took(() => connection.query('select v from kept where id = ?', [id])));
    writes.push(await took(() => connection.query('update kept set v = v + 1 where id = ?', [id])));
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
  return { reads, writes };
}

async function took(work: () => Promise<unknown>): Promise<number> {
  const startedMs = performance.now();
  await work();
  return performance.now() - startedMs;
}

/** Goes off until disposed of. */
function setOff(
  host: TestHost,
  instance: Instance,
  { statements, connections, reconnects = false }: Bomb,
): AsyncDisposable {
  const over = new AbortController();
  const goOff = async () => {
    let connection = await host.connect(instance);
    for (let next = 0; !over.signal.aborted; next++) {
      await connection.query(statements[next % statements.length] ?? '');
      if (!reconnects) continue;
      connection.destroy();
      connection = await host.connect(instance);
    }
    connection.destroy();
  };
  const bombing = Promise.all(Array.from({ length: connections }, goOff));
  // Told when it is disposed of.
  bombing.catch(() => undefined);
  return {
    async [Symbol.asyncDispose]() {
      over.abort();
      await bombing;
    },
  };
}

/** Measures and prints a table for each kind of bomb. Needs what integration tests need. */
export async function benchNeighbours(): Promise<void> {
  await using host = await startHost({ MYAAS_DISK_LIMIT: '2g' });
  await host.importDump(
    'shop',
    `create table kept (id int primary key, v int); insert into kept select seq, 0 from seq_1_to_${String(rows)};
     create table bomb (a longblob);`,
  );
  const neighbour = await host.connect(await host.create('shop', 'neighbour'));
  for (const [name, bomb] of Object.entries(bombs)) {
    const bomber = await host.create('shop', `bomber-${name.replaceAll(/\W+/g, '-')}`);
    const figures: Record<'quiet' | 'bombed', { reads: number[]; writes: number[] }> = {
      quiet: { reads: [], writes: [] },
      bombed: { reads: [], writes: [] },
    };
    const ratios: number[] = [];
    for (let round = 0; round < rounds; round++) {
      const quiet = await feel(neighbour);
      const bombing = setOff(host, bomber, bomb);
      const bombed = await feel(neighbour);
      await bombing[Symbol.asyncDispose]();
      for (const [of, felt] of [
        [figures.quiet, quiet],
        [figures.bombed, bombed],
      ] as const) {
        of.reads.push(...felt.reads);
        of.writes.push(...felt.writes);
      }
      ratios.push(
        quantile([...bombed.reads, ...bombed.writes], 0.99) /
          quantile([...quiet.reads, ...quiet.writes], 0.99),
      );
    }
    const { quiet, bombed } = figures;
    console.log(
      `\nA neighbour of one that takes all there is of ${name}: ms, ${String(rounds)} rounds in turns`,
    );
    console.log(
      table([
        ['read, quiet', quiet.reads],
        ['read, bombed', bombed.reads],
        ['write, quiet', quiet.writes],
        ['write, bombed', bombed.writes],
      ]),
    );
    const median = quantile(ratios, 0.5);
    console.log(
      `p99 bombed/quiet, median of the rounds: ${shortNumber(median)} (wanted: ${String(wantedRatio)} or less; rounds: ${ratios.map(shortNumber).join(' ')})`,
    );
    await host.api('DELETE', `/v1/instances/${bomber.id}`);
  }
  neighbour.destroy();
}
