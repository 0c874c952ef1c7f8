import assert from 'node:assert/strict';
import { rename, writeFile } from 'node:fs/promises';
import { connect as connectTls } from 'node:tls';
import { once } from 'node:events';
import mysql from 'mysql2/promise';
import pg from 'pg';
import { makeCertificate } from '../../daemon/engines/certificate.ts';
import type { Instance } from '../../daemon/contract/instances.ts';
import { RespConnection } from '../../daemon/engines/resp.ts';
import { startHost, type TestHost } from '../support/daemon.ts';
import { loginOf, products } from '../support/products.ts';

const names = [
  { type: 'dns', value: 'localhost' },
  { type: 'ip', value: '127.0.0.1' },
] as const;

describe('databases of a host that requires TLS', function () {
  this.timeout(300_000);
  let host: TestHost;
  let ca: string;
  const instances = new Map<string, Instance>();

  const writeCertificate = async () => {
    const { certificatePem, privateKeyPem } = await makeCertificate([...names]);
    for (const [name, pem] of [
      ['key', privateKeyPem],
      ['cert', certificatePem],
    ] as const) {
      const file = `${host.config.baseDir}/${name}.pem`;
      await writeFile(`${file}.new`, pem, { mode: 0o600 });
      await rename(`${file}.new`, file);
    }
    ca = certificatePem;
  };
  const instanceOf = (engine: string): Instance => {
    const instance = instances.get(engine);
    assert.ok(instance, `there is no instance of ${engine}`);
    return instance;
  };

  before(async () => {
    host = await startHost();
    await writeCertificate();
    for (const engine of ['mariadb', 'postgres', 'valkey']) {
      const product = products.find(({ name }) => name === engine);
      assert.ok(product);
      await host.writeDump(`${engine}.${product.ending}`, product.dump);
    }
    await host.update();
    for (const engine of ['mariadb', 'postgres', 'valkey']) {
      instances.set(engine, await host.create(engine, 'mine'));
    }
    await host.gate.stop();
    await host.serve.stop();
    const file = (name: string) => `${host.config.baseDir}/${name}.pem`;
    await host.serve.start({
      MYAAS_TLS_CERT: file('cert'),
      MYAAS_TLS_KEY: file('key'),
      MYAAS_REQUIRE_TLS: 'true',
    });
    await host.gate.start();
  });
  after(() => host.stop());

  const askPostgres = async (ssl: pg.ClientConfig['ssl']) => {
    const client = new pg.Client({ ...loginOf(instanceOf('postgres')), ...(ssl !== undefined && { ssl }) });
    await client.connect();
    try {
      return (await client.query<{ name: string }>('select name from customers order by id')).rows[0]?.name;
    } finally {
      await client.end();
    }
  };

  it('verify the host’s certificate and are queried, if of PostgreSQL', async () => {
    assert.equal(await askPostgres({ ca }), 'Ada');
    await assert.rejects(askPostgres({}), /self.signed/);
    await assert.rejects(askPostgres(undefined), /must use TLS/);
  });

  const talkToValkey = async () => {
    const { host: address, port, user, password } = loginOf(instanceOf('valkey'));
    const client = connectTls({ host: address, port, ca });
    client.write(`AUTH ${user} ${password}\r\n`);
    const [answer] = (await once(client, 'data')) as [Buffer];
    client.destroy();
    return answer.toString();
  };

  it('verify the host’s certificate and are queried, if of Valkey', async () => {
    assert.equal(await talkToValkey(), '+OK\r\n');
    const connection = await RespConnection.open({ port: instanceOf('valkey').port, host: '127.0.0.1' });
    await assert.rejects(connection.ask('PING'), /must use TLS/);
    connection.close();
  });

  it('are encrypted by their server, if of MariaDB', async () => {
    const login = loginOf(instanceOf('mariadb'));
    const connection = await mysql.createConnection({ ...login, ssl: { rejectUnauthorized: false } });
    const [rows] = await connection.query<mysql.RowDataPacket[]>("show status like 'Ssl_cipher'");
    assert.match(String(rows[0]?.['Value']), /^TLS|AES|CHACHA/);
    await connection.end();
    await assert.rejects(mysql.createConnection({ ...login }), /must use TLS/);
  });

  it('show a renewed certificate to who comes next', async () => {
    const former = ca;
    const present = new pg.Client({ ...loginOf(instanceOf('postgres')), ssl: { ca } });
    await present.connect();
    await writeCertificate();
    const renewed = async () => {
      try {
        return (await askPostgres({ ca })) === 'Ada';
      } catch {
        return false;
      }
    };
    while (!(await renewed()));
    await assert.rejects(askPostgres({ ca: former }));
    assert.equal((await present.query('select 1')).rowCount, 1);
    await present.end();
  });
});
