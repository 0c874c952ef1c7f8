/**
 * `npm test [-- SUITE… | FILE… [--kills N] [--seed S]]`: prepares the machine, runs the suites (all, when none is named)
 * or single test files, undoes everything, and ends with one line: `N passed, N failed`. Each test file has a process of its own, one after the other. Kills
 * and seed are those of the faults, which otherwise have a number, a limit of time and a seed of their own.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { glob } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import type { Report } from './support/report.ts';
import { installVscode } from './support/vscode-install.ts';
import { openWorkshop } from './support/workshop.ts';

const checks = ['check:types', 'check:lint', 'check:format', 'check:audit'] as const;
const suites = ['check', 'unit', 'integration', 'faults', 'vscode'] as const;
/** Run by their names only: they take as long as half of the rest. */
const onDemand = ['systemd'] as const;
type Suite = (typeof suites)[number] | (typeof onDemand)[number];

/** How many the faults are to be, and which. */
interface Faults {
  readonly kills?: string | undefined;
  readonly seed?: string | undefined;
}

/** Longer than any file's tests take together; a file that hangs must not hang all. */
const fileTimeoutMs = 15 * 60_000;
/** Of the faults, who end by themselves after ten minutes when no number of kills is asked for. */
const faultsTimeoutMs = 25 * 60_000;
const killTimeoutMs = 10_000;
const interruptGraceMs = 5_000;
/** Node ends by itself when nothing is left to do; a test that left something open prevents it. */
const exitGraceMs = 10_000;

const total = { passed: 0, failed: 0 };
/** The only ones to be run of their suites, when files are named. */
const onlyFiles = new Set<string>();
const interrupt = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(signal, () => interrupt.abort(new Error(`interrupted by ${signal}`)));
}

try {
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: { kills: { type: 'string' }, seed: { type: 'string' } },
  });
  const chosen = suitesNamed(positionals);
  if (chosen.includes('check')) await runChecks();
  if (chosen.includes('unit')) await runFiles('unit', {});
  if (chosen.some((suite) => suite !== 'check' && suite !== 'unit')) await runOnMachine(chosen, values);
} catch (error) {
  total.failed++;
  console.error('\n', error);
}
console.log(`${total.passed} passed, ${total.failed} failed`);
process.exitCode = total.failed === 0 && total.passed > 0 ? 0 : 1;

function suitesNamed(positionals: readonly string[]): readonly Suite[] {
  const known = [...suites, ...onDemand];
  const names = positionals.map((name) => {
    const suite = /^test\/(\w+)\/.*\.test\.ts$/.exec(name)?.[1];
    if (suite !== undefined) onlyFiles.add(name);
    return suite ?? name;
  });
  const unknown = names.filter((name) => !known.some((suite) => suite === name));
  if (unknown.length > 0)
    throw new Error(`There is no suite ${unknown.join(', ')}; there are ${known.join(', ')}.`);
  return names.length === 0 ? suites : known.filter((suite) => names.includes(suite));
}

async function runChecks(): Promise<void> {
  for (const check of checks) {
    announce(check);
    count((await run('npm', ['run', '--silent', check], {})).exitCode === 0);
  }
}

/** Suites that use the machine: a file system, Docker, a server image. */
async function runOnMachine(chosen: readonly Suite[], faults: Faults): Promise<void> {
  announce('preparing the machine');
  await using workshop = await openWorkshop((line) => console.log(line), interrupt.signal);
  if (chosen.includes('integration')) await runFiles('integration', workshop.environment);
  if (chosen.includes('faults')) await runFaults(workshop.environment, faults);
  if (chosen.includes('vscode')) await runVscode(workshop.environment);
  if (chosen.includes('systemd')) await runSystemd(workshop.environment);
  announce('leaving nothing behind');
  const leftovers = await workshop.leftovers();
  for (const leftover of leftovers) console.log(`left behind: ${leftover}`);
  count(leftovers.length === 0);
}

/** The bundle as a package, on machines of its own, and as a container. */
async function runSystemd(machine: Readonly<Record<string, string>>): Promise<void> {
  if (await isBuilt()) await runFiles('systemd', machine);
}

async function isBuilt(): Promise<boolean> {
  announce('npm run build');
  const built = (await run('npm', ['run', '--silent', 'build'], {})).exitCode === 0;
  count(built);
  return built;
}

