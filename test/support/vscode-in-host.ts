/**
 * Runs the suite in `test/vscode/in-host` headless, and tells its parent process how it went:
 * `node test/support/vscode-in-host.ts`.
 */
import { resolve } from 'node:path';
import { testVscode } from './machine.ts';
import type { Report } from './report.ts';
import { setScene, tell } from './vscode-scene.ts';
import { startVscode } from './vscode-server.ts';
import { openChromium, VscodeWindow } from './vscode-window.ts';

/** Longer than all its tests take together. */
const suiteTimeoutMs = 300_000;

const { serverMain, chromium } = testVscode();
await using scene = await setScene();
await using server = await startVscode({ serverMain, forDevelopment: true, env: scene.env });
await using browser = await openChromium(chromium);
await using window = await VscodeWindow.blank(browser);

// The workbench calls these, as it does in VS Code's own tests. It says 0 even when the extension host is killed:
// what counts is the suite's report.
const log: string[] = [];
const ended = new Promise<void>((resolveEnd) => {
  void window.page.exposeFunction('codeAutomationExit', () => resolveEnd());
  setTimeout(resolveEnd, suiteTimeoutMs).unref();
});
await window.page.exposeFunction('codeAutomationLog', (type: string, args: unknown[]) => {
  log.push(`${type}: ${args.join(' ')}`);
});
const remote = (path: string) => `vscode-remote://${server.authority}${resolve(path)}`;
await window.go(server, {
  open: scene.folder,
  payload: [
    ['extensionDevelopmentPath', remote('.')],
    ['extensionTestsPath', remote(scene.suite)],
  ],
});
await ended;

const suite = await scene.readReport();
if (!suite.done) console.log(log.filter((line) => line.startsWith('error')).join('\n'));
process.send?.(tell(suite) satisfies Report);
