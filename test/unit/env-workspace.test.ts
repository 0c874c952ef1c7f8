import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import {
  chmod,
  chown,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  realpath,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { decodeText } from '../../extension/env/encoding.ts';
import type { GitChoice, GitQuestion } from '../../extension/env/git.ts';
import {
  type Credentials,
  type EnvSettings,
  instanceOf,
  removeCredentials,
  type WorkspaceFolder,
  writeCredentials,
} from '../../extension/env/workspace-env.ts';

const credentials: Credentials = {
  host: '127.0.0.1',
  port: 23001,
  database: 'shop',
  user: 'myaas',
  password: 'Secret0123456789abcdefgh',
  engineVersion: '11.8.3-MariaDB-0+deb13u1-log',
};
const other: Credentials = { ...credentials, port: 23002, password: 'Other00123456789abcdefgh' };
const url = 'mysql://myaas:Secret0123456789abcdefgh@127.0.0.1:23001/shop';

/** A folder in a directory of its own, so that there is something outside of it. */
let root: string;
let folder: WorkspaceFolder;

beforeEach(async () => {
  root = await realpath(await mkdtemp(join(tmpdir(), 'myaas-env-')));
  folder = { path: join(root, 'project') };
  await mkdir(folder.path);
});
afterEach(() => rm(root, { recursive: true }));

async function put(files: Readonly<Record<string, string | Uint8Array>>): Promise<void> {
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder.path, name)), { recursive: true });
    await writeFile(join(folder.path, name), content);
  }
}

const textOf = (name: string) => readFile(join(folder.path, name), 'utf8');

/** Fails when asked. */
const neverAsk = {
  aboutGit: (question: GitQuestion) => Promise.reject(new Error(`asked about ${question.path}`)),
};

function answering(choice: GitChoice | undefined) {
  const questions: GitQuestion[] = [];
  return {
    questions,
    aboutGit: (question: GitQuestion) => {
      questions.push(question);
      return Promise.resolve(choice);
    },
  };
}

const write = (settings: EnvSettings = {}, of = credentials) =>
  writeCredentials(folder, of, settings, neverAsk);
const refused = { code: 'MYAAS_ENV_FILE_REFUSED' };
const notWritten = { code: 'MYAAS_FILE_NOT_WRITTEN' };

const laravelKeys = {
  DB_CONNECTION: 'mysql',
  DB_HOST: '127.0.0.1',
  DB_PORT: '23001',
  DB_DATABASE: 'shop',
  DB_USERNAME: 'myaas',
  DB_PASSWORD: credentials.password,
};
const lines = (values: Readonly<Record<string, string>>) =>
  Object.entries(values)
    .map(([key, value]) => `${key}=${value}\n`)
    .join('');
const composer = (name: string) => JSON.stringify({ require: { php: '>=8', [name]: '*' } });
const npm = (name: string) => JSON.stringify({ dependencies: { [name]: '*' } });

