/**
 * `npm run coverage [-- SUITE… | FILE…]`: tests as `npm test` runs them, and how much of the code they ran, by tests, serve, gate and
 * command line alike: Node hands NODE_V8_COVERAGE on to every process that one starts. A process that is killed tells
 * nothing of what it ran.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, rm } from 'node:fs/promises';
import { resolve } from 'node:path';

/** As `.c8rc.json` has it. */
const directory = resolve('.coverage/raw');

async function run(program: string, args: readonly string[], environment: NodeJS.ProcessEnv = {}) {
  const child = spawn(program, args, { stdio: 'inherit', env: { ...process.env, ...environment } });
  const [exitCode] = (await once(child, 'exit')) as [number | null];
  return exitCode ?? 1;
}

// Ctrl-C ends the tests, which tidy up; what was run until then is reported all the same.
process.on('SIGINT', () => undefined);
await rm(directory, { recursive: true, force: true });
await mkdir(directory, { recursive: true });
// The gate, which is not root, tells too.
await chmod(directory, 0o1777);
const tested = await run(process.execPath, ['test/run.ts', ...process.argv.slice(2)], {
  NODE_V8_COVERAGE: directory,
});
const reported = await run('npm', ['run', '--silent', 'coverage:report']);
process.exitCode = Math.max(tested, reported);
