/** Values of JSON schemas: right ones, nearly right ones, and such as nobody should ever send. */
import fc, { type Arbitrary } from 'fast-check';

export interface Schema {
  readonly $ref?: string;
  readonly type?: string;
  readonly anyOf?: readonly Schema[];
  readonly enum?: readonly unknown[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
}

/** What a property is called, and what it may be so that something is found by it. */
export type Known = ReadonlyMap<string, readonly unknown[]>;

const traps = [
  '',
  ' ',
  '.',
  '..',
  '../../../../etc/passwd',
  '/etc/shadow',
  '%2e%2e%2f',
  '%00',
  '\0',
  '\n',
  '\u2028',
  '\ud800',
  '\u202e',
  "' or 1=1 -- ",
  '`; drop table instances; --',
  '$(reboot)',
  '--help',
  '__proto__',
  'constructor',
  'toString',
  'null',
  'undefined',
  'NaN',
  '1e309',
  '-1',
  '9007199254740993',
  'never',
  '1h',
  '0.0001s',
  '99999999999999d',
  '2020-01-01T00:00:00Z',
  '+275760-09-13T00:00:00.001Z',
  '😀'.repeat(40),
  'a'.repeat(64),
  'a'.repeat(300),
  'a'.repeat(5000),
] as const;

export const hostileText: Arbitrary<string> = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...traps) },
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.string({ maxLength: 200 }),
);

export const hostileValue: Arbitrary<unknown> = fc.oneof(
  hostileText,
  fc.constantFrom(0, -0, -1, 0.5, 1e308, 2 ** 53, -(2 ** 31), null, true, false),
  fc.constant([]),
  fc.constant({}),
  fc.jsonValue({ maxDepth: 3 }),
);

const numbers = fc.oneof(fc.integer(), fc.double({ noNaN: true, noDefaultInfinity: true }), fc.nat(100_000));

/** Values that fit `schema`; texts are often known ones. `find` follows a reference. */
export function valueOf(
  schema: Schema,
  find: (ref: string) => Schema,
  known: Known,
  name = '',
): Arbitrary<unknown> {
  if (schema.$ref !== undefined) return valueOf(find(schema.$ref), find, known, name);
  const alternatives = schema.anyOf;
  if (alternatives) return fc.oneof(...alternatives.map((each) => valueOf(each, find, known, name)));
  if (schema.enum) return fc.constantFrom(...schema.enum);
  const knownOnes = known.get(name);
  const often = (arbitrary: Arbitrary<unknown>) =>
    knownOnes ? fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...knownOnes) }, arbitrary) : arbitrary;
  switch (schema.type) {
    case 'string':
      return often(hostileText);
    case 'number':
    case 'integer':
      return often(numbers);
    case 'boolean':
      return fc.boolean();
    case 'null':
      return fc.constant(null);
    case 'array':
      return fc.array(valueOf(schema.items ?? {}, find, known, name), { maxLength: 3 });
    case 'object': {
      const properties = Object.entries(schema.properties ?? {}).map(
        ([key, each]) => [key, valueOf(each, find, known, key)] as const,
      );
      return fc.record(Object.fromEntries(properties), { requiredKeys: [...(schema.required ?? [])] });
    }
    case undefined:
    default:
      return hostileValue;
  }
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** A right value with one thing wrong. */
export function nearly(right: Arbitrary<unknown>): Arbitrary<unknown> {
  const mistake = fc.record({
    kind: fc.constantFrom('lack', 'more', 'other'),
    at: fc.nat(),
    junk: hostileValue,
    key: hostileText,
  });
  return fc.tuple(right, mistake).map(([value, { kind, at, junk, key }]) => {
    if (!isObject(value)) return junk;
    const keys = Object.keys(value);
    const chosen = keys[at % Math.max(keys.length, 1)] ?? '';
    if (kind === 'more') return { ...value, [key]: junk };
    if (kind === 'other') return { ...value, [chosen]: junk };
    return Object.fromEntries(Object.entries(value).filter(([each]) => each !== chosen));
  });
}