/** The bundle, which starts sooner than the sources, killed again and again. */
async function runFaults(machine: Readonly<Record<string, string>>, { kills, seed }: Faults): Promise<void> {
  if (!(await isBuilt())) return;
  const environment = {
    ...machine,
    ...(kills !== undefined && { MYAAS_FAULTS_KILLS: kills }),
    ...(seed !== undefined && { MYAAS_FAULTS_SEED: seed }),
  };
  await runFiles('faults', environment, Math.max(faultsTimeoutMs, Number(kills ?? 0) * killTimeoutMs));
}

/** The extension as a package in windows of VS Code, and the suite inside VS Code's extension host. */
async function runVscode(machine: Readonly<Record<string, string>>): Promise<void> {
  announce('preparing VS Code');
  const { serverMain, chromium } = await installVscode((line) => console.log(line), interrupt.signal);
  const environment = { ...machine, MYAAS_TEST_VSCODE: serverMain, MYAAS_TEST_CHROMIUM: chromium };
  announce('npm run package:vsix');
  const packed = (await run('npm', ['run', '--silent', 'package:vsix'], {})).exitCode === 0;
  count(packed);
  if (!packed) return;
  await runFile(['test/vscode/headless.ts'], environment);
  await runFiles('vscode', environment);
}

async function runFiles(
  suite: Suite,
  environment: Readonly<Record<string, string>>,
  timeoutMs = fileTimeoutMs,
): Promise<void> {
  const all = (await Array.fromAsync(glob(`test/${suite}/**/*.test.ts`))).sort();
  for (const file of all.filter((each) => onlyFiles.size === 0 || onlyFiles.has(each))) {
    await runFile(['test/support/report.ts', file], environment, timeoutMs);
  }
}

/** Runs a script that reports, and counts what it reports. */
async function runFile(
  script: readonly string[],
  environment: Readonly<Record<string, string>>,
  timeoutMs = fileTimeoutMs,
): Promise<void> {
  const file = script.at(-1) ?? '';
  announce(file);
  const { report, exitCode } = await run(process.execPath, script, environment, timeoutMs);
  if (report) {
    total.passed += report.passed;
    total.failed += report.failed;
  }
  const defect = defectOf(report, exitCode);
  if (defect !== undefined) {
    console.log(`${file}: ${defect}`);
    count(false);
  }
}

/** What is wrong with a file apart from its tests. */
function defectOf(report: Report | undefined, exitCode: number | null): string | undefined {
  if (!report) return `ended with ${String(exitCode)} before its tests did`;
  if (report.passed + report.failed === 0) return 'ran no test';
  return exitCode === 0 ? undefined : 'had to be killed after its tests: they left something open';
}

/** Runs a program in a process group of its own, none of which is left when this returns. */
async function run(
  program: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
  timeoutMs = fileTimeoutMs,
) {
  interrupt.signal.throwIfAborted();
  const child = spawn(program, args, {
    detached: true,
    stdio: ['ignore', 'inherit', 'inherit', program === process.execPath ? 'ipc' : 'ignore'],
    env: { ...process.env, ...environment },
  });
  let report: Report | undefined;
  let timer = setTimeout(() => endGroup(child, 'SIGKILL'), timeoutMs);
  child.on('message', (message) => {
    report = message as Report;
    clearTimeout(timer);
    timer = setTimeout(() => endGroup(child, 'SIGKILL'), exitGraceMs);
  });
  const onInterrupt = () => {
    endGroup(child, 'SIGTERM');
    setTimeout(() => endGroup(child, 'SIGKILL'), interruptGraceMs).unref();
  };
  interrupt.signal.addEventListener('abort', onInterrupt, { once: true });
  const [exitCode] = (await once(child, 'exit')) as [number | null];
  clearTimeout(timer);
  interrupt.signal.removeEventListener('abort', onInterrupt);
  endGroup(child, 'SIGKILL');
  interrupt.signal.throwIfAborted();
  return { exitCode, report };
}

function endGroup({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch {
    // ESRCH: the group is empty, which is what was wanted.
  }
}

function announce(what: string): void {
  console.log(`\n── ${what} ──`);
}

function count(passed: boolean): void {
  if (passed) total.passed++;
  else total.failed++;
}
