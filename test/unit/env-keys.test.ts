import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type Credentials, instanceOf, writeCredentials } from '../../extension/env/workspace-env.ts';
import {
  composer,
  credentials,
  eachInAFolder,
  folder,
  laravelKeys,
  lines,
  neverAsk,
  npm,
  put,
  textOf,
  url,
  write,
  other,
} from './env-folder.ts';

describe('the keys of a new .env', () => {
  eachInAFolder();

  const projects: Readonly<Record<string, [Readonly<Record<string, string>>, string, string?]>> = {
    'no framework': [{}, lines({ ...laravelKeys, DATABASE_URL: url })],
    Laravel: [
      { 'composer.json': composer('laravel/framework'), 'package.json': npm('drizzle-orm') },
      lines(laravelKeys),
    ],
    Symfony: [
      { 'composer.json': composer('symfony/framework-bundle') },
      `DATABASE_URL='${url}?serverVersion=11.8.3-MariaDB&charset=utf8mb4'\n`,
      '.env.local',
    ],
    Bedrock: [
      { 'composer.json': composer('roots/bedrock-autoloader') },
      lines({
        DB_NAME: 'shop',
        DB_USER: 'myaas',
        DB_PASSWORD: credentials.password,
        DB_HOST: '127.0.0.1:23001',
      }),
    ],
    Prisma: [{ 'package.json': npm('@prisma/client') }, `DATABASE_URL=${url}\n`],
    'Prisma with a variable of its own': [
      {
        'package.json': npm('prisma'),
        'prisma/schema.prisma': 'datasource db {\n  provider = "mysql"\n  url      = env("SHOP_DB")\n}\n',
        '.env.example': 'MYSQL_HOST=db\nMYSQL_PORT=3306\nMYSQL_DATABASE=a\nMYSQL_USER=b\nMYSQL_PASSWORD=c\n',
      },
      lines({
        MYSQL_HOST: '127.0.0.1',
        MYSQL_PORT: '23001',
        MYSQL_DATABASE: 'shop',
        MYSQL_USER: 'myaas',
        MYSQL_PASSWORD: credentials.password,
        SHOP_DB: url,
      }),
    ],
    Drizzle: [{ 'package.json': npm('drizzle-orm') }, `DATABASE_URL=${url}\n`],
    Django: [
      { 'manage.py': 'os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")\n' },
      `DATABASE_URL=${url}\n`,
    ],
    Rails: [{ Gemfile: 'gem "rails", "~> 8"\n' }, `DATABASE_URL=${url.replace('mysql', 'mysql2')}\n`],
    'Rails with trilogy': [
      { Gemfile: "gem 'rails'\ngem 'trilogy'\n" },
      `DATABASE_URL=${url.replace('mysql', 'trilogy')}\n`,
    ],
    Strapi: [
      { 'package.json': npm('@strapi/strapi') },
      lines({
        DATABASE_CLIENT: 'mysql',
        DATABASE_HOST: '127.0.0.1',
        DATABASE_PORT: '23001',
        DATABASE_NAME: 'shop',
        DATABASE_USERNAME: 'myaas',
        DATABASE_PASSWORD: credentials.password,
      }),
    ],
    TypeORM: [
      { 'package.json': npm('@nestjs/typeorm') },
      lines({
        DB_HOST: '127.0.0.1',
        DB_PORT: '23001',
        DB_USERNAME: 'myaas',
        DB_PASSWORD: credentials.password,
        DB_DATABASE: 'shop',
      }),
    ],
    'a manifest that is being edited': [
      { 'composer.json': '{"require": {' },
      lines({ ...laravelKeys, DATABASE_URL: url }),
    ],
    'keys in .env.example': [
      { '.env.example': 'APP=1\nDB_HOST=\nDB_PORT=3306\nDB_NAME=x\nDB_USER=\nDB_PASS=\n' },
      lines({
        DB_HOST: '127.0.0.1',
        DB_PORT: '23001',
        DB_NAME: 'shop',
        DB_USER: 'myaas',
        DB_PASS: credentials.password,
      }),
    ],
    "another MySQL client's scheme in .env.example": [
      { '.env.example': 'DATABASE_URL=mysql+pymysql://root@localhost/x\n' },
      `DATABASE_URL=${url.replace('mysql', 'mysql+pymysql')}\n`,
    ],
    "another database's scheme in .env.example": [
      { '.env.example': 'DATABASE_URL=postgresql://root@localhost/x?schema=public\n' },
      `DATABASE_URL=${url}\n`,
    ],
    'keys of a database server image in .env.example': [
      { '.env.example': 'MYSQL_DATABASE=x\nMYSQL_USER=x\nMYSQL_PASSWORD=x\nMYSQL_ROOT_PASSWORD=x\n' },
      lines({ ...laravelKeys, DATABASE_URL: url }),
    ],
  };
  for (const [name, [files, expected, file = '.env']] of Object.entries(projects)) {
    it(`are right for ${name}`, async () => {
      await put(files);
      const { path, keys, changed } = await write();
      assert.equal(await textOf(file), expected);
      assert.equal(path, join(folder.path, file));
      assert.ok(changed);
      assert.deepEqual([...keys], expected.match(/^\w+/gm));
    });
  }
});

