/** All that a test in a window of VS Code needs: a daemon with templates, the packaged extension, a browser. */
import { watch } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Browser } from 'playwright-core';
import manifest from '../../package.json' with { type: 'json' };
import { hasErrno } from '../../daemon/errors/error.ts';
import { startHost, type TestHost } from './daemon.ts';
import { blogDump, shopDump } from './dumps.ts';
import { testVscode } from './machine.ts';
import { Relay } from './relay.ts';
import { startVscode, type VscodeOptions, type VscodeServer } from './vscode-server.ts';
import { openChromium } from './chromium.ts';
import { patienceMs, VscodeWindow } from './vscode-window.ts';

/** What `npm run package` makes. */
export const vsix = `dist/${manifest.name}-${manifest.version}.vsix`;

export interface Stage extends AsyncDisposable {
  /** The daemon, with the templates `shop` and `blog`. */
  readonly host: TestHost;
  /** Stands between extension and daemon. */
  readonly relay: Relay;
  /** Stands between daemon and Docker Engine. */
  readonly docker: Relay;
  readonly browser: Browser;
  /** A VS Code with the extension, and with a login, as `myaas login` leaves it: alice's, when nothing else is said. */
  startVscode(options?: StageOptions): Promise<VscodeServer>;
}

export interface StageOptions extends Omit<VscodeOptions, 'serverMain' | 'vsix'> {
  /** Null: nobody has logged in. */
  readonly login?: { readonly url?: string; readonly token?: string } | null;
}

export async function openStage(start = hostWithTemplates): Promise<Stage> {
  const { chromium } = testVscode();
  await using undo = new AsyncDisposableStack();
  const docker = undo.use(await Relay.start({ target: dockerHost() }));
  const host = undo.use(await start({ MYAAS_DOCKER_HOST: docker.url.replace('http:', 'tcp:') }));
  const relay = undo.use(await Relay.start({ target: host.url }));
  const browser = undo.use(await openChromium(chromium));
  const undoLater = undo.move();
  return {
    host,
    relay,
    docker,
    browser,
    async startVscode({ login = {}, ...options } = {}) {
      const { serverMain } = testVscode();
      const server = await startVscode({ serverMain, vsix: [vsix], ...options });
      if (login) {
        const { url = relay.url, token = host.userToken('alice') } = login;
        await logIn(server.home, { url, token });
      }
      return server;
    },
    [Symbol.asyncDispose]: () => undoLater.disposeAsync(),
  };
}

async function hostWithTemplates(settings: NodeJS.ProcessEnv): Promise<TestHost> {
  const host = await startHost(settings);
  await host.importDump('shop', shopDump);
  await host.importDump('blog', blogDump);
  return host;
}

function dockerHost(): string {
  return (process.env['MYAAS_DOCKER_HOST'] ?? 'unix:///var/run/docker.sock').replace(/^tcp:/, 'http:');
}

/** Leaves what `myaas login` leaves. */
export async function logIn(home: string, login: { url: string; token: string }): Promise<void> {
  const file = join(home, '.config/myaas/config.json');
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, JSON.stringify(login), { mode: 0o600 });
}

/** A folder to be opened, with these files in it. */
export async function makeFolder(
  server: VscodeServer,
  name: string,
  files: Readonly<Record<string, string>> = {},
): Promise<string> {
  const folder = join(server.workspaces, name);
  await mkdir(folder, { recursive: true });
  for (const [file, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, file)), { recursive: true });
    await writeFile(join(folder, file), content);
  }
  return folder;
}

/** A folder in a window of a VS Code of its own; both end together. */
export async function openFolder(
  stage: Stage,
  name: string,
  { files, ...options }: StageOptions & { files?: Readonly<Record<string, string>> } = {},
) {
  await using undo = new AsyncDisposableStack();
  const server = undo.use(await stage.startVscode(options));
  const folder = await makeFolder(server, name, files);
  const window = undo.use(await VscodeWindow.open(stage.browser, server, { open: folder }));
  const undoLater = undo.move();
  return { server, folder, window, [Symbol.asyncDispose]: () => undoLater.disposeAsync() };
}

/** Resolves to a file's text as soon as it is there and `matches`. */
export async function untilFile(file: string, matches: (text: string) => boolean): Promise<string> {
  let text: string | undefined;
  return new Promise((resolve, reject) => {
    const settle = (end: () => void) => {
      clearTimeout(timer);
      watcher.close();
      end();
    };
    const check = () => {
      readFile(file, 'utf8').then(
        (read) => {
          text = read;
          if (matches(read)) settle(() => resolve(read));
        },
        (error: unknown) => {
          if (hasErrno(error, 'ENOENT')) return;
          settle(() => reject(error instanceof Error ? error : new Error(String(error))));
        },
      );
    };
    const watcher = watch(dirname(file), (_event, name) => {
      if (name === null || name === basename(file)) check();
    });
    const timer = setTimeout(() => {
      settle(() => reject(new Error(`${file} is still ${text === undefined ? 'not there' : `\n${text}`}`)));
    }, patienceMs);
    check();
  });
}

/** Listens from now on, and tells when an instance has been reset. */
export async function listenForReset(host: TestHost): Promise<{ readonly done: Promise<unknown> }> {
  const events = await host.watch();
  let isResetting = false;
  const done = events.until((event) => {
    if (event.type !== 'instance') return false;
    isResetting ||= event.instance.state === 'resetting';
    return isResetting && event.instance.state === 'ready';
  });
  return { done };
}
