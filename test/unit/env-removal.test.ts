import assert from 'node:assert/strict';
import { mkdir, readdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { type EnvSettings, instanceOf, removeCredentials } from '../../extension/env/workspace-env.ts';
import {
  composer,
  credentials,
  eachInAFolder,
  folder,
  laravelKeys,
  lines,
  other,
  put,
  refused,
  textOf,
  url,
  write,
} from './env-folder.ts';

describe('removing credentials', () => {
  eachInAFolder();

  it('takes our keys and nothing else', async () => {
    await put({ '.env': '# mine\nAPP=1\n' });
    await write();
    const removed = await removeCredentials(folder, credentials, {});
    assert.equal(await textOf('.env'), '# mine\nAPP=1\n');
    assert.deepEqual(removed, [
      { path: join(folder.path, '.env'), keys: [...Object.keys(laravelKeys), 'DATABASE_URL'], changed: true },
    ]);
    assert.deepEqual(await removeCredentials(folder, credentials, {}), []);
  });

  it('leaves the keys of another instance, though host, user and database are the same', async () => {
    await write({}, other);
    const text = await textOf('.env');
    assert.deepEqual(await removeCredentials(folder, credentials, {}), []);
    assert.equal(await textOf('.env'), text);
  });

  it('leaves a value that the user has changed', async () => {
    await write();
    await put({ '.env': (await textOf('.env')).replace('DB_HOST=127.0.0.1', 'DB_HOST=db.test') });
    await removeCredentials(folder, credentials, {});
    assert.equal(await textOf('.env'), 'DB_HOST=db.test\n');
  });

  it('tells plain values and URL apart when they name different databases', async () => {
    const plain = lines(laravelKeys);
    await put({ '.env': `${plain}DATABASE_URL=mysql://a:b@127.0.0.1:23002/shop\n` });
    await removeCredentials(folder, credentials, {});
    assert.equal(await textOf('.env'), 'DATABASE_URL=mysql://a:b@127.0.0.1:23002/shop\n');
    const others = plain.replace('23001', '23002');
    await put({ '.env': `${others}DATABASE_URL=${url}\n` });
    await removeCredentials(folder, credentials, {});
    assert.equal(await textOf('.env'), others);
  });

  it('knows its URL with other parameters or another scheme', async () => {
    await put({ '.env': `A=1\nDATABASE_URL="${url.replace('mysql', 'mysql2')}?pool=5"\n` });
    await removeCredentials(folder, credentials, {});
    assert.equal(await textOf('.env'), 'A=1\n');
  });

  it('needs not know the version that Symfony was told', async () => {
    await put({ 'composer.json': composer('symfony/symfony') });
    await write();
    const { engineVersion: _, ...rest } = credentials;
    await removeCredentials(folder, rest, {});
    assert.equal(await textOf('.env.local'), '');
  });

  it('leaves a sample alone that .env is a link to', async () => {
    await put({ '.env.example': `DATABASE_URL=${url}\n` });
    await symlink('.env.example', join(folder.path, '.env'));
    await assert.rejects(removeCredentials(folder, credentials, {}), refused);
    assert.equal(await textOf('.env.example'), `DATABASE_URL=${url}\n`);
  });

  it('looks into .env.local and .env, or the file of the setting', async () => {
    for (const file of ['.env.local', '.env', 'x.env']) await write({ file });
    assert.equal((await removeCredentials(folder, credentials, {})).length, 2);
    assert.equal((await removeCredentials(folder, credentials, { file: 'x.env' })).length, 1);
  });

  it('takes the variables of the setting', async () => {
    const variables = { PORT_OF_DB: '${port}', DB_PW: '${password}', NAME: '${database}' };
    await write({ variables });
    await removeCredentials(folder, credentials, { variables });
    assert.equal(await textOf('.env'), '');
  });

  it('does nothing in a folder without any file', async () => {
    assert.deepEqual(await removeCredentials(folder, credentials, {}), []);
    assert.deepEqual(await readdir(folder.path), []);
  });
});

describe('the instance that a folder points at', () => {
  eachInAFolder();

  const all = [other, credentials];
  const pointedAt = async (text: string, settings: EnvSettings = {}) => {
    await put({ '.env': text });
    return instanceOf(folder, settings, all);
  };

  it('is the one whose credentials were written last', async () => {
    for (const one of [credentials, other, credentials]) {
      await write({}, one);
      assert.equal(await instanceOf(folder, {}, all), one);
    }
  });

  it('is found by a URL alone and by plain values alone, "localhost" being 127.0.0.1', async () => {
    assert.equal(await pointedAt('DATABASE_URL=mysql://x@localhost:23001/shop?a=b\n'), credentials);
    assert.equal(await pointedAt('DB_HOST=localhost\nDB_PORT=23001\nDB_DATABASE=shop\n'), credentials);
    assert.equal(await pointedAt('DB_HOST=localhost\nDB_PORT=23001\n'), credentials);
  });

  it('is none when host, port or database are others', async () => {
    assert.equal(await pointedAt('DATABASE_URL=mysql://x@localhost:23001/blog\n'), undefined);
    assert.equal(await pointedAt('DATABASE_URL=mysql://x@localhost:23009/shop\n'), undefined);
    assert.equal(await pointedAt('DATABASE_URL=mysql://x@example.org:23001/shop\n'), undefined);
    assert.equal(await pointedAt('DATABASE_URL=mysql://%@localhost:23001/shop\n'), undefined);
    assert.equal(await pointedAt('DB_HOST=localhost\nDB_PORT=x\n'), undefined);
  });

  it('is found by the variables of the setting', async () => {
    const variables = { DSN: 'mysql:host=${host};port=${port};dbname=${database}' };
    assert.equal(
      await pointedAt('DSN="mysql:host=127.0.0.1;port=23002;dbname=shop"\n', { variables }),
      other,
    );
    assert.equal(
      await pointedAt('DSN="pgsql:host=127.0.0.1;port=23002;dbname=shop"\n', { variables }),
      undefined,
    );
  });

  it('is found in Bedrock, where the host has the port', async () => {
    await put({ 'composer.json': composer('roots/bedrock-autoloader') });
    await write();
    assert.equal(await instanceOf(folder, {}, all), credentials);
  });

  it('is none where there is no file, or none that can be read', async () => {
    assert.equal(await instanceOf(folder, {}, all), undefined);
    await mkdir(join(folder.path, '.env'));
    assert.equal(await instanceOf(folder, {}, all), undefined);
  });
});
