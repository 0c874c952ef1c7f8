import type { MyaasEvent } from '../contract/contract.ts';
import type { Import, ImportedContents, Job, RefreshTemplates } from '../contract/templates.ts';
import { MyaasError } from '../errors/error.ts';
import { errors } from '../errors/errors.ts';
import type { Api } from './api.ts';
import type { Context } from './command.ts';
import { connect } from './connection.ts';
import { subscribe } from './events.ts';
import type { Output } from './output.ts';
import { progressView, type ProgressView } from './progress.ts';
import { count, duration, size } from './units.ts';

interface Options {
  readonly force?: true;
}

/** `myaas update`: has dumps imported and shows how it goes; fails when one of them fails. */
export async function update(
  context: Context,
  [templates]: readonly [string[]],
  { force }: Options,
): Promise<number> {
  const { output, signal } = context;
  const api = await connect(context);
  const view = progressView(output);
  let job: Job;
  try {
    job = await runJob(api, view, signal, {
      ...(templates.length > 0 && { templates }),
      ...(force && { force }),
    });
  } finally {
    view.end();
  }
  if (context.json) output.json(job);
  else report(output, job);
  signal.throwIfAborted();
  return job.state === 'succeeded' ? 0 : 1;
}

/** Starts an import job and follows it to its end: when the signal aborts, to the end of its cancellation. */
async function runJob(
  api: Api,
  view: ProgressView,
  signal: AbortSignal,
  request: RefreshTemplates,
): Promise<Job> {
  // From here on a Ctrl-C is for the job, not for the requests that tell us of it.
  const steady = api.withSignal();
  const following = new AbortController();
  try {
    // Subscribed before it begins, so that nothing of it is missed.
    const events = await subscribe(api.client, following.signal);
    signal.throwIfAborted();
    const job = await steady.refreshTemplates(request);
    const end = follow(steady, view, events, job, following.signal);
    const cancelled = new Promise<Job>((resolve, reject) => {
      const cancel = (): void => {
        view.note('Cancelling the import …');
        steady.cancelJob(job.id).then(resolve, reject);
      };
      if (signal.aborted) cancel();
      else signal.addEventListener('abort', cancel, { once: true, signal: following.signal });
    });
    return await Promise.race([end, cancelled.then((last) => (last.state === 'running' ? end : last))]);
  } finally {
    following.abort();
  }
}

/** Shows the job until it has ended. When the event stream breaks, as at a restart, it is asked for anew. */
async function follow(
  api: Api,
  view: ProgressView,
  events: AsyncGenerator<MyaasEvent>,
  started: Job,
  signal: AbortSignal,
): Promise<Job> {
  let job = started;
  for (let stream = events; ; stream = await subscribe(api.client, signal)) {
    // What happened before this subscription; at the first time round, nothing.
    if (stream !== events) job = await api.job(job.id);
    view.show(job);
    if (job.state !== 'running') return job;
    let eventCount = 0;
    for await (const event of stream) {
      eventCount++;
      if (event.type !== 'job' || event.job.id !== job.id) continue;
      job = event.job;
      view.show(job);
      if (job.state !== 'running') return job;
    }
    if (eventCount === 0) throw errors.daemonUnreachable(api.client.url, 'its event stream ends at once');
  }
}

function report(output: Output, job: Job): void {
  if (job.imports.length === 0) output.note('There are no dumps to import.');
  for (const one of job.imports) reportImport(output, one);
  if (job.imports.length > 1) output.note(summaryOf(job));
}

/** How many of each outcome there are, such as "2 imported, 5 unchanged in 3 min". */
function summaryOf({ imports, startedAt, finishedAt }: Job): string {
  const outcomes = [...Map.groupBy(imports, ({ state }) => state)].map(
    ([state, those]) => `${count(those.length)} ${state}`,
  );
  const took = finishedAt === null ? undefined : (Date.parse(finishedAt) - Date.parse(startedAt)) / 1000;
  return `${outcomes.join(', ')}${took === undefined ? '' : ` in ${duration(took)}`}`;
}

/** "42 tables, about 1,200,000 rows, 2.3 GB" */
function contentsText({ tables, rows, sizeBytes }: ImportedContents): string {
  return `${count(tables)} ${tables === 1 ? 'table' : 'tables'}, about ${count(rows)} ${rows === 1 ? 'row' : 'rows'}, ${size(sizeBytes)}`;
}

function reportImport(output: Output, { template, state, error, version, contents, seconds }: Import): void {
  switch (state) {
    case 'imported': {
      const time = seconds === null ? '' : ` in ${duration(seconds)}`;
      const what = contents ? `: ${contentsText(contents)}` : '';
      output.line(`${template}: imported${time}${version === null ? '' : `, version ${version}`}${what}`);
      return;
    }
    case 'failed': {
      const { code, message, hint } = error ?? {
        code: 'MYAAS_IMPORT_FAILED',
        message: 'no reason was given',
        hint: '',
      };
      output.error(new MyaasError(code, 500, `${template} was not imported: ${message}`, hint));
      return;
    }
    case 'queued':
    case 'running':
    case 'unchanged':
    case 'cancelled':
      output.line(`${template}: ${state}`);
  }
}
