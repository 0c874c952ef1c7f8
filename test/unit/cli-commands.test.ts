import assert from 'node:assert/strict';
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';

const main = join(import.meta.dirname, '../../daemon/main.ts');

describe('the myaas command', () => {
  let home: string;

  before(async () => {
    home = await mkdtemp(join(tmpdir(), 'myaas-'));
  });
  after(() => rm(home, { recursive: true }));

  // No daemon is here, and none of the machine's may be found.
  const myaasWith = (env: NodeJS.ProcessEnv, ...args: string[]) =>
    execa(process.execPath, [main, ...args], {
      reject: false,
      extendEnv: false,
      env: {
        PATH: process.env['PATH'],
        HOME: home,
        MYAAS_RUN_DIR: join(home, 'run'),
        MYAAS_BASE_DIR: join(home, 'base'),
        ...env,
      },
    });
  const myaas = (...args: string[]) => myaasWith({}, ...args);

  const names = async (...group: string[]) =>
    (await myaas('__complete', ...group, '')).stdout.split('\n').map((line) => line.split('\t')[0] ?? '');

  it('has every command that is promised', async () => {
    const promised =
      'install uninstall up init doctor serve gate update user audit login status templates volumes ls new show rm reset sleep wake extend env url shell logs run completion';
    assert.deepEqual((await names()).toSorted(), promised.split(' ').toSorted());
    assert.deepEqual((await names('user')).toSorted(), ['add', 'list', 'revoke', 'set', 'token']);
  });

  it('gives each of them a help text with examples', async () => {
    const commands = (await names()).filter((name) => name !== 'user').map((name) => [name]);
    for (const name of await names('user')) commands.push(['user', name]);
    for (const command of commands) {
      const { stdout, exitCode } = await myaas(...command, '--help');
      assert.equal(exitCode, 0);
      assert.match(stdout, new RegExp(`Examples:\n  \\$ .*myaas.*${command.join(' ')}`, 's'));
    }
  });

  for (const args of [
    ['lss'],
    ['new'],
    ['ls', 'surplus'],
    ['rm'],
    ['ls', '--nonsense'],
    ['user'],
    ['run', 'true'],
    [],
  ]) {
    it(`exits with 2 for the mistake in "myaas ${args.join(' ')}" and says what it is`, async () => {
      const { exitCode, stdout, stderr } = await myaas(...args);
      assert.equal(exitCode, 2);
      assert.equal(stdout, '');
      assert.match(stderr, /^(myaas: |Usage: )/);
    });
  }

  it('asks for one of two options that exclude each other', async () => {
    assert.equal((await myaas('extend', 'x', '--protect', '--unprotect')).exitCode, 2);
    assert.equal((await myaas('env', 'x', '--file', '.env', '--format', 'json')).exitCode, 2);
    assert.equal((await myaas('env', 'x', '--format', 'xml')).exitCode, 2);
    assert.equal((await myaas('completion', 'tcsh')).exitCode, 2);
  });

  it('exits with 1 without a daemon and says what to do, as JSON when asked to', async () => {
    const { exitCode, stderr } = await myaas('ls', '--json');
    assert.equal(exitCode, 1);
    const { error } = JSON.parse(stderr) as { error: { code: string; hint: string } };
    assert.match(error.code, /^MYAAS_(DAEMON_UNREACHABLE|NOT_LOGGED_IN)$/);
    assert.notEqual(error.hint, '');
  });

  it("loads none of the daemon's libraries for a client command", async () => {
    const coverage = join(home, 'coverage');
    await myaasWith({ NODE_V8_COVERAGE: coverage }, 'ls');
    const [report = ''] = await readdir(coverage);
    const { result } = JSON.parse(await readFile(join(coverage, report), 'utf8')) as {
      result: { url: string }[];
    };
    const packages = result.map(({ url }) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.[1]);
    assert.ok(result.some(({ url }) => url.endsWith('/cli/ls.ts')));
    assert.deepEqual([...new Set(packages)].filter(Boolean), ['commander']);
  });

  it('never takes a token as an argument', async () => {
    assert.equal((await myaas('login', 'http://127.0.0.1:1', 'myaas_token')).exitCode, 2);
    assert.equal((await myaas('login', '--token', 'myaas_token')).exitCode, 2);
  });

  it('needs "myaas init" before it knows users', async function () {
    if (process.getuid?.() !== 0) this.skip();
    const { exitCode, stderr } = await myaas('user', 'list');
    assert.equal(exitCode, 1);
    assert.match(stderr, /myaas init/);
  });
});

describe('shell completion', () => {
  const script = `
    PATH=${join(import.meta.dirname, '../../node_modules/.bin')}:$PATH
    myaas() { '${process.execPath}' '${main}' "$@"; }
    source <(myaas completion bash)
    complete -p myaas >/dev/null
    for line in "$@"; do
      read -ra COMP_WORDS <<< "$line"
      [[ $line == *' ' ]] && COMP_WORDS+=('')
      COMP_CWORD=$((\${#COMP_WORDS[@]} - 1))
      _myaas
      echo "\${COMPREPLY[*]}"
    done`;

  const complete = async (...lines: string[]) => {
    const env = { MYAAS_URL: 'unix:/nowhere.sock', MYAAS_TOKEN: 'none' };
    return (await execa('bash', ['-c', script, 'bash', ...lines], { env })).stdout.split('\n');
  };

  it('completes commands, options and fixed values in bash', async () => {
    assert.deepEqual(
      await complete(
        'myaas st',
        'myaas user re',
        'myaas new shop --v',
        'myaas env x --format = sh',
        'myaas completion ',
      ),
      ['status', 'revoke', '--version', 'shell', 'bash zsh fish'],
    );
  });

  it('has nothing to say, and says nothing, about names when there is no daemon', async () => {
    assert.deepEqual(await complete('myaas show ', 'myaas new '), ['', '']);
  });

  it('completes zsh\'s and fish\'s "--option=value" as one word', async () => {
    const { stdout } = await execa(process.execPath, [main, '__complete', 'env', 'x', '--format=s']);
    assert.equal(stdout, '--format=shell');
  });

  it('leaves file names and the arguments of other programs to the shell', async () => {
    for (const words of [
      ['env', 'x', '--file', ''],
      ['run', '-t', 'shop', '--', 'npm', ''],
      ['run', '-t', 'shop', 'np'],
    ]) {
      assert.equal((await execa(process.execPath, [main, '__complete', ...words])).stdout, ':files');
    }
  });

  it('speaks the language of each shell', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'myaas-'));
    try {
      for (const shell of ['bash', 'zsh', 'fish']) {
        const script = join(directory, shell);
        await writeFile(script, (await execa(process.execPath, [main, 'completion', shell])).stdout);
        const { exitCode, code } = await execa(shell, ['-n', script], { reject: false });
        // A shell that is not on this machine cannot say.
        if (code !== 'ENOENT') assert.equal(exitCode, 0, shell);
      }
    } finally {
      await rm(directory, { recursive: true });
    }
  });
});
