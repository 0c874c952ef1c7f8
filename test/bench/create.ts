/**
 * From "give me a database" to its first answered query, on a small and on a large template:
 * - floor: a script's way, nothing but snapshot, `docker run` with the same image and flags, first query;
 * - ours: `POST /v1/instances`, whose answer comes after the first query, and the client's own first query through the
 *   gate after that;
 * - original: as the original MyAAS did it, a published port on a bridge and its own server settings (habitissimo/myaas,
 *   extras/mysql/myaas.cnf), but without its polling every 5 seconds, and without TLS, which it did not have.
 */
import { writeFile } from 'node:fs/promises';
import { execa } from 'execa';
import mysql from 'mysql2/promise';
import { deleteSubvolume, snapshot } from '../../daemon/drivers/btrfs.ts';
import { mariadb } from '../../daemon/engines/mariadb.ts';
import { accounts, lookupUser, type SystemUser } from '../../daemon/host/accounts.ts';
import type { Template } from '../../daemon/contract/templates.ts';
import { freePort, startHost, type TestHost } from '../support/daemon.ts';
import { testImage, testPrefix } from '../support/machine.ts';
import { median, table } from './figures.ts';
import { originalFlags } from './original.ts';
import { Floor } from './floor.ts';

const rounds = Number(process.env['MYAAS_BENCH_ROUNDS'] ?? 15);
const largeRows = 8_000_000;
const password = 'benchmark0password0benchmark';
const account = { username: 'myaas', password };

const smallDump = 'create table t (id int primary key, text varchar(300)); insert into t values (1, "one");';
/** About 2.3 GB of table. */
const largeDump = `create table t (id int primary key, text varchar(300));
insert into t select seq, repeat(md5(seq), 7) from seq_1_to_${String(largeRows)};`;

/** Clones as the original did, from a data directory that was once shut down with the original's settings. */
class Original {
  readonly #owner: SystemUser;
  readonly #base: string;
  readonly #clone: string;
  readonly #name = `${testPrefix()}-original`;

  constructor(host: TestHost, owner: SystemUser) {
    this.#owner = owner;
    this.#base = `${host.config.baseDir}/original`;
    this.#clone = `${host.config.baseDir}/original-clone`;
  }

  async #start(datadir: string, more: readonly string[]): Promise<number> {
    const port = await freePort();
    const { uid, gid } = this.#owner;
    await execa('docker', [
      ...['run', '--detach', '--name', this.#name, '--publish', `127.0.0.1:${String(port)}:3306`],
      ...['--user', `${String(uid)}:${String(gid)}`, '--volume', `${datadir}:/var/lib/mysql`],
      ...['--entrypoint', 'mariadbd', testImage(), '--no-defaults', '--datadir=/var/lib/mysql'],
      ...['--socket=/tmp/mysqld.sock', '--pid-file=/tmp/mysqld.pid', '--skip-ssl', ...originalFlags, ...more],
    ]);
    return port;
  }

