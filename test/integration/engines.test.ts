/** The same promises, kept with every database product. */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, writeFile } from 'node:fs/promises';
import type { Instance } from '../../daemon/contract/instances.ts';
import type { Status } from '../../daemon/contract/status.ts';
import type { Template } from '../../daemon/contract/templates.ts';
import { startHost, type TestHost } from '../support/daemon.ts';
import { loginOf, products } from '../support/products.ts';
import { person } from './cli-process.ts';

const threeCustomers = ['Ada', 'Grace', 'Edsger'];

describe('templates of several products, side by side', () => {
  let host: TestHost;

  before(async () => {
    // No image for all: each dump gets the server that it comes from.
    host = await startHost({ MYAAS_MYSQL_IMAGE: '', MYAAS_POSTGRES_IMAGE: '' });
  });

  after(() => host.stop());

  for (const product of products) {
    const { asksFor = product.name } = product;
    describe(`such as ${asksFor}`, () => {
      const template = `of_${asksFor.replaceAll(/[ .]/g, '_')}`;
      const file = `${template}.${product.ending}`;
      let instance: Instance;

      before(async () => {
        await host.writeDump(file, product.dump);
        if (product.asksFor !== undefined) await host.writeDump(`${template}.engine`, product.asksFor);
        const { imports } = await host.update([template]);
        assert.deepEqual(
          imports.map(({ state, error }) => [state, error]),
          [['imported', null]],
        );
        instance = await host.create(template, 'first');
      });

      it('are told by their dumps, and cloned with all that is in them', async () => {
        assert.equal(instance.engine, product.name);
        const { body } = await host.api<Template>('GET', `/v1/templates/${template}`);
        assert.equal(body.engine, product.name);
        const [, series = ''] = asksFor.split(' ');
        assert.ok(body.versions[0]?.engineVersion.startsWith(series), body.versions[0]?.engineVersion);
        assert.deepEqual(await product.customers(loginOf(instance)), threeCustomers);
      });

      it('let in who has the password, and nobody else', async () => {
        const login = loginOf(instance);
        await assert.rejects(product.customers({ ...login, password: 'another' }));
        await assert.rejects(product.customers({ ...login, password: '' }));
        await assert.rejects(product.customers({ ...login, user: product.administrator, password: '' }));
        assert.deepEqual(await product.customers(login), threeCustomers);
      });

      it('have clones that nothing but the gate can reach, and that reach nothing', async () => {
        const containers = await host.docker.list();
        const networks = new Set<string>();
        for (const { containerId, role } of containers) {
          const found = await host.docker.inspect(containerId);
          networks.add(role === 'namespace' ? String(found?.HostConfig.NetworkMode) : 'shared');
          if (role === 'namespace') continue;
          assert.match(String(found?.HostConfig.NetworkMode), /^container:/);
          assert.equal(found?.HostConfig.ReadonlyRootfs, true);
          assert.notEqual(found.Config.User, '');
        }
        assert.ok(networks.has('none'));
      });

      it('have clones that know nothing of each other, and are fresh after a reset', async () => {
        const other = await host.create(template, 'second');
        await product.addCustomer(loginOf(other), 4, 'Barbara');
        assert.deepEqual(await product.customers(loginOf(other)), [...threeCustomers, 'Barbara']);
        assert.deepEqual(await product.customers(loginOf(instance)), threeCustomers);
        const { status, body } = await host.api<Instance>('POST', `/v1/instances/${other.id}/reset`, {
          body: {},
        });
        assert.equal(status, 200);
        assert.equal(body.port, other.port);
        assert.deepEqual(await product.customers(loginOf(other)), threeCustomers);
        assert.equal((await host.api('DELETE', `/v1/instances/${other.id}`)).status, 204);
      });

      it('have clones that sleep with all that was done to them, and wake when somebody connects', async () => {
        await product.addCustomer(loginOf(instance), 4, 'Barbara');
        const { status, body } = await host.api<Instance>('POST', `/v1/instances/${instance.id}/sleep`);
        assert.equal(status, 200);
        assert.equal(body.state, 'asleep');
        assert.deepEqual(await product.customers(loginOf(instance)), [...threeCustomers, 'Barbara']);
      });

      it('stay as they are when a dump is bad, which is told', async () => {
        await host.writeDump(file, product.badDump);
        const { imports } = await host.update([template]);
        assert.deepEqual(
          imports.map(({ state, error }) => [state, error?.code]),
          [['failed', 'MYAAS_DUMP_BAD']],
        );
        const fresh = await host.create(template, 'after');
        assert.deepEqual(await product.customers(loginOf(fresh)), threeCustomers);
        await host.writeDump(file, product.dump);
        assert.equal((await host.api('DELETE', `/v1/instances/${fresh.id}`)).status, 204);
      });

      it('keep nothing of an import that a kill has cut short', async () => {
        const before = await host.api<Template>('GET', `/v1/templates/${template}`);
        const events = await host.watch();
        const request = { templates: [template], force: true };
        assert.equal((await host.api('POST', '/v1/templates/refresh', { body: request })).status, 202);
        await events.until(
          (event) =>
            event.type === 'job' &&
            event.job.imports.some(({ progress }) => progress?.phase === 'trial clone'),
        );
        await host.serve.stop('SIGKILL');
        await host.serve.start();
        const { containers } = await host.census();
        assert.deepEqual(
          containers.filter((each) => !each.startsWith('server ')),
          [],
        );
        const { body } = await host.api<Template>('GET', `/v1/templates/${template}`);
        assert.deepEqual(body.versions, before.body.versions);
        assert.deepEqual(await product.customers(loginOf(instance)), [...threeCustomers, 'Barbara']);
      });
    });
  }

  describe('of Valkey, at a shell prompt', () => {
    before(async () => {
      await host.writeDump('cache.rdb', products.find(({ name }) => name === 'valkey')?.dump ?? '');
      await host.update(['cache']);
      await host.create('cache', 'shelled');
    });

    it('are opened by its own client, which is told the password where nobody sees it', async () => {
      const { body: status } = await host.api<Status>('GET', '/v1/status');
      const image = status.engines.find(({ name }) => name === 'valkey')?.image ?? '';
      const directory = `${host.config.baseDir}/programs`;
      await mkdir(directory);
      const run = `docker run --rm --network host -e REDISCLI_AUTH ${image} valkey-cli`;
      await writeFile(`${directory}/valkey-cli`, `#!/bin/sh\necho "$@"\nexec ${run} "$@"\n`, { mode: 0o755 });
      const user = person(host, { PATH: `${directory}:${host.env['PATH'] ?? ''}` });
      const { exitCode, stdout, stderr } = await user.run('shell', 'shelled', 'HVALS', 'customers');
      assert.equal(exitCode, 0, stderr);
      const [args = '', ...names] = stdout.split('\n');
      assert.deepEqual(names, threeCustomers);
      const { password = '' } = await user.json<Instance>('show', 'shelled');
      assert.ok(password !== '' && !args.includes(password), args);
    });

    it('are told what to install where there is no such client', async () => {
      const nothing = await mkdtemp(`${host.config.baseDir}/nothing-`);
      const { exitCode, stderr } = await person(host, { PATH: nothing }).run('shell', 'shelled');
      assert.equal(exitCode, 1);
      assert.match(stderr, /no "valkey-cli" or "redis-cli" program.*\n?.*apt-get install valkey-tools/s);
    });
  });

  describe('of MySQL', () =>
    it('have a UUID of their own, though all begin with the same files', async () => {
      const { body } = await host.api<Template>('GET', '/v1/templates/of_mysql');
      const seed = (await readdir(host.paths.seeds)).find((name) => name.startsWith('mysql-')) ?? '';
      const [own, first] = await Promise.all(
        [host.paths.version('of_mysql', body.current ?? ''), `${host.paths.seeds}/${seed}`].map((home) =>
          readFile(`${home}/datadir/auto.cnf`, 'utf8'),
        ),
      );
      assert.match(own ?? '', /server-uuid/);
      assert.notEqual(own, first);
    }));

  describe('with a file beside the dump', () => {
    it('that names no product are told so, and not imported', async () => {
      await host.writeDump('odd.sql', 'create table one (id int);');
      await host.writeDump('odd.engine', 'oracle 23');
      const { imports } = await host.update(['odd']);
      assert.deepEqual(
        imports.map(({ state, error }) => [state, error?.code]),
        [['failed', 'MYAAS_DUMP_BAD']],
      );
      assert.match(imports[0]?.error?.message ?? '', /odd\.engine.*oracle 23/);
      assert.match(imports[0]?.error?.hint ?? '', /mariadb/);
    });
  });

  describe('have servers', () =>
    it('that the status names', async () => {
      const { body } = await host.api<{ engines: { name: string }[] }>('GET', '/v1/status');
      assert.deepEqual(
        new Set(body.engines.map(({ name }) => name)),
        new Set(products.map(({ name }) => name)),
      );
    }));
});
