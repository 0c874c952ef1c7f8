import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MyaasError } from '../../daemon/errors/error.ts';
import { parseAddress, type Connection } from '../../extension/client.ts';
import { findConnection, localAddress, type Sources } from '../../extension/connection.ts';
import { isLease } from '../../extension/lease.ts';
import { isCompatible } from '../../extension/version.ts';

describe('The daemon', () => {
  let home: string;
  beforeEach(async () => void (home = await mkdtemp(join(tmpdir(), 'myaas-home-'))));
  afterEach(() => rm(home, { recursive: true }));

  const find = (more: Partial<Sources> = {}, env: Record<string, string> = {}): Promise<Connection> =>
    findConnection({
      env: { HOME: home, ...env },
      settingUrl: '',
      storedToken: () => Promise.resolve(undefined),
      socket: join(home, 'none.sock'),
      ...more,
    });
  const logIn = async (config: unknown, mode = 0o600): Promise<void> => {
    await mkdir(join(home, '.config/myaas'), { recursive: true });
    await writeFile(join(home, '.config/myaas/config.json'), JSON.stringify(config), { mode });
  };
  const refuses = (work: Promise<unknown>, why: RegExp) =>
    assert.rejects(work, (error) => {
      assert.ok(error instanceof MyaasError);
      assert.equal(error.code, 'MYAAS_BAD_CLIENT_CONFIG');
      assert.match(error.message, why);
      return true;
    });
  const elsewhere = 'http://db.example:5001';

  it('is on this machine when nothing else is said: at its socket when there is one', async () => {
    assert.deepEqual(await find(), { url: localAddress, token: undefined });
    const socket = join(home, 'api.sock');
    await writeFile(socket, '');
    assert.deepEqual(await find({ socket }), { url: `unix:${socket}`, token: undefined });
  });

  it('is where `myaas login` says', async () => {
    await logIn({ url: elsewhere, token: 'of-login' });
    assert.deepEqual(await find(), { url: elsewhere, token: 'of-login' });
  });

  it('is where XDG_CONFIG_HOME says, when that is absolute', async () => {
    await logIn({ url: elsewhere, token: 'of-login' });
    assert.equal((await find({}, { XDG_CONFIG_HOME: join(home, '.config') })).url, elsewhere);
    assert.equal((await find({}, { XDG_CONFIG_HOME: join(home, 'other') })).url, localAddress);
    assert.equal((await find({}, { XDG_CONFIG_HOME: '.config' })).url, elsewhere);
  });

  it('is where MYAAS_URL says before that, and where the setting says before all', async () => {
    await logIn({ url: elsewhere, token: 'of-login' });
    const env = { MYAAS_URL: 'http://env.example:5001/', MYAAS_TOKEN: 'of-env' };
    assert.deepEqual(await find({}, env), { url: 'http://env.example:5001', token: 'of-env' });
    const settingUrl = 'http://setting.example:5001';
    assert.equal((await find({ settingUrl }, env)).url, settingUrl);
  });

  it('is sent no token that is meant for another', async () => {
    await logIn({ url: elsewhere, token: 'of-login' });
    const env = { MYAAS_URL: 'http://env.example:5001', MYAAS_TOKEN: 'of-env' };
    assert.equal((await find({ settingUrl: 'http://setting.example' }, env)).token, undefined);
    assert.equal((await find({}, { MYAAS_URL: 'http://env.example:5001' })).token, undefined);
  });

  it('is sent the token that was given in VS Code for its address', async () => {
    await logIn({ url: elsewhere, token: 'of-login' });
    const storedToken = (url: string) => Promise.resolve(url === elsewhere ? 'of-vscode' : undefined);
    assert.equal((await find({ storedToken })).token, 'of-vscode');
    assert.equal((await find({ storedToken, settingUrl: 'http://setting.example' })).token, undefined);
  });

  it('is not looked for by a configuration that others can read, or that holds nothing', async () => {
    await logIn({ url: elsewhere, token: 'x' }, 0o644);
    await refuses(find(), /others/);
    await chmod(join(home, '.config/myaas/config.json'), 0o600);
    for (const config of [
      '{',
      {},
      { url: elsewhere },
      { url: 'db', token: 'x' },
      { url: elsewhere, token: '' },
    ]) {
      await logIn(config);
      await refuses(find(), /does not hold/);
    }
  });

  it('is not looked for at what is no address', async () => {
    await refuses(find({ settingUrl: 'db:5001' }), /myaas\.url/);
    await refuses(find({}, { MYAAS_URL: 'ftp://db' }), /MYAAS_URL/);
  });
});

describe('An address', () => {
  it('is a socket’s path, or a host and port, and nothing else', () => {
    const said = [
      'unix:/run/myaas/api.sock',
      'unix:///run/myaas/api.sock',
      ' http://127.0.0.1:5001/ ',
      'https://db.example',
      'http://[::1]:5001',
    ].map(parseAddress);
    assert.deepEqual(said, [
      'unix:/run/myaas/api.sock',
      'unix:/run/myaas/api.sock',
      'http://127.0.0.1:5001',
      'https://db.example',
      'http://[::1]:5001',
    ]);
    for (const none of [
      '',
      'db',
      '/run/myaas/api.sock',
      'unix:run',
      'ftp://db',
      'http://',
      'http://me:secret@db',
    ])
      assert.equal(parseAddress(none), undefined, none);
  });
});

describe('A version', () => {
  it('fits another of the same major, and before 1.0 of the same minor', () => {
    assert.ok(isCompatible('1.2.3', '1.9.0'));
    assert.ok(isCompatible('0.1.0', '0.1.7'));
    assert.ok(!isCompatible('0.1.0', '0.2.0'));
    assert.ok(!isCompatible('1.0.0', '2.0.0'));
  });
});

describe('A lease that is typed', () => {
  it('is taken when the daemon would take it', () => {
    for (const good of ['90', '30m', '8h', '7d', '1.5 w', 'never', ' 8H ']) assert.ok(isLease(good), good);
    for (const bad of ['', '0', '-1h', 'h', '8 hours', 'ever', '0d']) assert.ok(!isLease(bad), bad);
  });
});
