import assert from 'node:assert/strict';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import mysql from 'mysql2/promise';
import type { Instance } from '../../daemon/contract/instances.ts';
import { hasErrno } from '../../daemon/errors/error.ts';
import { startHost, type Answer, type TestHost } from '../support/daemon.ts';
import { engineAt } from '../support/workshop.ts';
import { person } from './cli-process.ts';

/** How often all processes are looked at while the work is done. */
const lookEveryMs = 50;

/** What can be read of processes that come and go; '' of one that has gone. */
async function readProcess(pid: string, file: string): Promise<string> {
  try {
    return await readFile(`/proc/${pid}/${file}`, 'utf8');
  } catch (error) {
    if (hasErrno(error, 'ENOENT') || hasErrno(error, 'ESRCH') || hasErrno(error, 'EACCES')) return '';
    throw error;
  }
}

const processes = async () => (await readdir('/proc')).filter((name) => /^\d+$/.test(name));

/** Collects the argument lists of all processes of the machine until disposed of. */
function watchArguments(): AsyncDisposable & { readonly seen: Set<string> } {
  const over = new AbortController();
  const seen = new Set<string>();
  const watching = (async () => {
    while (!over.signal.aborted) {
      for (const pid of await processes()) seen.add(await readProcess(pid, 'cmdline'));
      await delay(lookEveryMs, undefined, { signal: over.signal }).catch(() => undefined);
    }
  })();
  return {
    seen,
    async [Symbol.asyncDispose]() {
      over.abort();
      await watching;
    },
  };
}

/** Every file below a directory that somebody else than its owner can read, with what is in it. */
async function readableByOthers(directory: string): Promise<string[]> {
  const { mode } = await stat(directory);
  if ((mode & 0o001) === 0) return [];
  const found: string[] = [];
  for (const entry of await readdir(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) found.push(...(await readableByOthers(path)));
    else if (entry.isFile() && ((await stat(path)).mode & 0o004) !== 0) found.push(path);
  }
  return found;
}

