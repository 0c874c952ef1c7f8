/** Real VS Code for one test or more: its server on a port of its own, with a home, a profile and extensions of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { execa } from 'execa';
import { testDirectory } from './machine.ts';

const startTimeoutMs = 120_000;

export interface VscodeServer extends AsyncDisposable {
  /** `host:port`, as it stands in addresses of this VS Code. */
  readonly authority: string;
  /** The home directory of whoever uses this VS Code. */
  readonly home: string;
  /** Where folders to be opened are made. */
  readonly workspaces: string;
  /** Where VS Code keeps settings and what it knows of its user. */
  readonly userData: string;
  /** What the server's processes wrote. */
  readonly log: string;
  stop(): Promise<void>;
}

export interface VscodeOptions {
  /** The script that is VS Code's server. */
  readonly serverMain: string;
  /** Packaged extensions, installed before the start as a user does it. */
  readonly vsix?: readonly string[];
  /** User settings, besides those that keep VS Code quiet. */
  readonly settings?: Readonly<Record<string, unknown>>;
  /** Environment of the extension host. */
  readonly env?: Readonly<Record<string, string>>;
  /**
   * Lets the address of a window name an extension under development and its tests. VS Code then shows no
   * notifications and refuses dialogs.
   */
  readonly forDevelopment?: boolean;
  /** Folders are not trusted until somebody says so. */
  readonly untrusting?: boolean;
  /** Files are closed to it as they are to a person, even when it runs as root. */
  readonly unprivileged?: boolean;
}

/** Nothing that asks, greets, moves, updates or calls home. */
const quietSettings = {
  'chat.disableAIFeatures': true,
  'editor.cursorBlinking': 'solid',
  // "off", not false: VS Code rewrites the latter in the file, while tests run.
  'extensions.autoUpdate': 'off',
  'extensions.autoCheckUpdates': false,
  'extensions.ignoreRecommendations': true,
  'git.autofetch': false,
  'remote.autoForwardPorts': false,
  'security.workspace.trust.startupPrompt': 'never',
  'telemetry.telemetryLevel': 'off',
  // Text in the page, not pixels.
  'terminal.integrated.gpuAcceleration': 'off',
  'workbench.enableExperiments': false,
  'workbench.reduceMotion': 'on',
  'workbench.secondarySideBar.defaultVisibility': 'hidden',
  'workbench.startupEditor': 'none',
  'workbench.tips.enabled': false,
  'workbench.welcomePage.walkthroughs.openOnInstall': false,
};

/** Root opens every file by these capabilities; setpriv(1). */
const withoutOverride = ['setpriv', '--bounding-set', '-dac_override,-dac_read_search'];

export async function startVscode(options: VscodeOptions): Promise<VscodeServer> {
  const {
    serverMain,
    vsix = [],
    settings = {},
    forDevelopment = false,
    untrusting = false,
    unprivileged = false,
  } = options;
  await using undo = new AsyncDisposableStack();
  // Short: sockets are made below it.
  const directory = await mkdtemp(join(testDirectory(), 'vs-'));
  undo.defer(() => rm(directory, { recursive: true, force: true, maxRetries: 5 }));
  const inside = {
    home: join(directory, 'home'),
    temporary: join(directory, 't'),
    workspaces: join(directory, 'w'),
    userData: join(directory, 'u'),
    serverData: join(directory, 's'),
    extensions: join(directory, 'e'),
  };
  for (const path of [...Object.values(inside), join(inside.userData, 'User')])
    await mkdir(path, { recursive: true });
  const settingsFile = join(inside.userData, 'User/settings.json');
  await writeFile(settingsFile, JSON.stringify({ ...quietSettings, ...settings }, null, 2));
  const directories = [
    ...['--user-data-dir', inside.userData, '--server-data-dir', inside.serverData],
    ...['--extensions-dir', inside.extensions, '--accept-server-license-terms'],
  ];
  const env = environment(inside.home, inside.temporary, options.env ?? {});
  for (const file of vsix) {
    await execa(process.execPath, [serverMain, ...directories, '--install-extension', file, '--force'], {
      env,
      extendEnv: false,
    });
  }

  const [program, ...before] = [...(unprivileged ? withoutOverride : []), process.execPath];
  const child = spawn(
    program,
    [
      ...before,
      ...[serverMain, ...directories, '--host', '127.0.0.1', '--port', '0', '--without-connection-token'],
      ...['--disable-telemetry', '--disable-experiments', '--disable-getting-started-override'],
      ...(untrusting ? [] : ['--disable-workspace-trust']),
      // Without it a built VS Code ignores what a window's address says of development.
      ...(forDevelopment ? ['--enable-smoke-test-driver'] : []),
    ],
    // A process group of its own: the extension host and others outlive their parent.
    { env, stdio: ['ignore', 'pipe', 'pipe'], detached: true },
  );
  undo.defer(() => endGroup(child));
  const lines: string[] = [];
  const authority = await listening(child, lines);
  const undoLater = undo.move();
  const stop = () => undoLater.disposeAsync();
  return {
    authority,
    home: inside.home,
    workspaces: inside.workspaces,
    userData: inside.userData,
    get log() {
      return lines.join('\n');
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

/** Little is handed down: what marks the tests' processes, and what programs need. */
function environment(
  home: string,
  temporary: string,
  more: Readonly<Record<string, string>>,
): NodeJS.ProcessEnv {
  const inherited = Object.entries(process.env).filter(
    ([name]) => name === 'PATH' || name === 'LANG' || name.startsWith('MYAAS_TEST_'),
  );
  return {
    ...Object.fromEntries(inherited),
    HOME: home,
    TMPDIR: temporary,
    SHELL: '/bin/sh',
    // No marketplace to ask.
    EXTENSIONS_GALLERY: '{}',
    // The machine may have a MyAAS of its own.
    MYAAS_ENV_FILE: '/dev/null',
    ...more,
  };
}

async function listening(child: ChildProcess, lines: string[]): Promise<string> {
  const timeout = AbortSignal.timeout(startTimeoutMs);
  return new Promise((resolve, reject) => {
    const fail = (why: string) => reject(new Error(`VS Code's server ${why}:\n${lines.join('\n')}`));
    for (const stream of [child.stdout, child.stderr]) {
      if (!stream) continue;
      createInterface({ input: stream }).on('line', (line) => {
        lines.push(line);
        const authority = /Server bound to (127\.0\.0\.1:\d+)/.exec(line)?.[1];
        if (authority !== undefined) resolve(authority);
      });
    }
    child.once('exit', (code) => fail(`ended (${String(code)})`));
    child.once('error', (error) => fail(`did not start, ${error.message}`));
    timeout.addEventListener('abort', () => fail('was not ready in time'), { once: true });
  });
}

async function endGroup(child: ChildProcess): Promise<void> {
  const { pid } = child;
  if (pid === undefined) return;
  if (child.exitCode === null && child.signalCode === null) {
    const ended = once(child, 'exit');
    signalGroup(pid, 'SIGTERM');
    await ended;
  }
  signalGroup(pid, 'SIGKILL');
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch {
    // ESRCH: the group is empty, which is what was wanted.
  }
}
