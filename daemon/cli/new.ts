import { randomInt } from 'node:crypto';
import type { CreateInstance, Instance } from '../contract/instances.ts';
import { MyaasError } from '../errors/error.ts';
import type { Api } from './api.ts';
import type { Context } from './command.ts';
import { connect } from './connection.ts';
import { leaseOf, serverOf, titleOf } from './instance.ts';
import { withPhases } from './phases.ts';

export interface CloneOptions {
  readonly ttl?: string;
  readonly version?: string;
  readonly engineVersion?: string;
}

/** `myaas new`: makes an instance. */
export async function create(
  context: Context,
  [template, name]: readonly [string, string?],
  { ttl, version, engineVersion }: CloneOptions,
): Promise<number> {
  const api = await connect(context);
  const wanted = {
    template,
    ...(ttl !== undefined && { ttl }),
    ...(version !== undefined && { version }),
    ...(engineVersion !== undefined && { engineVersion }),
  };
  const make = () =>
    name === undefined ? createNamed(api, wanted, madeUpName) : api.createInstance({ ...wanted, name });
  const { output } = context;
  const isOurs = (each: Instance) => each.template === template && (name ?? each.name) === each.name;
  const takesLong = engineVersion !== undefined && !context.json;
  const instance = takesLong ? await withPhases(context, api, isOurs, make) : await make();
  if (context.json) {
    output.json(instance);
    return 0;
  }
  const title = titleOf(instance);
  output.line(title);
  const made = instance.createMs === null ? 'is ready' : `was ready in ${instance.createMs} ms`;
  output.note(`It ${made} at ${instance.host}:${instance.port}; it expires: ${leaseOf(instance)}.`);
  if (instance.upgradedFrom !== undefined) output.note(`Its server: ${serverOf(instance)}.`);
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
