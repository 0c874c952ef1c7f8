/**
 * `npm run check:audit`: whether the packages that MyAAS depends on come from where they should, may be shipped, run
 * nothing when they are installed, and have no known holes; the last as far as the registry can tell.
 */
import { readFile } from 'node:fs/promises';
import { execa } from 'execa';

/** What package-lock.json says of a package. */
interface Locked {
  readonly link?: boolean;
  readonly dev?: boolean;
  readonly resolved?: string;
  readonly integrity?: string;
  readonly license?: string;
  readonly hasInstallScript?: boolean;
}

/** What npm answers; `vulnerabilities` is there only when the registry has an audit endpoint. */
interface Audit {
  readonly message?: string;
  readonly vulnerabilities?: Readonly<Record<string, { readonly severity: string; readonly range: string }>>;
}

const allowedLicences = new Set([
  'MIT',
  'ISC',
  'Apache-2.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  '0BSD',
  'Unlicense',
]);
/** Without a licence in the lock file; esbuild.mjs leaves them out of what is shipped. */
const notShipped = new Set(['ssh2', 'cpu-features', 'buildcheck']);
/** They would build native code, or fetch a program; all work without, and npm is told to run no scripts. */
const scriptsNotRun = new Set(['ssh2', 'cpu-features', 'esbuild', 'protobufjs', '@vscode/vsce-sign']);
const blockingSeverities = new Set(['high', 'critical']);
const registryTimeoutMs = 30_000;

const { packages } = JSON.parse(await readFile('package-lock.json', 'utf8')) as {
  packages: Readonly<Record<string, Locked>>;
};
const problems = Object.entries(packages).flatMap(([path, locked]) =>
  path === '' ? [] : defectsOf(path.replace(/^.*node_modules\//, ''), locked),
);
problems.push(...(await knownHoles()));
for (const problem of problems) console.error(problem);
process.exitCode = problems.length === 0 ? 0 : 1;

/** What is wrong with a package, by the lock file alone. */
function defectsOf(
  name: string,
  { link, dev, resolved, integrity, license, hasInstallScript }: Locked,
): string[] {
  const defects: string[] = [];
  // .npmrc leaves addresses of the registry out: what has one comes from elsewhere.
  if (resolved !== undefined || link)
    defects.push(`${name} comes from ${resolved ?? 'a link'}, not from the registry.`);
  if (integrity === undefined) defects.push(`${name} has no integrity in package-lock.json.`);
  if (hasInstallScript && !scriptsNotRun.has(name)) defects.push(`${name} has an install script.`);
  if (!dev && !notShipped.has(name) && !allowedLicences.has(license ?? ''))
    defects.push(`${name} is shipped, and its licence is ${license ?? 'not known'}.`);
  return defects;
}

/** Of what is shipped, as npm's registry knows them. A registry that cannot be asked is no defect of ours, and is told. */
async function knownHoles(): Promise<string[]> {
  const { stdout, stderr } = await execa('npm', ['audit', '--omit=dev', '--json', '--fetch-retries=0'], {
    reject: false,
    timeout: registryTimeoutMs,
  });
  const { vulnerabilities, message } = parse(stdout);
  if (!vulnerabilities) {
    console.log(
      `Known holes were not looked up: ${message ?? stderr.trim().split('\n').at(-1) ?? 'no answer'}`,
    );
    return [];
  }
  return Object.entries(vulnerabilities)
    .filter(([, { severity }]) => blockingSeverities.has(severity))
    .map(
      ([name, { severity, range }]) => `${name} ${range} has a known hole (${severity}): see "npm audit".`,
    );
}

function parse(json: string): Audit {
  try {
    return JSON.parse(json) as Audit;
  } catch {
    return {};
  }
}
