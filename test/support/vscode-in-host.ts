/** Runs the suite of `test/vscode/in-host` inside the extension host of a headless VS Code. */
import { resolve } from 'node:path';
import type { SuiteReport } from '../vscode/in-host/facts.ts';
import { testVscode } from './machine.ts';
import type { Scene } from './vscode-scene.ts';
import { startVscode } from './vscode-server.ts';
import { openChromium } from './chromium.ts';
import { VscodeWindow } from './vscode-window.ts';

/** Longer than all its tests take together. */
const suiteTimeoutMs = 300_000;

export async function runHeadless(scene: Scene): Promise<SuiteReport> {
  const { serverMain, chromium } = testVscode();
  await using server = await startVscode({ serverMain, forDevelopment: true, env: scene.env });
  await using browser = await openChromium(chromium);
  await using window = await VscodeWindow.blank(browser);

  // The workbench calls these, as it does in VS Code's own tests. The exit code is 0 even when the extension host was
  // killed: what counts is the suite's report.
  const errors: string[] = [];
  const ended = Promise.withResolvers<undefined>();
  const timer = setTimeout(() => ended.resolve(undefined), suiteTimeoutMs);
  await window.page.exposeFunction('codeAutomationExit', () => ended.resolve(undefined));
  await window.page.exposeFunction('codeAutomationLog', (type: string, args: unknown[]) => {
    if (type === 'error') errors.push(args.join(' '));
  });
  const remote = (path: string) => `vscode-remote://${server.authority}${resolve(path)}`;
  await window.go(server, {
    open: scene.folder,
    payload: [
      ['extensionDevelopmentPath', remote('.')],
      ['extensionTestsPath', remote(scene.suite)],
    ],
  });
  await ended.promise;
  clearTimeout(timer);
  const report = await scene.readReport();
  if (!report.done) console.log(errors.join('\n'));
  return report;
}