  async #login(port: number): Promise<mysql.Connection> {
    const deadline = AbortSignal.timeout(60_000);
    for (;;) {
      deadline.throwIfAborted();
      try {
        const connection = await mysql.createConnection({
          host: '127.0.0.1',
          port,
          user: account.username,
          password,
        });
        await connection.query('select 1');
        return connection;
      } catch {
        // Docker's proxy accepts before the server does, so there is nothing to wait for but the server itself.
        await new Promise((resolve) => setTimeout(resolve, 2));
      }
    }
  }

  async prepare(source: string): Promise<void> {
    await snapshot(source, this.#base);
    const startup = mariadb
      .startupFiles(account)
      .map(({ text }) => text)
      .join('');
    const statements =
      `${startup}create user '${account.username}'@'%' identified by '${password}';\n` +
      `grant all on *.* to '${account.username}'@'%';\n`;
    await writeFile(`${this.#base}/startup.sql`, statements);
    const port = await this.#start(this.#base, ['--init-file=/var/lib/mysql/startup.sql']);
    const connection = await this.#login(port);
    await connection.query('shutdown');
    connection.destroy();
    await execa('docker', ['wait', this.#name]);
    await execa('docker', ['rm', this.#name]);
  }

  async measure(): Promise<number> {
    const startedMs = performance.now();
    await snapshot(this.#base, this.#clone);
    const port = await this.#start(this.#clone, []);
    const connection = await this.#login(port);
    const elapsedMs = performance.now() - startedMs;
    connection.destroy();
    await execa('docker', ['rm', '--force', this.#name]);
    await deleteSubvolume(this.#clone);
    return elapsedMs;
  }

  async end(): Promise<void> {
    await execa('docker', ['rm', '--force', this.#name], { reject: false });
    await deleteSubvolume(this.#clone);
    await deleteSubvolume(this.#base);
  }
}

interface Ours {
  readonly answeredMs: number;
  readonly queriedMs: number;
  readonly resetMs: number;
}

async function measureOurs(host: TestHost, template: string): Promise<Ours> {
  const startedMs = performance.now();
  const instance = await host.create(template, 'bench');
  const answeredMs = performance.now() - startedMs;
  const connection = await host.connect(instance);
  await connection.query('select 1');
  const queriedMs = performance.now() - startedMs;
  connection.destroy();
  const resetStartedMs = performance.now();
  await host.api('POST', `/v1/instances/${instance.id}/reset`);
  const resetMs = performance.now() - resetStartedMs;
  await host.api('DELETE', `/v1/instances/${instance.id}`);
  return { answeredMs, queriedMs, resetMs };
}

export async function benchCreate(): Promise<void> {
  const host = await startHost({ MYAAS_MEMORY_LIMIT: '2g' });
  const owner = await lookupUser(accounts.serverUser);
  if (!owner) throw new Error('startHost made no account for the servers.');
  const floor = await Floor.prepare(host);
  const original = new Original(host, owner);
  try {
    console.error('importing a small and a large template …');
    await host.importDump('small', smallDump);
    await host.importDump('large', largeDump);
    const sources = { small: '', large: '' };
    for (const name of ['small', 'large'] as const) {
      const { body } = await host.api<Template>('GET', `/v1/templates/${name}`);
      sources[name] = `${host.paths.version(name, body.current ?? '')}/datadir`;
      console.error(`${name}: ${String(Math.round(body.sizeBytes / 2 ** 20))} MiB`);
    }
    await original.prepare(sources.small);

    const floorMs: number[] = [];
    const originalMs: number[] = [];
    const small: Ours[] = [];
    const large: Ours[] = [];
    for (let round = 0; round <= rounds; round++) {
      // The first round warms up.
      if (round === 1) for (const figures of [floorMs, originalMs, small, large]) figures.length = 0;
      floorMs.push(await floor.measureCreate(sources.small));
      small.push(await measureOurs(host, 'small'));
      large.push(await measureOurs(host, 'large'));
      originalMs.push(await original.measure());
    }
    const answered = (ours: readonly Ours[]) => ours.map(({ answeredMs }) => answeredMs);
    const floorMedian = median(floorMs);
    console.log(`\nFrom the request to the first answered query, ms, ${String(rounds)} rounds in turns:\n`);
    console.log(
      table([
        ['floor: snapshot, docker run, query', floorMs],
        ['ours, small: POST answered', answered(small)],
        ['ours, small: client has queried', small.map(({ queriedMs }) => queriedMs)],
        ['ours, large: POST answered', answered(large)],
        ['ours, small: reset answered', small.map(({ resetMs }) => resetMs)],
        ["the original's way", originalMs],
      ]),
    );
    const ratio = (a: readonly number[], b: number) => (median(a) / b).toFixed(2);
    console.log(`\nours / floor          ${ratio(answered(small), floorMedian)}   (wanted ≤ 1.15)`);
    console.log(`large / small         ${ratio(answered(large), median(answered(small)))}   (wanted ≤ 1.10)`);
    console.log(`ours / original's way ${ratio(answered(small), median(originalMs))}   (wanted ≤ 0.70)`);
  } finally {
    await floor[Symbol.asyncDispose]();
    await original.end();
    await host.stop();
  }
}