describe('the keys of a new .env', () => {
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

describe('the file', () => {
  it('is an existing .env, also in Symfony', async () => {
    await put({ 'composer.json': composer('symfony/symfony'), '.env': '' });
    assert.equal((await write()).path, join(folder.path, '.env'));
  });

  it('is the one of the setting myaas.env.file', async () => {
    await put({ '.env': 'A=1\n', 'config/.keep': '' });
    await write({ file: 'config/dev.env' });
    assert.match(await textOf('config/dev.env'), /^DB_HOST=/m);
    assert.equal(await textOf('.env'), 'A=1\n');
  });

  for (const file of [
    '../x.env',
    'a/../../x',
    '/etc/x.env',
    'C:\\x.env',
    'C:x.env',
    '\\\\host\\x',
    'a\\..\\..\\x',
  ]) {
    it(`is not ${file}, which may be outside of the folder`, () => assert.rejects(write({ file }), refused));
  }

  it('is never a sample, not even through a link', async () => {
    for (const file of ['.env.example', 'config/.env.dist', '.env.sample', '.env.template']) {
      await assert.rejects(write({ file }), refused, file);
    }
    await put({ '.env.example': 'DB_HOST=\n' });
    await symlink('.env.example', join(folder.path, '.env'));
    await assert.rejects(write(), refused);
    assert.equal(await textOf('.env.example'), 'DB_HOST=\n');
  });

  it('is not outside of the folder by a link to a file or a directory', async () => {
    await writeFile(join(root, 'secrets'), '');
    await symlink('../secrets', join(folder.path, '.env'));
    await assert.rejects(write(), refused);
    await mkdir(join(root, 'elsewhere'));
    await symlink('../elsewhere', join(folder.path, 'config'));
    await assert.rejects(write({ file: 'config/.env' }), refused);
    assert.deepEqual(await readdir(join(root, 'elsewhere')), []);
    assert.equal(await readFile(join(root, 'secrets'), 'utf8'), '');
  });

  it('is not in a folder beside, whose name begins the same', async () => {
    await mkdir(`${folder.path}-2`);
    await writeFile(`${folder.path}-2/env`, '');
    await symlink('../project-2/env', join(folder.path, '.env'));
    await assert.rejects(write(), refused);
  });

  it('is found through links inside of the folder, which stay links', async () => {
    await put({ 'config/real.env': 'A=1\n' });
    await symlink('config/real.env', join(folder.path, '.env'));
    await write();
    assert.ok((await lstat(join(folder.path, '.env'))).isSymbolicLink());
    assert.match(await textOf('config/real.env'), /^A=1\nDB_CONNECTION=mysql\n/);
  });

  it('can be in a folder that is itself behind a link', async () => {
    await symlink('project', join(root, 'link'));
    const written = await writeCredentials({ path: join(root, 'link') }, credentials, {}, neverAsk);
    assert.equal(written.path, join(root, 'link', '.env'));
    assert.match(await textOf('.env'), /^DB_HOST/m);
  });

  it('is readable by its owner only when it is new', async () => {
    await write();
    assert.equal((await stat(join(folder.path, '.env'))).mode & 0o777, 0o600);
    assert.deepEqual(await readdir(folder.path), ['.env']);
  });

  it('keeps its mode and its owner', async () => {
    await put({ '.env': 'A=1\n' });
    await chmod(join(folder.path, '.env'), 0o664);
    // Only root can give a file away, and it runs the tests.
    if (process.getuid?.() === 0) await chown(join(folder.path, '.env'), 1234, 2345);
    const before = await stat(join(folder.path, '.env'));
    await write();
    const after = await stat(join(folder.path, '.env'));
    assert.deepEqual([after.mode, after.uid, after.gid], [before.mode, before.uid, before.gid]);
    assert.notEqual(after.ino, before.ino, 'written in place instead of replaced');
  });

  it('is not touched when it holds all of it', async () => {
    await write();
    const before = await stat(join(folder.path, '.env'));
    assert.equal((await write()).changed, false);
    const after = await stat(join(folder.path, '.env'));
    assert.deepEqual([after.ino, after.mtimeMs], [before.ino, before.mtimeMs]);
  });

  it('is not written when it is read-only, a directory, a broken link, UTF-16 or nowhere', async () => {
    const env = join(folder.path, '.env');
    await put({ '.env': 'A=1\n' });
    await chmod(env, 0o444);
    await assert.rejects(write(), { ...notWritten, message: /read-only/ });
    assert.equal(await textOf('.env'), 'A=1\n');
    await put({ 'wide.env': Buffer.from('\ufeffA=1\r\n', 'utf16le') });
    await assert.rejects(write({ file: 'wide.env' }), { ...notWritten, message: /UTF-16/ });
    await rm(env);
    await mkdir(env);
    await assert.rejects(write(), { ...notWritten, message: /regular file/ });
    await rm(env, { recursive: true });
    await symlink('nowhere', env);
    await assert.rejects(write(), { ...notWritten, message: /leads nowhere/ });
    await rm(env);
    await assert.rejects(write({ file: 'no/such/.env' }), { ...notWritten, message: /directory/ });
    await assert.rejects(write({ file: `${'x'.repeat(300)}.env` }), notWritten);
  });

  it('keeps bytes that are not UTF-8', async () => {
    await put({ '.env': Buffer.from('NAME=caf\xe9\n', 'latin1') });
    await write();
    const bytes = await readFile(join(folder.path, '.env'));
    assert.ok(bytes.toString('latin1').startsWith('NAME=caf\xe9\nDB_CONNECTION=mysql\n'));
    assert.ok(decodeText(bytes).startsWith('NAME=caf\udce9\n'));
  });

  it('is not written when readers would disagree about it', async () => {
    const text = 'A="not closed\nDATABASE_URL=old\nB="x"\n';
    await put({ '.env': text });
    await assert.rejects(write(), { code: 'MYAAS_ENV_AMBIGUOUS' });
    assert.equal(await textOf('.env'), text);
  });

  it('is changed in its editor when that has it unsaved', async () => {
    await put({ '.env': 'A=1\n' });
    let text = 'A=2 # unsaved\n';
    const open: WorkspaceFolder = {
      ...folder,
      documentAt: (path) =>
        path !== join(folder.path, '.env')
          ? undefined
          : {
              text,
              replace: (now) => {
                text = now;
                return Promise.resolve();
              },
            },
    };
    assert.ok((await writeCredentials(open, credentials, {}, neverAsk)).changed);
    assert.equal(text, `A=2 # unsaved\n${lines({ ...laravelKeys, DATABASE_URL: url })}`);
    assert.equal(await textOf('.env'), 'A=1\n');
    assert.equal(await instanceOf(open, {}, [credentials]), credentials);
    await removeCredentials(open, credentials, {});
    assert.equal(text, 'A=2 # unsaved\n');
  });
});

describe('credentials and git', () => {
  const git = (...args: string[]) =>
    promisify(execFile)('git', ['-c', 'user.name=t', '-c', 'user.email=t@t', ...args], { cwd: folder.path });
  const status = async () => (await git('status', '--porcelain', '--untracked-files=all')).stdout;

  beforeEach(() => git('init', '--quiet'));

  it('need no question when the file is ignored', async () => {
    await put({ '.gitignore': '.env*\n' });
    await write();
    assert.equal(await status(), '?? .gitignore\n');
  });

  it('are kept out by a line in .gitignore, every other byte of which stays', async () => {
    await put({ '.gitignore': 'node_modules\r\n*.log' });
    const ask = answering('ignore');
    await writeCredentials(folder, credentials, {}, ask);
    assert.deepEqual(ask.questions, [
      { path: join(folder.path, '.env'), state: 'unignored', choices: ['ignore', 'local', 'anyway'] },
    ]);
    assert.equal(await textOf('.gitignore'), 'node_modules\r\n*.log\r\n/.env\r\n');
    assert.equal(await status(), '?? .gitignore\n');
    await write({}, other);
  });

  it('are kept out by a new .gitignore that others can read, whatever the name of the file', async () => {
    await put({ 'a [b]/x1.env': '' });
    await git('add', '.');
    await git('commit', '--quiet', '--message=x');
    const ask = answering('ignore');
    await writeCredentials(folder, credentials, { file: 'a [b]/x*.env' }, ask);
    assert.equal(ask.questions[0]?.state, 'unignored');
    assert.equal(await textOf('.gitignore'), '/a \\[b]/x\\*.env\n');
    assert.equal(await status(), '?? .gitignore\n');
    assert.equal((await stat(join(folder.path, '.gitignore'))).mode & 0o777, 0o644);
  });

  it('are kept out of a tracked file by .env.local, which is ignored then, and not asked about again', async () => {
    await put({ '.env': 'DATABASE_URL=mysql://x\nA=1\n' });
    await git('add', '.env');
    await git('commit', '--quiet', '--message=x');
    const ask = answering('local');
    const { path } = await writeCredentials(folder, credentials, {}, ask);
    assert.deepEqual(ask.questions, [
      { path: join(folder.path, '.env'), state: 'tracked', choices: ['local', 'anyway'] },
    ]);
    assert.equal(path, join(folder.path, '.env.local'));
    assert.equal(await textOf('.env.local'), `DATABASE_URL=${url}\n`);
    assert.equal(await status(), '?? .gitignore\n');
    assert.equal((await write({}, other)).path, path);
    assert.equal(await instanceOf(folder, {}, [credentials, other]), other);
  });

  it('are written all the same when the user says so', async () => {
    const ask = answering('anyway');
    await writeCredentials(folder, credentials, {}, ask);
    assert.equal(await status(), '?? .env\n');
  });

  it('are written nowhere when the user goes away', async () => {
    assert.deepEqual(await writeCredentials(folder, credentials, {}, answering(undefined)), {
      path: undefined,
      keys: [],
      changed: false,
    });
    assert.equal(await status(), '');
  });

  it('are not asked about again when the file holds them', async () => {
    await writeCredentials(folder, credentials, {}, answering('anyway'));
    assert.equal((await write()).changed, false);
  });

  it('offer no .env.local where that is the file, is tracked, or leads out of the folder', async () => {
    await put({ '.env.local': 'A=1\n' });
    const about = async (settings: EnvSettings) => {
      const ask = answering(undefined);
      await writeCredentials(folder, credentials, settings, ask);
      return ask.questions.map(({ choices }) => choices);
    };
    assert.deepEqual(await about({ file: '.env.local' }), [['ignore', 'anyway']]);
    await git('add', '.env.local');
    assert.deepEqual(await about({}), [['ignore', 'anyway']]);
    await git('rm', '--quiet', '--force', '.env.local');
    await symlink('/etc/passwd', join(folder.path, '.env.local'));
    assert.deepEqual(await about({}), [['ignore', 'anyway']]);
  });

  it('are asked about where git refuses to tell, too', async () => {
    await writeFile(join(folder.path, '.git', 'config'), 'not a configuration');
    const ask = answering(undefined);
    await writeCredentials(folder, credentials, {}, ask);
    assert.deepEqual(
      ask.questions.map(({ state }) => state),
      ['unignored'],
    );
  });

  it('start no program that the repository names', async () => {
    await git('config', 'core.fsmonitor', `touch ${join(root, 'ran')}; false`);
    await put({ '.gitignore': '.env\n' });
    await write();
    assert.deepEqual(await readdir(root), ['project']);
  });

  it('are looked at where the file is, behind links', async () => {
    await put({ '.gitignore': '/secret/\n', 'secret/env': '' });
    await symlink('secret/env', join(folder.path, '.env'));
    await write();
    assert.match(await textOf('secret/env'), /^DB_HOST/m);
  });
});

describe('removing credentials', () => {
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

describe('an instance of PostgreSQL', () => {
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
