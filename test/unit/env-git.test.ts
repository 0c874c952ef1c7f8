import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readdir, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type EnvSettings, instanceOf, writeCredentials } from '../../extension/env/workspace-env.ts';
import {
  answering,
  credentials,
  eachInAFolder,
  folder,
  other,
  put,
  root,
  textOf,
  url,
  write,
} from './env-folder.ts';

describe('credentials and git', () => {
  eachInAFolder();

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
