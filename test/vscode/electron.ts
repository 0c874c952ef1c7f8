/**
 * `npm run test:electron`: the suite of `in-host` in a desktop VS Code, which is downloaded. Needs root, as the daemon
 * does, and a display (`xvfb-run` is one). `npm run test:vscode` runs the same suite without either.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { runTests } from '@vscode/test-electron';
import { messageOf } from '../../daemon/errors/error.ts';
import { runProgram } from '../../daemon/drivers/program.ts';
import { setScene, tell } from '../support/vscode-scene.ts';
import { openWorkshop } from '../support/workshop.ts';

const interrupt = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interrupt.abort());

await using undo = new AsyncDisposableStack();
const workshop = undo.use(await openWorkshop((line) => console.log(line), interrupt.signal));
Object.assign(process.env, workshop.environment);
await runProgram('npm', ['run', '--silent', 'build'], { remedy: 'Mend it first.', signal: interrupt.signal });
const scene = undo.use(await setScene());
// Short: VS Code makes a socket in it.
const profile = await mkdtemp(join(tmpdir(), 'myaas-'));
undo.defer(() => rm(profile, { recursive: true, force: true }));
try {
  await runTests({
    // For those who have one.
    ...(process.env['MYAAS_VSCODE'] !== undefined && { vscodeExecutablePath: process.env['MYAAS_VSCODE'] }),
    extensionDevelopmentPath: resolve('.'),
    extensionTestsPath: resolve(scene.suite),
    extensionTestsEnv: scene.env,
    launchArgs: [
      ...[scene.folder, '--disable-extensions', '--disable-workspace-trust', '--skip-welcome'],
      // VS Code wants both of root.
      ...['--no-sandbox', '--user-data-dir', profile],
    ],
  });
} catch (error) {
  // The report says more, when it came to one.
  console.error(messageOf(error));
}
const { passed, failed } = tell(await scene.readReport());
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 && passed > 0 ? 0 : 1;
