/**
 * What a neighbour of a write bomb feels: how long its small transactions take while another instance writes as fast as
 * it can, beside how long they take while that is quiet. In turns, so that a noisy machine is unfair to both alike.
 */
import type { Connection } from 'mysql2/promise';
import type { Instance } from '../../daemon/contract/instances.ts';
import { startHost, type TestHost } from '../support/daemon.ts';
import { quantile, shortNumber, table } from './figures.ts';

const rounds = 5;
const roundMs = 6000;
const wantedRatio = 2;
/** A person or a web page asks now and then: a neighbour that asks without a pause would be a bomb itself. */
const pauseMs = 5;
const rows = 20_000;

/** What writes much: rows that stay for a while, and temporary tables. */
const bombs: Readonly<Record<string, readonly string[]>> = {
  tables: [
    ...Array<string>(10).fill('insert into bomb select random_bytes(1024) from seq_1_to_20000'),
    'truncate table bomb',
  ],
  'one large transaction': [
    'begin',
    ...Array<string>(10).fill('insert into bomb select random_bytes(1024) from seq_1_to_20000'),
    'rollback',
  ],
  'temporary files': [
    'select count(*) from (select random_bytes(1000) as a from seq_1_to_200000 order by a) as t',
  ],
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

/** Writes until disposed of. */
async function bomb(
  host: TestHost,
  instance: Instance,
  statements: readonly string[],
): Promise<AsyncDisposable> {
  const connection = await host.connect(instance);
  const over = new AbortController();
  const bombing = (async () => {
    for (let next = 0; !over.signal.aborted; next++) {
      await connection.query(statements[next % statements.length] ?? '');
    }
  })();
  return {
    async [Symbol.asyncDispose]() {
      over.abort();
      await bombing;
      connection.destroy();
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
  for (const [name, statements] of Object.entries(bombs)) {
    const bomber = await host.create('shop', `bomber-${name.replaceAll(' ', '-')}`);
    const figures: Record<'quiet' | 'bombed', { reads: number[]; writes: number[] }> = {
      quiet: { reads: [], writes: [] },
      bombed: { reads: [], writes: [] },
    };
    const ratios: number[] = [];
    for (let round = 0; round < rounds; round++) {
      const quiet = await feel(neighbour);
      const bombing = await bomb(host, bomber, statements);
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
    console.log(`\nA neighbour of a bomb that writes ${name}: ms, ${String(rounds)} rounds in turns`);
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
