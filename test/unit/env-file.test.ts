import assert from 'node:assert/strict';
import {
  chmod,
  chown,
  lstat,
  mkdir,
  readFile,
  readdir,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { decodeText } from '../../extension/env/encoding.ts';
import {
  type WorkspaceFolder,
  instanceOf,
  removeCredentials,
  writeCredentials,
} from '../../extension/env/workspace-env.ts';
import {
  composer,
  credentials,
  eachInAFolder,
  folder,
  lines,
  neverAsk,
  notWritten,
  put,
  refused,
  root,
  textOf,
  url,
  write,
  laravelKeys,
} from './env-folder.ts';

describe('the file', () => {
  eachInAFolder();

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
