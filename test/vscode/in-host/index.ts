/** The suite that VS Code runs inside its extension host, on a desktop and headless alike: it calls `run`. */
import { renameSync, writeFileSync } from 'node:fs';
import Mocha from 'mocha';
import { readFacts, type SuiteTest } from './facts.ts';

const timeoutMs = 120_000;

export async function run(): Promise<void> {
  const { report } = readFacts();
  const mocha = new Mocha({ ui: 'bdd', timeout: timeoutMs, reporter: 'min', forbidOnly: true });
  mocha.suite.emit('pre-require', globalThis, 'in-host', mocha);
  // In this order: what is true before anybody asks for anything can be seen only once.
  await import('./activation.ts');
  await import('./manifest.ts');
  await import('./settings.ts');
  await import('./task.ts');

  const tests: SuiteTest[] = [];
  // Written anew after each test, in one step: when VS Code dies, it is known where.
  const write = (done: boolean) => {
    writeFileSync(`${report}.new`, JSON.stringify({ done, tests }));
    renameSync(`${report}.new`, report);
  };
  const note = (test: Mocha.Runnable, error?: Error) => {
    const ms = test.duration ?? 0;
    tests.push({ title: test.fullTitle(), ms, ...(error && { error: error.stack ?? error.message }) });
    write(false);
  };
  const failures = await new Promise<number>((resolve) => {
    mocha
      .run(resolve)
      .on('pass', (test) => note(test))
      .on('fail', (test: Mocha.Runnable, error: Error) => note(test, error))
      .on('pending', (test: Mocha.Runnable) => note(test, new Error('It was skipped.')));
  });
  write(true);
  if (failures > 0) throw new Error(`${failures} of ${tests.length} tests failed.`);
}
