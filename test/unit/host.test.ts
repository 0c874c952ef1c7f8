import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { MyaasError } from '../../daemon/errors/error.ts';
import { lookupGroup, lookupUser } from '../../daemon/host/accounts.ts';
import { isRunning, startInBackground, stopInBackground } from '../../daemon/host/background.ts';
import { leanMemory } from '../../daemon/host/lean-memory.ts';
import { listeningPorts } from '../../daemon/host/ports.ts';
import { findProgram, lastLines, runProgram } from '../../daemon/drivers/program.ts';

describe('the host', () => {
  let directory = '';
  beforeEach(async () => {
    directory = await mkdtemp(`${tmpdir()}/myaas-host-`);
  });
  afterEach(() => rm(directory, { recursive: true }));

  it('tells the ports that somebody listens on, and no other', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    assert.ok((await listeningPorts()).has(port));
    server.close();
    await once(server, 'close');
    assert.ok(!(await listeningPorts()).has(port));
  });

  it('knows the users and groups of the system', async () => {
    assert.deepEqual(await lookupUser('root'), { uid: 0, gid: 0, home: '/root' });
    assert.equal(await lookupGroup('root'), 0);
    assert.equal(await lookupUser('nobody-has-this-name'), undefined);
    assert.equal(await lookupGroup('nobody-has-this-name'), undefined);
  });

  it("finds an administrator's program though the PATH lacks its directory", async () => {
    assert.match((await findProgram('useradd', '/nowhere')) ?? '', /sbin\/useradd$/);
    assert.equal(await findProgram('no-such-program'), undefined);
  });

  it('says in the error what a failed program said, and what to do', async () => {
    await assert.rejects(runProgram('ls', ['/no/such/place'], { remedy: 'Look elsewhere.' }), (error) => {
      assert.ok(error instanceof MyaasError);
      assert.equal(error.code, 'MYAAS_PROGRAM_FAILED');
      assert.match(error.message, /^ls exited with 2\n.*\/no\/such\/place/);
      assert.equal(error.hint, 'Look elsewhere.');
      return true;
    });
  });

  for (const unit of ['myaas.service', 'myaas-gate.service']) {
    it(`is as sparing with memory under systemd as without: ${unit}`, async () => {
      const text = await readFile(`daemon/host/systemd/${unit}`, 'utf8');
      const { NODE_OPTIONS: options, MALLOC_ARENA_MAX: arenas } = leanMemory;
      assert.ok(
        text.split('\n').includes(`Environment="NODE_OPTIONS=${options}" MALLOC_ARENA_MAX=${arenas}`),
      );
    });
  }

  it('keeps the last lines of a log that say something', () => {
    assert.equal(lastLines('one\n\ntwo\n  \nthree\n', 2), 'two\nthree');
    assert.equal(lastLines('', 2), '');
  });

  describe('a process in the background', () => {
    const server = (listen: string) =>
      ['-e', `console.log('about to listen'); require('node:net').createServer().${listen}`] as const;
    const start = (script: readonly string[], isReady: () => Promise<boolean>, signal?: AbortSignal) =>
      startInBackground({
        name: 'the server',
        command: [process.execPath, ...script],
        logFile: `${directory}/log`,
        sign: `${directory}/socket`,
        isReady,
        timeoutMs: 20_000,
        signal,
      });

    it('is waited for until it is ready, runs on, and ends when told to', async () => {
      const socket = `${directory}/socket`;
      let asked = 0;
      const started = await start(server(`listen(${JSON.stringify(socket)})`), () =>
        Promise.resolve(++asked > 0),
      );
      assert.ok(asked > 0);
      assert.ok(await isRunning(started));
      assert.match(await readFile(`${directory}/log`, 'utf8'), /about to listen/);
      await stopInBackground(started, 10_000);
      assert.ok(!(await isRunning(started)));
      // Telling it twice does no harm.
      await stopInBackground(started, 10_000);
    });

    it('that ends too early fails with the end of its log', async () => {
      const dying = ['-e', 'console.error("no room here"); process.exit(3)'];
      await assert.rejects(
        start(dying, () => Promise.resolve(true)),
        /the server ended with 3[^]*no room here/,
      );
    });

    it('that is given up while it starts is ended', async () => {
      const abort = new AbortController();
      const script = server(
        `listen(${JSON.stringify(`${directory}/socket`)}, () => console.log(process.pid))`,
      );
      await assert.rejects(
        start(
          script,
          () => {
            abort.abort(new Error('changed my mind'));
            return Promise.resolve(false);
          },
          abort.signal,
        ),
        /changed my mind/,
      );
    });

    it('is not mistaken for another that has its process id', async () => {
      assert.ok(!(await isRunning({ pid: process.pid, startTicks: '1' })));
    });
  });
});
