import { randomInt } from 'node:crypto';
import type { CreateInstance, Instance } from '../contract/instances.ts';
import { MyaasError } from '../errors/error.ts';
import type { Api } from './api.ts';
import type { Context } from './command.ts';
import { connect } from './connection.ts';
import { leaseOf, titleOf } from './instance.ts';

export interface CloneOptions {
  readonly ttl?: string;
  readonly version?: string;
}

/** `myaas new`: makes an instance. */
export async function create(
  context: Context,
  [template, name]: readonly [string, string?],
  { ttl, version }: CloneOptions,
): Promise<number> {
  const api = await connect(context);
  const wanted = { template, ...(ttl !== undefined && { ttl }), ...(version !== undefined && { version }) };
  const instance =
    name === undefined
      ? await createNamed(api, wanted, madeUpName)
      : await api.createInstance({ ...wanted, name });
  const { output } = context;
  if (context.json) {
    output.json(instance);
    return 0;
  }
  const title = titleOf(instance);
  output.line(title);
  const made = instance.createMs === null ? 'is ready' : `was ready in ${instance.createMs} ms`;
  output.note(`It ${made} at ${instance.host}:${instance.port}; it expires: ${leaseOf(instance)}.`);
  output.note(
    `Its credentials: "myaas env ${title}", or "myaas env ${title} --file .env". A client: "myaas shell ${title}".`,
  );
  return 0;
}

/** Makes an instance with a name of `nameMaker`'s, another one as long as somebody else has it already. */
export async function createNamed(
  api: Api,
  wanted: Omit<CreateInstance, 'name'>,
  nameMaker: () => string,
): Promise<Instance> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await api.createInstance({ ...wanted, name: nameMaker() });
    } catch (error) {
      if (!(error instanceof MyaasError && error.code === 'MYAAS_INSTANCE_EXISTS') || attempt === 5)
        throw error;
    }
  }
}

/** A name that can be said and remembered, such as "boranu": one of about 200,000. */
export function madeUpName(random: (below: number) => number = randomInt): string {
  const consonants = 'bdfgklmnprtvz';
  const vowels = 'aeiou';
  const syllable = () => consonants.charAt(random(consonants.length)) + vowels.charAt(random(vowels.length));
  return syllable() + syllable() + syllable();
}
