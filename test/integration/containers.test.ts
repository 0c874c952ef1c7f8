import assert from 'node:assert/strict';
import { chmod } from 'node:fs/promises';
import type Dockerode from 'dockerode';
import { accounts, lookupUser } from '../../daemon/host/accounts.ts';
import { hasErrno } from '../../daemon/errors/error.ts';
import { startHost, type TestHost } from '../support/daemon.ts';
import { lookInside, type Inside } from '../support/inside.ts';
import { engineAt } from '../support/workshop.ts';

/** Long enough for its client to be looked at. */
const dump = 'create table t (a int);\ndo sleep(2);\n';
const hook = '#!/bin/sh\nsleep 2\n';
const roles = ['server', 'import', 'client', 'hook', 'initialise'] as const;

interface Seen {
  readonly inside: Inside;
  readonly inspected: Dockerode.ContainerInspectInfo;
}

/** Looks into every container of the host that starts, until disposed of. */
async function lookIntoAll(host: TestHost): Promise<AsyncDisposable & { readonly seen: Map<string, Seen> }> {
  const engine = engineAt(host.config.dockerHost);
  const stream = await engine.getEvents({
    filters: { type: ['container'], event: ['start'], label: [`com.myaas.host=${host.registry.hostId}`] },
  });
  const seen = new Map<string, Seen>();
  const looks: Promise<void>[] = [];
  const look = async (id: string) => {
    try {
      const inspected = await engine.getContainer(id).inspect();
      const inside = await lookInside(inspected.State.Pid);
      seen.set(inspected.Config.Labels['com.myaas.role'] ?? '', { inside, inspected });
    } catch (error) {
      // It was too quick for us: another of its kind will not be.
      const isGone = error instanceof Error && 'statusCode' in error && error.statusCode === 404;
      if (!isGone && !hasErrno(error, 'ENOENT') && !hasErrno(error, 'ESRCH')) throw error;
    }
  };
  stream.on('data', (chunk: Buffer) => {
    for (const line of String(chunk).split('\n').filter(Boolean))
      looks.push(look((JSON.parse(line) as { id: string }).id));
  });
  return {
    seen,
    async [Symbol.asyncDispose]() {
      await Promise.all(looks);
      (stream as unknown as { destroy(): void }).destroy();
    },
  };
}

describe('a container', function () {
  this.timeout(180_000);
  let host: TestHost;
  let seen: Map<string, Seen>;

  before(async () => {
    host = await startHost();
    await host.writeDump('shop.sql', dump);
    await host.writeDump('shop.after-import', hook);
    await chmod(`${host.dumpsDir}/shop.after-import`, 0o755);
    await using looking = await lookIntoAll(host);
    for (let round = 0; round < 5 && roles.some((role) => !looking.seen.has(role)); round++) {
      const [made] = (await host.update(['shop'], true)).imports;
      assert.equal(made?.state, 'imported', made?.error?.message);
      await host.create('shop', `look-${String(round)}`);
    }
    seen = looking.seen;
  });
  after(() => host.stop());

  for (const role of roles) {
    describe(`of the kind "${role}"`, () => {
      const look = (): Seen => {
        const found = seen.get(role);
        assert.ok(found, `None was seen; there were ${[...seen.keys()].join(', ')}.`);
        return found;
      };

      it('is not root, has no capability, can get none, and asks the kernel for little', async () => {
        const { status } = look().inside;
        const user = await lookupUser(accounts.serverUser);
        assert.ok(user);
        assert.deepEqual(status['Uid']?.split('\t'), Array<string>(4).fill(String(user.uid)));
        assert.deepEqual(status['Gid']?.split('\t'), Array<string>(4).fill(String(user.gid)));
        for (const set of ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb'])
          assert.match(status[set] ?? '', /^0+$/, set);
        assert.equal(status['NoNewPrivs'], '1');
        assert.equal(status['Seccomp'], '2');
      });

      it('has no network', () => {
        assert.deepEqual(look().inside.interfaces, ['lo']);
      });

      it('can write nothing but what it is there for, and sees nothing of others', () => {
        const { inside, inspected } = look();
        const { writable, binds } = inside;
        const allowed = ['/run/myaas', '/var/lib/myaas'];
        assert.deepEqual(
          writable.filter((point) => !allowed.includes(point)),
          [],
        );
        const id = inspected.Config.Labels['com.myaas.id'] ?? '';
        for (const [point, root] of Object.entries(binds)) {
          // The data of an import is in its version's directory, or in that of the seed it is to begin with.
          const isOwn = root.includes(id) || /\/data\/(?:templates\/shop|seeds)\//.test(root);
          assert.ok(isOwn, `${point} is ${root}`);
        }
      });

      it('is limited in memory and processes, and leaves no core file', () => {
        const { inside, inspected } = look();
        const { Memory: memory, MemorySwap: swap, PidsLimit: pids } = inspected.HostConfig;
        assert.equal(memory, host.config.memoryLimitBytes);
        assert.equal(swap, memory, 'None of it is swap.');
        assert.ok((pids ?? 0) > 0);
        assert.equal(inside.coreLimit, '0                    0');
        assert.equal(inspected.HostConfig.Privileged, false);
      });
    });
  }
});
