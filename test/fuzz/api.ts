/** The HTTP API against everything that a client can send: never fails, never hangs, answers as its document says. */
import { readdir } from 'node:fs/promises';
import fc from 'fast-check';
import type { Instance } from '../../daemon/contract/instances.ts';
import type { Job } from '../../daemon/contract/templates.ts';
import { messageOf } from '../../daemon/errors/error.ts';
import { errors } from '../../daemon/errors/errors.ts';
import { remains } from '../faults/leaks.ts';
import { freePorts, startHost, type TestHost } from '../support/daemon.ts';
import { Contract, type OpenApi } from '../support/openapi.ts';
import { Judge } from './judge.ts';
import { rawBytes, type RawBytes } from './raw.ts';
import { requestsOf, type FuzzedRequest, type Sender } from './requests.ts';
import { Wire } from './send.ts';
import type { Known } from './values.ts';

export interface Fuzzing {
  readonly requests: number;
  readonly seed: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number) => void;
}

export interface Fuzzed {
  readonly requests: number;
  /** How often each status was answered; `none` where nobody waited for an answer, `raw` where it was no request. */
  readonly statuses: Readonly<Record<string, number>>;
  readonly slowest: { readonly ms: number; readonly sent: string };
  /** In words, each with what was sent. */
  readonly defects: readonly string[];
}

const senders = 12;
const batchSize = 500;
/** Enough of one run; what comes after them has mostly the same cause. */
const mostDefects = 25;
/** So few that what is made ends soon by "no port is free", and does not take the time of the run. */
const ports = 5;
const dump = 'create table t (id int primary key); insert into t values (1);';

/** Any text, list or cause does as an argument. */
const codes = new Set(
  Object.values(errors).map((make) => {
    const argument = ['one', 'two'] as never;
    return make(argument, argument, argument).code;
  }),
);

/** A host for `fuzz`: no pool, since only few requests are to make servers, and a template that may be deleted. */
export async function openTarget(): Promise<TestHost> {
  const firstPort = await freePorts(ports);
  const host = await startHost({
    MYAAS_PORTS: `${String(firstPort)}-${String(firstPort + ports - 1)}`,
    MYAAS_LEGACY_USER: 'legacy',
  });
  for (const template of ['shop', 'spare']) await host.importDump(template, dump);
  return host;
}

/** Sends requests and looks at the answers; then at what is left of it all. Leaves `host` without instances. */
export async function fuzz(host: TestHost, { requests, seed, signal, onProgress }: Fuzzing): Promise<Fuzzed> {
  const { body: document } = await host.api<OpenApi>('GET', '/v1/openapi.json');
  const judge = new Judge(new Contract(document), codes);
  const tokens: Record<Sender, string | undefined> = {
    admin: host.adminToken,
    member: host.userToken('alice'),
    'other member': host.userToken('bob'),
    reader: host.registry.users.issueToken('alice', { role: 'read-only' }),
    scoped: host.registry.users.issueToken('alice', { templates: ['spare'] }),
    stranger: 'nobodys-token',
    nobody: undefined,
  };
  using wire = new Wire({ port: host.config.listen.port, socketPath: host.paths.apiSocket, tokens });
  const kept = await host.create('shop', 'kept', { ttl: 'never' });
  const arbitrary = fc.oneof(
    { weight: 19, arbitrary: requestsOf(document, knownOf(kept)).filter((each) => !isSpared(each)) },
    { weight: 1, arbitrary: rawBytes },
  );
  const statuses: Record<string, number> = {};
  const defects: string[] = [];
  const { pid } = host.serve;
  const before = await descriptorsOf(pid);

  let slowest = { ms: 0, sent: '' };
  const tryOne = async (sent: FuzzedRequest | RawBytes): Promise<void> => {
    const startedMs = performance.now();
    try {
      if ('bytes' in sent) {
        count('raw');
        judge.judgeRaw(await wire.sendRaw(sent));
        return;
      }
      const heard = await wire.send(sent);
      count(heard === undefined ? 'none' : String(heard.status));
      if (heard) judge.judge(sent, heard);
    } catch (error) {
      defects.push(`${describe(sent)}\n  ${messageOf(error)}`);
    }
    const ms = performance.now() - startedMs;
    if (ms > slowest.ms) slowest = { ms, sent: describe(sent) };
  };
  const count = (key: string) => (statuses[key] = (statuses[key] ?? 0) + 1);

  let done = 0;
  const isOver = () => done >= requests || defects.length >= mostDefects || (signal?.aborted ?? false);
  for (let batch = 0; !isOver(); batch++) {
    const numRuns = Math.min(batchSize, requests - done);
    const queue = fc.sample(arbitrary, { numRuns, seed: seed + batch }).values();
    await Promise.all(
      Array.from({ length: senders }, async () => {
        for (const sent of queue) await tryOne(sent);
      }),
    );
    done += numRuns;
    onProgress?.(done);
  }

  if (host.serve.pid !== pid) defects.push('serve did not stay alive.');
  defects.push(...(await aftermath(host, before)));
  return { requests: done, statuses, slowest, defects };
}

