/**
 * `npm run quickstart`: the whole way of a new user, on a machine that may have nothing yet: set-up, daemon, dumps,
 * a database, a query by its credentials. What the `myaas` program can do is done by that program.
 * With `--stop` it ends what it started; the data stays.
 */
import { constants, copyFile } from 'node:fs/promises';
import { execa, ExecaError } from 'execa';
import { columns } from '../cli/output.ts';
import { type Config, readConfig } from '../config.ts';
import { pathsOf } from '../paths.ts';
import type { Instance } from '../contract/instances.ts';
import { Docker } from '../drivers/docker.ts';
import { hasErrno, messageOf, MyaasError } from '../errors/error.ts';
import { errors } from '../errors/errors.ts';
import { ensureAccess, type Myaas } from './access.ts';
import { prepareMachine } from './machine.ts';
import { failureOf, runProgram } from '../drivers/program.ts';
import { Services } from './services.ts';

const bundle = 'dist/myaas.js';
const samples = ['test_db.sql', 'chinook.sql'];
const example = { template: 'test_db', name: 'quickstart' } as const;

const startedMs = performance.now();
const interrupt = new AbortController();
const { signal } = interrupt;
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(name, () => interrupt.abort(errors.cancelled('The quickstart')));
}

try {
  const args = process.argv.slice(2);
  const unknown = args.find((arg) => arg !== '--stop');
  if (unknown !== undefined) throw errors.usage(`The quickstart knows no ${unknown}.`, 'It knows "--stop".');
  if (process.getuid?.() !== 0) {
    throw errors.hostNotReady(
      'The quickstart sets up the machine, which only root can do.',
      'Run "sudo npm run quickstart".',
    );
  }
  const config = readConfig();
  const services = new Services(config);
  if (args.includes('--stop')) {
    await services.stop(log);
    log('all is stopped');
  } else await start(config, services);
} catch (thrown) {
  const error: unknown = signal.aborted ? signal.reason : thrown;
  console.error(`\n${messageOf(error)}`);
  if (error instanceof MyaasError) console.error(error.hint);
  process.exitCode = 1;
}

async function start(config: Config, services: Services): Promise<void> {
  const docker = new Docker({ host: config.dockerHost, hostId: '', prefix: config.prefix });
  const { dockerdStarted } = await prepareMachine({
    config,
    docker,
    log,
    dockerdLog: services.logFile('dockerd'),
    signal,
  });
  if (dockerdStarted) await services.adoptDocker(dockerdStarted);
  await runProgram(process.execPath, ['esbuild.mjs'], { remedy: 'Is the checkout complete?', signal });
  log(`program: built, ${bundle}`);
  log('host:');
  await show(['init'], process.env);
  await services.start(bundle, log, signal);
  const access = await ensureAccess(config, process.env, myaas);
  log(`access: ${access.done}`);

  for (const sample of samples) await provide(`test/data/${sample}`, `${pathsOf(config).dumps}/${sample}`);
  log(`templates, from the dumps in ${pathsOf(config).dumps}:`);
  await show(['update'], access.env);
  const instance = await exampleInstance(access.env);
  log(`database: ${example.template}/${example.name}, ${madeIn(instance)}`);
  log('select * from test, by its credentials:');
  console.log(await query(instance, 'select * from test'));
  console.log(nextSteps(config, instance));
}

/** Runs `myaas` and returns what it prints. */
async function run(...[args, { env, input = '' }]: Parameters<Myaas>): Promise<string> {
  const { stdout } = await execa(process.execPath, [bundle, ...args], {
    env,
    extendEnv: false,
    input,
    cancelSignal: signal,
  });
  return stdout;
}

async function myaas(...[args, options]: Parameters<Myaas>): Promise<string> {
  try {
    return await run(args, options);
  } catch (error) {
    throw error instanceof ExecaError
      ? failureOf(`myaas ${args.join(' ')}`, error, 'See the log of "myaas serve".')
      : error;
  }
}

/** Runs `myaas` before the user's eyes. */
async function show(args: readonly string[], env: NodeJS.ProcessEnv): Promise<void> {
  const { exitCode } = await execa(process.execPath, [bundle, ...args], {
    env,
    extendEnv: false,
    stdio: 'inherit',
    reject: false,
    cancelSignal: signal,
  });
  signal.throwIfAborted();
  if (exitCode !== 0)
    throw errors.programFailed(`"myaas ${args.join(' ')}" failed.`, 'Its messages above say why.');
}

/** Copies a sample dump; what the operator has under this name is left alone. */
async function provide(source: string, target: string): Promise<void> {
  try {
    await copyFile(source, target, constants.COPYFILE_EXCL);
  } catch (error) {
    if (!hasErrno(error, 'EEXIST')) throw error;
  }
}

/** The database of an earlier run, or a new one. */
async function exampleInstance(env: NodeJS.ProcessEnv): Promise<Instance> {
  const reference = `${example.template}/${example.name}`;
  const listed = await myaas(['ls', '--all', '--template', example.template, '--json'], { env });
  const { instances } = JSON.parse(listed) as { instances: Instance[] };
  const existing = instances.find(({ name }) => name === example.name);
  if (existing && (existing.state === 'ready' || existing.state === 'asleep')) {
    return JSON.parse(await myaas(['show', reference, '--json'], { env })) as Instance;
  }
  if (existing) await myaas(['rm', reference, '--force'], { env });
  return JSON.parse(await myaas(['new', example.template, example.name, '--json'], { env })) as Instance;
}

function madeIn({ createMs, createdAt }: Instance): string {
  return createMs === null ? `made at ${createdAt}` : `made in ${createMs} ms (at ${createdAt})`;
}

/** Asks as any application would: by TCP, with user and password. The password stays out of the process list. */
function query({ host, port, user, password = '', database }: Instance, statement: string): Promise<string> {
  return runProgram(
    'mariadb',
    [
      `--host=${host}`,
      `--port=${port}`,
      '--protocol=tcp',
      `--user=${user}`,
      '--table',
      '-e',
      statement,
      database,
    ],
    {
      remedy: 'Is "myaas gate" running? See its log.',
      env: { MYSQL_PWD: password },
      signal,
    },
  );
}

function nextSteps(config: Config, instance: Instance): string {
  const reference = `${instance.template}/${instance.name}`;
  const commands = [
    [`npx myaas shell ${reference}`, 'a client in it'],
    [`npx myaas env ${reference} --file .env`, 'its credentials, where your application looks'],
    [`npx myaas reset ${reference}`, 'fresh data, same credentials'],
    ['npx myaas new chinook', 'another database, in the blink of an eye'],
    [`cp shop.sql.gz ${config.baseDir}/dumps; npx myaas update`, 'your own data'],
    ['npm run quickstart -- --stop', 'stop all this; the data stays'],
  ];
  return `
Your database, until ${instance.expiresAt ?? 'you delete it'}:
  host      ${instance.host}
  port      ${instance.port}
  database  ${instance.database}
  user      ${instance.user}
  password  ${instance.password ?? ''}

What next:
${columns(commands)
  .map((line) => `  ${line}`)
  .join('\n')}
`;
}

function log(line: string): void {
  console.log(`${((performance.now() - startedMs) / 1000).toFixed(1).padStart(6)} s  ${line}`);
}
