/** What a suite inside VS Code finds: a daemon with a template, a relay before it, and a folder to be opened. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';
import { environmentOf, readReport, type SuiteReport } from '../vscode/in-host/facts.ts';
import { startHost } from './daemon.ts';
import { shopDump } from './dumps.ts';
import { testDirectory } from './machine.ts';
import { Relay } from './relay.ts';

export interface Scene extends AsyncDisposable {
  /** For the extension host. */
  readonly env: Readonly<Record<string, string>>;
  readonly folder: string;
  /** The built suite, a CommonJS file. */
  readonly suite: string;
  readReport(): Promise<SuiteReport>;
}

const template = 'shop';

export async function setScene(): Promise<Scene> {
  await using undo = new AsyncDisposableStack();
  const directory = await mkdtemp(join(testDirectory(), 'scene-'));
  undo.defer(() => rm(directory, { recursive: true, force: true }));
  const host = undo.use(await startHost());
  await host.importDump(template, shopDump);
  const requestLog = join(directory, 'requests');
  await writeFile(requestLog, '');
  const relay = undo.use(await Relay.start({ target: host.url, requestLog }));

  const folder = join(directory, template);
  await mkdir(join(folder, '.vscode'), { recursive: true });
  const tasks = { version: '2.0.0', tasks: [{ type: 'myaas', template, label: 'database' }] };
  await writeFile(join(folder, '.vscode/tasks.json'), JSON.stringify(tasks));

  const report = join(directory, 'report.json');
  const facts = { url: host.url, adminToken: host.adminToken, template, requestLog, report };
  const suite = await bundleSuite();
  const undoLater = undo.move();
  return {
    env: { ...environmentOf(facts), MYAAS_URL: relay.url, MYAAS_TOKEN: host.userToken('alice') },
    folder,
    suite,
    readReport: () => readReport(report),
    [Symbol.asyncDispose]: () => undoLater.disposeAsync(),
  };
}

/** The extension host loads CommonJS. */
async function bundleSuite(): Promise<string> {
  const outfile = 'dist/test/in-host.cjs';
  await build({
    entryPoints: ['test/vscode/in-host/index.ts'],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node22',
    external: ['vscode', 'mocha'],
    sourcemap: 'inline',
    logLevel: 'warning',
  });
  return outfile;
}

/** Prints it, a line a test, and counts. A suite that did not come to its end has failed. */
export function tell({ done, tests }: SuiteReport) {
  for (const { title, ms, error } of tests) {
    console.log(error === undefined ? `  ✔ ${title} (${ms} ms)` : `  ✘ ${title}\n${error}`);
  }
  if (!done) console.log(`  ✘ VS Code ended before the suite did, after ${tests.length} tests`);
  const failed = tests.filter(({ error }) => error !== undefined).length;
  return { passed: tests.length - failed, failed: failed + (done ? 0 : 1), pending: 0 };
}