describe('the keys of a .env that is there', () => {
  eachInAFolder();

  it('are those it has, wherever they stand', async () => {
    await put({ '.env': 'DATABASE_URL="postgres://x" # db\nA=1\n', '.env.example': 'A=\n' });
    await write();
    assert.equal(await textOf('.env'), `DATABASE_URL="${url}" # db\nA=1\n`);
  });

  it('are completed where a connection needs more, by the names of the framework', async () => {
    await put({
      'composer.json': composer('laravel/framework'),
      '.env': 'DB_CONNECTION=sqlite\n# DB_HOST=x\n',
    });
    await write();
    assert.equal(
      await textOf('.env'),
      `DB_CONNECTION=mysql\n# DB_HOST=x\n${lines(laravelKeys).replace('DB_CONNECTION=mysql\n', '')}`,
    );
  });

  it('keep a driver that is one for MySQL', async () => {
    await put({ '.env': lines({ ...laravelKeys, DB_CONNECTION: 'mariadb' }) });
    assert.deepEqual(await write(), {
      path: join(folder.path, '.env'),
      keys: Object.keys(laravelKeys),
      changed: false,
    });
  });

  it('name this machine by its address, since MySQL clients ignore the port of "localhost"', async () => {
    await put({ '.env': 'DB_HOST=localhost\nDATABASE_URL=\n' });
    await write({}, { ...credentials, host: 'localhost' });
    assert.match(await textOf('.env'), /^DB_HOST=127\.0\.0\.1\nDATABASE_URL=.*@127\.0\.0\.1:23001/);
  });

  it('have the port in the host for Bedrock only', async () => {
    const text = "DB_NAME='x'\nDB_USER='x'\nDB_PASSWORD='x'\nDB_HOST='localhost'\n";
    await put({ '.env': text, 'composer.json': composer('roots/wordpress') });
    await write();
    assert.match(await textOf('.env'), /^DB_HOST='127\.0\.0\.1:23001'$/m);
    assert.doesNotMatch(await textOf('.env'), /DB_PORT/);
    await put({ '.env': text, 'composer.json': '{}' });
    await write();
    assert.match(await textOf('.env'), /^DB_HOST='127\.0\.0\.1'\nDB_PORT=23001\n$/m);
  });

  it('stay alone when they only look like ours', async () => {
    await put({ '.env': 'DB_READ_HOST=a\nSHADOW_DATABASE_URL=b\ndb_host=c\nMYSQL_ROOT_PASSWORD=d\n' });
    await write();
    assert.match(
      await textOf('.env'),
      /^DB_READ_HOST=a\nSHADOW_DATABASE_URL=b\ndb_host=c\nMYSQL_ROOT_PASSWORD=d\nDB_CONNECTION=mysql\n/,
    );
  });
});

