/**
 * The yardstick: a server of MariaDB or MySQL with its own defaults, into which dumps are loaded by nothing but
 * `mariadb DATABASE < dump`. What MyAAS makes of a dump must be equal to what is found here.
 */
import { randomBytes } from 'node:crypto';
import { chown, mkdir, rm, writeFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { PassThrough } from 'node:stream';
import { buffer, text } from 'node:stream/consumers';
import Dockerode from 'dockerode';
import { execa } from 'execa';
import mysql, { type Connection } from 'mysql2/promise';
import { accounts, lookupUser } from '../../daemon/host/accounts.ts';
import { contentsOf, type Contents } from './contents.ts';
import { testDirectory, testImage, testPrefix } from './machine.ts';

export interface PlainServer extends AsyncDisposable {
  /** Loads a dump; into `database`, which is made for it, or into none. Throws what the client said. */
  load(dump: string | Uint8Array, database?: string): Promise<void>;
  contents(): Promise<Contents>;
  /** What `mariadb-dump` writes with these options. */
  dump(options: readonly string[]): Promise<Buffer>;
  /** A directory that has the same path here and for the server, which may write in it. */
  makeDirectory(name: string): Promise<string>;
  /** The server's socket, for programs of this machine. */
  readonly socketPath: string;
  /** Runs a program of the server's image beside the server; what it writes to standard output. */
  run(command: string): Promise<Buffer>;
  dropDatabases(): Promise<void>;
  restart(): Promise<void>;
}

/** A product's commands for a server whose directory is `/plain`, and its socket `/plain/s`. */
export interface Programs {
  readonly install: string;
  readonly server: string;
  readonly client: string;
}

const place = '--datadir=/plain/data --skip-networking --socket=/plain/s';
// It need not survive a crash, and would wait for the disk after each statement.
const unsafe = '--innodb-flush-log-at-trx-commit=0';

export const mariadbPrograms: Programs = {
  install:
    'mariadb-install-db --no-defaults --datadir=/plain/data --auth-root-authentication-method=normal --skip-test-db',
  server: `mariadbd --no-defaults ${place}`,
  client: 'mariadb --no-defaults --socket=/plain/s --user=root',
};

/** Without the binary log, as the servers of imports: it refuses what dumps say of functions. */
export const mysqlPrograms: Programs = {
  install: 'mysqld --no-defaults --datadir=/plain/data --initialize-insecure',
  server: `mysqld --no-defaults --secure-file-priv= --loose-mysqlx=OFF --disable-log-bin --innodb-use-native-aio=OFF ${place}`,
  client: 'mysql --no-defaults --socket=/plain/s --user=root --default-character-set=utf8mb4 --binary-mode',
};

const quoteName = (name: string): string => `\`${name.replaceAll('`', '``')}\``;

/** MariaDB unless an image of MySQL is given. */
export async function startPlainServer(mysqlImage?: string): Promise<PlainServer> {
  const { install, server, client } = mysqlImage === undefined ? mariadbPrograms : mysqlPrograms;
  const owner = await lookupUser(accounts.serverUser);
  if (!owner) throw new Error('Run these tests by "npm run test:integration".');
  const name = `${testPrefix()}-plain-${randomBytes(3).toString('hex')}`;
  const directory = `${testDirectory()}/${name}`;
  await mkdir(directory);
  await chown(directory, owner.uid, owner.gid);
  const docker = new Dockerode();
  const container = await docker.createContainer({
    name,
    Image: mysqlImage ?? testImage(),
    User: `${String(owner.uid)}:${String(owner.gid)}`,
    Entrypoint: ['/bin/sh', '-c'],
    Cmd: [`{ test -d /plain/data || ${install}; } >/dev/null && exec ${server} ${unsafe}`],
    // A client takes the character set from its locale: UTF-8 on the systems that people work at.
    Env: ['LANG=C.UTF-8'],
    HostConfig: {
      NetworkMode: 'none',
      Binds: [`${directory}:/plain`, `${directory}:${directory}`],
      Tmpfs: { '/tmp': '' },
    },
  });

  const start = async () => {
    const log = await container.attach({ stream: true, stderr: true, stdout: true });
    const lines = createInterface({ input: log });
    await container.start();
    for await (const line of lines) if (line.includes('ready for connections')) return;
    throw new Error('The plain server ended at its start.');
  };

  const withConnection = async <T>(use: (connection: Connection) => Promise<T>): Promise<T> => {
    const connection = await mysql.createConnection({ socketPath: `${directory}/s`, user: 'root' });
    try {
      return await use(connection);
    } finally {
      connection.destroy();
    }
  };

  const execute = (sql: string) => withConnection((connection) => connection.query(sql));

  const run = async (command: string): Promise<Buffer> => {
    const exec = await container.exec({
      Cmd: ['/bin/sh', '-c', command],
      AttachStdout: true,
      AttachStderr: true,
    });
    const stream = await exec.start({});
    const [out, err] = [new PassThrough(), new PassThrough()];
    docker.modem.demuxStream(stream, out, err);
    stream.once('end', () => {
      out.end();
      err.end();
    });
    const [written, said] = await Promise.all([buffer(out), text(err)]);
    const { ExitCode: exitCode } = await exec.inspect();
    if (exitCode !== 0) throw new Error(`"${command}" ended with ${String(exitCode)}: ${said}`);
    return written;
  };

  const databases = async (connection: Connection): Promise<string[]> =>
    Object.keys(await contentsOf(connection)).flatMap((key) => /^database (.*)$/s.exec(key)?.[1] ?? []);

  try {
    await start();
  } catch (error) {
    await container.remove({ force: true, v: true });
    await rm(directory, { recursive: true });
    throw error;
  }
  return {
    async load(dump, database) {
      if (database !== undefined) await execute(`create database ${quoteName(database)}`);
      await writeFile(`${directory}/dump.sql`, dump);
      await run(`${client} ${database ?? ''} < /plain/dump.sql`);
      const contents = Object.keys(await withConnection(contentsOf));
      // Nobody would have made a database for a dump that makes its own.
      const inVain =
        database !== undefined &&
        !contents.some((key) => key.includes(` ${database}.`)) &&
        contents.some((key) => !key.endsWith(` ${database}`));
      if (inVain) await execute(`drop database ${quoteName(database)}`);
    },
    contents: () => withConnection(contentsOf),
    async dump(options) {
      const args = ['--no-defaults', `--socket=${directory}/s`, '--user=root', ...options];
      const { stdout, exitCode, stderr } = await execa('mariadb-dump', args, {
        encoding: 'buffer',
        reject: false,
      });
      if (exitCode !== 0) throw new Error(Buffer.from(stderr).toString());
      return Buffer.from(stdout);
    },
    async makeDirectory(name) {
      const path = `${directory}/${name}`;
      await mkdir(path);
      await chown(path, owner.uid, owner.gid);
      return path;
    },
    socketPath: `${directory}/s`,
    run,
    dropDatabases: () =>
      withConnection(async (connection) => {
        await connection.query('set foreign_key_checks = 0');
        for (const database of await databases(connection))
          await connection.query(`drop database ${quoteName(database)}`);
      }),
    restart: async () => {
      await container.stop();
      await start();
    },
    [Symbol.asyncDispose]: async () => {
      await container.remove({ force: true, v: true });
      await rm(directory, { recursive: true });
    },
  };
}
