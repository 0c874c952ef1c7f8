import type { Instance } from '../contract/instances.ts';
import { hasErrno, messageOf } from '../errors/error.ts';
import { errors } from '../errors/errors.ts';
import { runChild } from './child.ts';
import type { Context } from './command.ts';
import { connect } from './connection.ts';
import { createNamed, madeUpName, type CloneOptions } from './new.ts';
import { deleteInstance } from './rm.ts';
import { variablesOf } from './variables.ts';

interface Options extends CloneOptions {
  readonly template?: string;
}

/** What a shell returns for a command that is not there, and for one that cannot be executed. */
const exitCodes = { notFound: 127, notExecutable: 126 } as const;

/** `myaas run`: a command with an instance of its own. Whatever happens to the command, the instance is removed. */
export async function runWithDatabase(
  context: Context,
  [program, args]: readonly [string, string[]],
  { template, ttl, version }: Options,
): Promise<number> {
  if (template === undefined) {
    throw errors.usage(
      '"myaas run" needs to know what to clone.',
      'Give --template: myaas run --template shop -- npm test',
    );
  }
  const { signal } = context;
  // The request is never given up half-way: only its answer says what there is to remove.
  const api = (await connect(context)).withSignal();
  const instance = await createNamed(
    api,
    { template, ...(ttl !== undefined && { ttl }), ...(version !== undefined && { version }) },
    () => `run-${madeUpName()}`,
  );
  try {
    signal.throwIfAborted();
    return await runWith(context, instance, program, args);
  } finally {
    await deleteInstance(api, instance.id);
  }
}

async function runWith(
  context: Context,
  instance: Instance,
  program: string,
  args: string[],
): Promise<number> {
  try {
    return await runChild(context.interrupts, program, args, {
      env: { ...context.env, ...variablesOf(instance) },
    });
  } catch (error) {
    const missing = hasErrno(error, 'ENOENT');
    const why = missing ? 'there is no such command' : messageOf(error);
    context.output.error(
      errors.programFailed(
        `${JSON.stringify(program)} could not be started: ${why}.`,
        'Give the command after "--".',
        error,
      ),
    );
    return missing ? exitCodes.notFound : exitCodes.notExecutable;
  }
}
