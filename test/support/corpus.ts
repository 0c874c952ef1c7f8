/** Dumps of every kind that the world writes: by hand, by real tools, and in their exact form by tools of the past. */
import { readFileSync } from 'node:fs';
import type { PlainServer } from './plain.ts';

export interface CorpusDump {
  /** What is special about it. */
  readonly what: string;
  readonly content: string | Uint8Array;
  /** What the plain client is given instead, where it can't load the dump as it is. */
  readonly plainContent?: string;
  /** It has tables in memory. Their rows are gone with the first restart of any server, and a template has been shut down. */
  readonly inMemory?: true;
  /** The plain client is given no database: the dump makes one of the template's name. */
  readonly makesItself?: true;
}

/** By the name of their template. */
export type Corpus = Readonly<Record<string, CorpusDump>>;

const read = (path: string) => readFileSync(new URL(`../data/${path}`, import.meta.url), 'utf8');
const handWritten = read('dumps/hand-written.sql');

/** GTID_PURGED is a variable that MariaDB does not have: its client stops there. MyAAS leaves it out, and loads the rest. */
function mysqldump(version: string, what: string): CorpusDump {
  const content = read(`dumps/mysqldump-${version}.sql`);
  return {
    what: `mysqldump ${version}${what}`,
    content,
    plainContent: content.replace(/\nSET @@GLOBAL\.GTID_PURGED=[^;]*;/, ''),
  };
}

const manyTables = Array.from(
  { length: 1000 },
  (_, n) => `create table t${String(n)} (id int primary key) engine=${n % 50 === 0 ? 'InnoDB' : 'MyISAM'};\n`,
).join('');

/** One line of 20 MB. A statement of it is shorter than the 16 MB that servers take by default. */
const longLine =
  'create table long_line (id int, t longtext);' +
  ['a', 'é', '😀', "''", '\\\\']
    .map((text, id) => `insert into long_line values (${String(id)}, '${text.repeat(2_000_000)}');`)
    .join('');

export const writtenDumps: Corpus = {
  mysqldump51: mysqldump('5.1', ', with a DEFINER that is not here'),
  mysqldump56: mysqldump('5.6', ' --databases, with GTID_PURGED'),
  mysqldump57: mysqldump('5.7', ', with NO_AUTO_CREATE_USER'),
  mysqldump80: mysqldump('8.0', ', with GTID_PURGED of many lines and utf8mb4_0900_ai_ci'),
  mysqldump80end: mysqldump('8.0-gtid-at-end', ''),
  phpmyadmin: { what: 'a phpMyAdmin export', content: read('dumps/phpmyadmin.sql') },
  hand: { what: 'a script written by hand, without a semicolon at its end', content: handWritten },
  crlf: {
    what: 'the same with a byte order mark and the line ends of Windows',
    content: `\uFEFF${handWritten.replaceAll('\n', '\r\n')}`,
  },
  itself: {
    what: 'a script that says CREATE DATABASE with the name of its template',
    content: '-- ours\ncreate database itself character set latin1;\nuse itself\ncreate table t (a text);\n',
    makesItself: true,
  },
  quits: {
    what: 'a script that ends itself before its end',
    content: 'create table t (a int);\nquit\nnot sql',
  },
  chinook: { what: 'the Chinook database', content: read('chinook.sql') },
  test_db: { what: 'test_db.sql', content: read('test_db.sql') },
  long: { what: 'a line of 20 MB', content: longLine },
  many: { what: 'a thousand tables', content: manyTables },
};

const programs = ['--routines', '--events', '--triggers'];
const both = ['--databases', 'shop', 'odd-näme 2'];
/** Tables that can be loaded without the header that `--compact` leaves out. */
const plainTables = [
  'shop',
  'german',
  'numbers',
  'bytes',
  'parted',
  'no_key',
  'places',
  'cyrillic',
  'as_csv',
];

/** Options of `mariadb-dump`, by the name of the template that is made of its dump. */
export const optionSets: Readonly<Record<string, readonly string[]>> = {
  tool: [...programs, 'shop'],
  tool_all: [...programs, '--all-databases', '--flush-privileges'],
  tool_databases: [...programs, '--add-drop-database', '--single-transaction', '--hex-blob', ...both],
  tool_rows: [
    '--skip-extended-insert',
    '--complete-insert',
    '--skip-comments',
    '--order-by-primary',
    ...both,
  ],
  tool_latin1: ['--default-character-set=latin1', ...programs, '--skip-tz-utc', '--databases', 'shop'],
  tool_history: ['--dump-history', '--no-autocommit', '--insert-ignore', '--quick', '--databases', 'shop'],
  tool_compact: ['--compact', ...plainTables],
};

export const toolDumpName = (options: readonly string[]): string => `mariadb-dump ${options.join(' ')}`;

/** Dumps that the real `mariadb-dump` writes of a server that holds everything there is. */
export async function toolDumps(server: PlainServer): Promise<Corpus> {
  await server.load(read('dumps/source.sql'));
  const corpus: Record<string, CorpusDump> = {};
  for (const [template, options] of Object.entries(optionSets)) {
    corpus[template] = { what: toolDumpName(options), content: await server.dump(options), inMemory: true };
  }
  await server.dropDatabases();
  return corpus;
}