describe('the setting myaas.env.variables', () => {
  eachInAFolder();

  it('says all there is to write', async () => {
    await put({ 'composer.json': composer('symfony/symfony'), '.env': 'DB_HOST=x\n' });
    const variables = { JDBC: 'jdbc:mariadb://${host}:${port}/${database}', U: '${user}', PRICE: 'a $5 b' };
    await write({ variables });
    assert.equal(
      await textOf('.env'),
      "DB_HOST=x\nJDBC=jdbc:mariadb://127.0.0.1:23001/shop\nU=myaas\nPRICE='a $5 b'\n",
    );
  });

  it('encodes what stands in a URL, and only that', async () => {
    const odd = { ...credentials, host: '::1', user: 'a@b', password: "p/w:#?'(é", database: 'd b' };
    await write(
      { variables: { URL: 'mysql://${user}:${password}@${host}:${port}/${database}', P: '${password}' } },
      odd,
    );
    assert.equal(
      await textOf('.env'),
      `URL='mysql://a%40b:p%2Fw%3A%23%3F%27%28%C3%A9@[::1]:23001/d%20b'\nP="p/w:#?'(é"\n`,
    );
  });

  it('may have no unknown placeholder', async () => {
    await assert.rejects(write({ variables: { A: '${pasword}' } }), {
      code: 'MYAAS_ENV_BAD_TEMPLATE',
      message: /"\$\{pasword\}" in A/,
      hint: /\$\{user\}, \$\{password\}/,
    });
    assert.deepEqual(await readdir(folder.path), []);
  });

  it('may name no variable that sh could not have', async () => {
    await assert.rejects(write({ variables: { 'A-B': 'x' } }), { code: 'MYAAS_ENV_BAD_KEY' });
  });
});

describe('an instance of PostgreSQL', () => {
  eachInAFolder();

  const books: Credentials = {
    ...credentials,
    engine: 'postgres',
    engineVersion: '17.6 (Debian 17.6-0+deb13u1)',
  };
  const url = (scheme: string) =>
    `${scheme}://myaas:Secret0123456789abcdefgh@127.0.0.1:${books.port}/${books.database}`;

  it('is written under the names of the framework, with its own driver', async () => {
    await put({ 'composer.json': composer('laravel/framework'), '.env': 'DB_CONNECTION=mysql\n' });
    await writeCredentials(folder, books, {}, neverAsk);
    assert.match(await textOf('.env'), /^DB_CONNECTION=pgsql$/m);
  });

  it('keeps the scheme of a URL that is there', async () => {
    await put({ '.env': 'DATABASE_URL=postgres://root@localhost/x\n' });
    await writeCredentials(folder, books, {}, neverAsk);
    assert.equal(await textOf('.env'), `DATABASE_URL=${url('postgres')}\n`);
  });

  it('tells Symfony its version', async () => {
    await put({ 'composer.json': composer('symfony/framework-bundle') });
    await writeCredentials(folder, books, {}, neverAsk);
    assert.ok((await textOf('.env.local')).includes(`${url('postgresql')}?serverVersion=17.6&charset=utf8`));
  });
});

describe('an instance of Valkey', () => {
  eachInAFolder();

  const cache: Credentials = { ...credentials, engine: 'valkey', port: 23003, database: '0' };

  it('is written under the names that clients of Redis read, and leaves those of the database alone', async () => {
    const before = 'DB_HOST=db.example.org\nREDIS_URL=redis://localhost:6379\n';
    await put({ '.env': before, 'composer.json': '{"require": {"laravel/framework": "^12"}}' });
    await writeCredentials(folder, cache, {}, neverAsk);
    assert.equal(
      await textOf('.env'),
      'DB_HOST=db.example.org\nREDIS_URL=redis://myaas:Secret0123456789abcdefgh@127.0.0.1:23003/0\n',
    );
    const mine = { ...cache, engine: 'valkey', name: 'cache' };
    assert.equal(
      (await instanceOf(folder, {}, [{ ...other, engine: 'mysql', name: 'db' }, mine]))?.name,
      'cache',
    );
  });

  it('has variables of its own where the files know none', async () => {
    await writeCredentials(folder, cache, {}, neverAsk);
    const keys = (await textOf('.env')).split('\n').map((line) => line.split('=')[0]);
    assert.deepEqual(keys.filter(Boolean), [
      'REDIS_HOST',
      'REDIS_PORT',
      'REDIS_USERNAME',
      'REDIS_PASSWORD',
      'REDIS_DB',
      'REDIS_URL',
    ]);
  });
});