const knownOf = (kept: Instance): Known =>
  new Map<string, readonly unknown[]>([
    ['template', ['shop', 'spare', 'none']],
    ['templates', ['spare', 'shop']],
    ['name', ['kept', 'a', 'b', 'c']],
    ['id', [kept.id, 'shop/kept', 'shop/a', 'shop/b', 'spare/a', 'a', 'kept']],
    ['version', ['latest', kept.version, 'none']],
    ['ttl', ['1h', 60, 'never', '7d']],
    ['owner', ['admin', 'alice']],
    ['force', ['1', '0', '']],
    ['all', ['1']],
  ]);

/** What would end the run early, or make it wait for imports: the template that is to stay, and imports of nothing new. */
function isSpared({ as, method, target, body }: FuzzedRequest): boolean {
  if (as !== 'admin') return false;
  if (method === 'DELETE' && target.startsWith('/v1/templates/shop')) return true;
  return target.startsWith('/v1/templates/refresh') && (body?.includes('"force":true') ?? false);
}

/** Text that says all there is to say of a request, shortened. */
function describe(sent: FuzzedRequest | RawBytes): string {
  if ('bytes' in sent)
    return JSON.stringify({ over: sent.over, bytes: sent.bytes.toString('latin1').slice(0, 400) });
  const { body, ...rest } = sent;
  const shown = body?.subarray(0, 200).toString('latin1');
  return JSON.stringify({ ...rest, ...(shown !== undefined && { body: shown, bytes: body?.length }) });
}

const descriptorsOf = async (pid: number): Promise<number> =>
  (await readdir(`/proc/${String(pid)}/fd`)).length;

/** What is wrong once all is over: descriptors that stayed open, secrets in the log, leftovers. */
async function aftermath(host: TestHost, before: number): Promise<string[]> {
  const defects: string[] = [];
  const { body } = await host.api<{ instances: Instance[] }>('GET', '/v1/instances');
  for (const { id } of body.instances) {
    const { status, text } = await host.api('DELETE', `/v1/instances/${id}?force=1`);
    if (status !== 204 && status !== 404) defects.push(`The last delete answered ${String(status)}: ${text}`);
  }
  const job = await host.api<Job>('POST', '/v1/templates/refresh', { body: { templates: ['shop'] } });
  if (job.status !== 202) defects.push(`The last refresh answered ${String(job.status)}: ${job.text}`);
  const after = await descriptorsOf(host.serve.pid);
  if (after > before + senders * 3)
    defects.push(`serve had ${String(before)} descriptors, and has ${String(after)}.`);
  const secrets = [host.adminToken, ...body.instances.flatMap(({ password }) => password ?? [])];
  if (secrets.some((secret) => host.serve.log.includes(secret))) defects.push('A secret is in the log.');
  await host.serve.stop();
  defects.push(...(await remains(host)));
  await host.serve.start();
  return defects;
}