describe('a password or token', function () {
  this.timeout(240_000);
  let host: TestHost;
  const secrets = new Set<string>();
  const answers: string[] = [];
  let events = '';
  let seenArguments: ReadonlySet<string>;
  const following = new AbortController();

  const assertClean = (where: string, text: string): void => {
    for (const secret of secrets)
      assert.ok(!text.includes(secret), `${where} has a secret of ${String(secret.length)} characters.`);
  };
  const keep = ({ password }: Instance): void => {
    assert.ok(password);
    secrets.add(password);
  };

  before('and all that is done with them', async () => {
    host = await startHost({ MYAAS_POOL: '1' });
    await using looking = watchArguments();
    secrets.add(host.adminToken);
    const alice = host.userToken('alice');
    secrets.add(alice);
    secrets.add((await readFile(host.paths.rootToken, 'utf8')).trim());
    const watch = await host.watch(undefined, following.signal);
    const reading = (async () => {
      for await (const frame of watch.frames) events += JSON.stringify(frame);
    })().catch(() => undefined);

    await host.importDump('shop', 'create table t (a int);');
    const made = [];
    for (const name of ['one', 'two', 'three']) made.push(await host.create('shop', name));
    for (const instance of made) keep(instance);
    const [one, two] = made;
    assert.ok(one && two);
    for (const action of ['reset', 'sleep', 'wake']) {
      const changed: Answer<Instance> = await host.api('POST', `/v1/instances/${one.id}/${action}`);
      assert.equal(changed.status, 200, action);
      keep(changed.body);
    }
    // The API of the original, which names the password in its answers.
    const old = await host.api<{ password: string }>('POST', '/db/shop/old', { body: { ttl: 600 } });
    assert.equal(old.status, 201);
    secrets.add(old.body.password);
    assert.equal((await host.api('DELETE', '/db/shop/old')).status, 204);

    // What goes wrong with credentials in it.
    const wrong = 'wrong-token-0123456789-0123456789';
    secrets.add(wrong);
    for (const [method, path, options] of [
      ['GET', '/v1/instances', { token: wrong }],
      ['GET', `/v1/instances?owner=${'x'.repeat(300)}`, { token: alice }],
      ['POST', '/v1/instances', { body: '{"template": "shop", "name"' }],
      ['POST', '/v1/instances', { body: { template: 'shop', name: 'one' } }],
      ['DELETE', `/v1/instances/${two.id}`, { token: alice }],
      ['GET', `/v1/instances/${two.id}`, { token: alice }],
    ] as const) {
      answers.push((await host.api(method, path, options)).text);
    }
    const guess = 'wrong-password-0123456789';
    secrets.add(guess);
    await assert.rejects(
      mysql.createConnection({ host: two.host, port: two.port, user: two.user, password: guess }),
    );
    // A server that is killed says its last words, and is started again.
    const [container] = await host.docker.list(host.registry.instance(two.id)?.clone);
    assert.ok(container);
    const revived = await host.watch();
    await host.docker.stop(container.containerId, 0);
    await revived.until((event) => event.type === 'instance' && event.instance.id === two.id);

    // The command line, with a token of its own file.
    const root = person(host);
    const { token } = await root.json<{ token: string }>('user', 'add', 'carol');
    secrets.add(token);
    const carol = person(host, { MYAAS_URL: host.url, MYAAS_TOKEN: token });
    const cloned = await carol.json<Instance>('new', 'shop', 'cli');
    keep(cloned);
    for (const args of [
      ['ls'],
      ['show', 'shop/cli'],
      ['status'],
      ['reset', 'shop/cli'],
      ['logs', 'shop/cli'],
      ['rm', 'shop/one'],
    ]) {
      const { stdout, stderr } = await carol.run(...args);
      answers.push(stdout, stderr);
    }
    following.abort();
    await reading;
    seenArguments = looking.seen;
  });
  after(() => host.stop());

  it('stands in no argument list of any process, at any time', () => {
    assert.ok(
      [...seenArguments].some((each) => each.includes('mariadbd')),
      'Servers have been seen.',
    );
    for (const each of seenArguments) assertClean('An argument list', each);
  });

  it('stands in no environment of the daemon, the gate and the servers', async () => {
    const containers = await engineAt(host.config.dockerHost).listContainers({
      filters: { label: [`com.myaas.host=${host.registry.hostId}`] },
    });
    assert.ok(containers.length > 2);
    const pids = await Promise.all(
      containers.map(async ({ Id: id }) => String((await host.docker.inspect(id))?.State.Pid)),
    );
    for (const pid of [...pids, String(host.serve.pid), String(host.gate.pid)])
      assertClean(`The environment of ${pid}`, await readProcess(pid, 'environ'));
  });

  it('stands nowhere in what Docker tells of a container, nor in its log', async () => {
    for (const { containerId } of await host.docker.list()) {
      assertClean('A container', JSON.stringify(await host.docker.inspect(containerId)));
      assertClean('The log of a container', await host.docker.logs(containerId, 10_000));
    }
  });

  it('stands in no log of the daemon and the gate', () => {
    assert.ok(host.serve.log.length > 0);
    assertClean('The log of serve', host.serve.log);
    assertClean('The log of the gate', host.gate.log);
  });

  it('stands in no event', () => {
    assert.match(events, /"shop"/);
    assertClean('An event', events);
  });

  it('stands in no error, and in nothing that is shown of somebody else’s', () => {
    assert.ok(answers.length > 10);
    for (const answer of answers) assertClean('An answer', answer);
  });

  it('stands in no file that anybody but its owner can read', async () => {
    for (const directory of [host.config.baseDir, host.config.runDir]) {
      for (const file of await readableByOthers(directory)) assertClean(file, await readFile(file, 'latin1'));
    }
    for (const file of [host.paths.registry, host.paths.rootToken])
      assert.equal((await stat(file)).mode & 0o077, 0, file);
  });

  it('if it is a token, stands in the registry as its hash only', async () => {
    const base = host.config.baseDir;
    const files = (await readdir(base)).filter((name) => name.startsWith('registry.db'));
    const text = (await Promise.all(files.map((name) => readFile(join(base, name), 'latin1')))).join('');
    assert.ok(!text.includes(host.adminToken));
  });
});
