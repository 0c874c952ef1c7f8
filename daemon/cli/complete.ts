/** What may stand where the cursor is on a `myaas` command line: the answer to the completion scripts' question. */
import {
  argumentsOf,
  nameOf,
  placeholderOf,
  type Command,
  type Context,
  type LeafCommand,
} from './command.ts';
import { connect } from './connection.ts';
import { optionsOf } from './program.ts';

/** Somebody waits at a prompt: better no names than late ones. */
const patienceMs = 2000;

/** Tells the script that file names belong here, which a shell completes better than we. */
const fileNames = ':files';

type Candidate = readonly [value: string, description?: string];

/** Where the cursor is: at a command's name, or in a command after so many of its arguments. */
type Place =
  | { readonly at: 'command'; readonly commands: readonly Command[] }
  | { readonly at: 'option'; readonly command: LeafCommand }
  | { readonly at: 'value'; readonly placeholder: string | undefined }
  | { readonly at: 'foreign' };

/**
 * The lines for `words` (all after "myaas", the last one being completed): `value` or `value<TAB>description` each,
 * or `:files`. Without a daemon there are no names of templates and instances; that is no error to be told at a prompt.
 */
export async function completions(
  commands: readonly Command[],
  words: readonly string[],
  context: Pick<Context, 'env' | 'signal'>,
): Promise<string[]> {
  const { before, current, prefix } = separate(words);
  const place = placeOf(commands, before, current);
  if (place.at === 'foreign' || (place.at === 'value' && place.placeholder === 'file')) return [fileNames];
  return (await candidatesFor(place, context))
    .filter(([value]) => value.startsWith(current))
    .map(([value, description]) => (description ? `${prefix}${value}\t${description}` : `${prefix}${value}`));
}

/** The words before the cursor and the one at it. bash makes three words of `--template=shop`, other shells one. */
function separate(words: readonly string[]): { before: string[]; current: string; prefix: string } {
  const before = words.slice(0, -1).filter((word, at) => word !== '=' || !words[at - 1]?.startsWith('--'));
  const last = words.at(-1) ?? '';
  if (last === '=') return { before, current: '', prefix: '' };
  const assignment = /^(--[^=]+)=(.*)$/s.exec(last);
  if (!assignment) return { before, current: last, prefix: '' };
  const [, option = '', current = ''] = assignment;
  return { before: [...before, option], current, prefix: `${option}=` };
}

function placeOf(commands: readonly Command[], before: readonly string[], current: string): Place {
  const [name, ...rest] = before;
  if (name === undefined) return { at: 'command', commands };
  if (name === 'help')
    return rest.length === 0 ? { at: 'command', commands } : { at: 'value', placeholder: undefined };
  const command = commands.find((one) => nameOf(one) === name);
  if (!command) return { at: 'value', placeholder: undefined };
  return 'subcommands' in command
    ? placeOf(command.subcommands, rest, current)
    : placeIn(command, rest, current);
}

function placeIn(command: LeafCommand, before: readonly string[], current: string): Place {
  const options = optionsOf(command);
  const placeholders = argumentsOf(command);
  let argumentCount = 0;
  for (let at = 0; at < before.length; at++) {
    const word = before[at] ?? '';
    if (word === '--') {
      if (command.passThrough) return { at: 'foreign' };
    } else if (word.startsWith('-')) {
      const flags = options.find(([flags]) => flags.split(/[ ,]+/).includes(word))?.[0];
      const placeholder = flags === undefined ? undefined : placeholderOf(flags);
      if (placeholder === undefined) continue;
      if (at === before.length - 1) return { at: 'value', placeholder };
      at++;
    } else {
      argumentCount++;
    }
  }
  // The command that "run" runs, and whatever follows it or the instance of "shell".
  if (command.passThrough && (placeholders[argumentCount] ?? '...') !== '<instance>') {
    return argumentCount === 0 && current.startsWith('-') ? { at: 'option', command } : { at: 'foreign' };
  }
  if (current.startsWith('-')) return { at: 'option', command };
  const last = placeholders.at(-1);
  const placeholder = placeholders[argumentCount] ?? (last?.includes('...') ? last : undefined);
  return { at: 'value', placeholder: placeholder === undefined ? undefined : placeholderOf(placeholder) };
}

async function candidatesFor(
  place: Exclude<Place, { at: 'foreign' }>,
  context: Pick<Context, 'env' | 'signal'>,
): Promise<Candidate[]> {
  switch (place.at) {
    case 'command':
      return place.commands.map((command) => [nameOf(command), command.summary]);
    case 'option':
      return [...optionsOf(place.command), ['--help', 'show the help'] as const].flatMap(
        ([flags, description]) =>
          flags
            .split(/[ ,]+/)
            .filter((flag) => flag.startsWith('--'))
            .map((flag): Candidate => [flag, description]),
      );
    case 'value':
      return valuesFor(place.placeholder, context);
  }
}

async function valuesFor(
  placeholder: string | undefined,
  { env, signal }: Pick<Context, 'env' | 'signal'>,
): Promise<Candidate[]> {
  if (placeholder === undefined) return [];
  if (placeholder !== 'template' && placeholder !== 'instance') {
    // <bash|zsh|fish> says itself what it takes; <time> and the like cannot be guessed.
    return placeholder.includes('|') && !placeholder.includes('name')
      ? placeholder.split('|').map((choice) => [choice])
      : [];
  }
  try {
    const api = await connect({ env, signal: AbortSignal.any([signal, AbortSignal.timeout(patienceMs)]) });
    if (placeholder === 'template') return (await api.templates()).map(({ name, engine }) => [name, engine]);
    return (await api.instances()).map(({ template, name, owner, state }) => [
      `${template}/${name}`,
      `${state}, ${owner}`,
    ]);
  } catch {
    return [];
  }
}
