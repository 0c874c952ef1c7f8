/** What dumps of PostgreSQL begin with, the programs that load them, and what those mean by their errors. */
import { messageOf, MyaasError } from '../errors/error.ts';
import { errors } from '../errors/errors.ts';
import type { ArchiveTool, LoadClient, LoadFailure } from './dump-support.ts';
import { archiveStart, MoreNeeded, readArchiveContents } from './postgres-archive.ts';
import { whyTooNew } from './postgres-script.ts';

/** The first file in an archive of the tar format. */
const tarStart = /^toc\.dat\0/;
const tarStartBytes = 8;

export const isArchive = (head: string): boolean => head.startsWith(archiveStart) || tarStart.test(head);

/** Whether a text is of pg_dump or pg_dumpall, or of somebody who writes for psql. */
export const isPostgresText = (head: string): boolean =>
  /^-- PostgreSQL database (?:cluster )?dump/m.test(head) ||
  /^\\(?:un)?restrict \w+$/m.test(head) ||
  /^\\c(?:onnect)? [^\n]+$/m.test(head) ||
  /^COPY [^\n;]+ FROM stdin;$/im.test(head) ||
  /^SET standard_conforming_strings = /m.test(head);

/** ERRCODE_DUPLICATE_DATABASE, and ERRCODE_OBJECT_IN_USE of a DROP DATABASE. */
const databaseIsThere = ['42P04', '55006'];
const excerptLength = 200;

const excerptOf = (statement: string): string =>
  statement.length <= excerptLength ? statement : `${statement.slice(0, excerptLength)}…`;

function textCommand(database: string): readonly string[] {
  const variables = ['ON_ERROR_STOP=1', 'VERBOSITY=verbose', 'SHOW_CONTEXT=never'];
  return [
    'psql',
    '--no-psqlrc',
    '--quiet',
    '--no-password',
    '--echo-errors',
    // Named, so that errors come with their lines.
    '--file=-',
    ...variables.map((variable) => `--set=${variable}`),
    `--dbname=${database}`,
  ];
}

/** Loads text from standard input. */
export const loadClient: LoadClient = {
  command: (database = 'postgres') => textCommand(database),
  parseError: (stderr, exitCode) => parsePsqlError(stderr) ?? parseRestoreError(stderr, exitCode),
};

export const archive: ArchiveTool = {
  recognises: isArchive,
  directoryFile: 'toc.dat',

  describe(head, { file, series }) {
    try {
      const { dumpVersion, roles } = readArchiveContents(head);
      const tooNew = whyTooNew(/^\d+/.exec(dumpVersion)?.[0] ?? '', series);
      if (tooNew) throw errors.dumpBad(file, tooNew.why, tooNew.hint);
      return { roles, isParallel: !tarStart.test(head.toString('latin1', 0, tarStartBytes)) };
    } catch (error) {
      if (error instanceof MoreNeeded) return undefined;
      throw error instanceof MyaasError ? error : errors.dumpBad(file, `${messageOf(error)}.`);
    }
  },

  command: (database, from) => [
    'pg_restore',
    '--exit-on-error',
    '--no-password',
    // Those of another server's disks.
    '--no-tablespaces',
    `--dbname=${database}`,
    ...(from ? [...(from.jobs > 1 ? [`--jobs=${String(from.jobs)}`] : []), from.path] : []),
  ],
};

/**
 * "psql:<stdin>:12: ERROR:  42P01: relation …", then "LINE 1: …", "DETAIL: …", "LOCATION: …", and the statement
 * (src/bin/psql/common.c).
 */
function parsePsqlError(stderr: string): LoadFailure | undefined {
  const match = /^psql:<stdin>:(\d+): (?:ERROR|FATAL|PANIC): {2}(\w{5}): (.*)$/m.exec(stderr);
  if (!match) return undefined;
  const [, line, code = '', said = ''] = match;
  const details = [...stderr.matchAll(/^(?:DETAIL|HINT): {2}(.*)$/gm)].map(([, text = '']) => ` ${text}`);
  const statement = /^STATEMENT: {2}([\s\S]*?)\s*$/m.exec(stderr)?.[1];
  return {
    line: Number(line),
    statement: statement === undefined || statement === '' ? undefined : excerptOf(statement),
    message: explain(code, `${said}${details.join('')} (error ${code})`),
    databaseExists: databaseIsThere.includes(code),
  };
}

/** "pg_restore: error: could not execute query: ERROR:  …", then "Command was: …" (src/bin/pg_dump/pg_backup_db.c). */
function parseRestoreError(stderr: string, exitCode: number): LoadFailure {
  const errors = [...stderr.matchAll(/^(?:pg_restore|psql): error: (.*)$/gm)].map(([, text = '']) => text);
  const details = [...stderr.matchAll(/^(?:DETAIL|HINT): {2}(.*)$/gm)].map(([, text = '']) => text);
  const said = stderr.trim().split('\n').at(-1) ?? '';
  const message =
    [...errors, ...details].join(' ') ||
    said ||
    `the client ended with exit code ${String(exitCode)} and said nothing`;
  const statement = /^Command was: ([\s\S]*?)\s*$/m.exec(stderr)?.[1];
  return {
    line: undefined,
    statement: statement === undefined ? undefined : excerptOf(statement),
    message: explain('', message),
    databaseExists: false,
  };
}

/** What an operator can do about it, where the server's words do not say. */
function explain(code: string, message: string): string {
  if (/extension "[^"]+" is not available|could not open extension control file/.test(message)) {
    return `${message}. The server's image lacks this extension: name one that has it in MYAAS_POSTGRES_IMAGE.`;
  }
  if (code === '22023' && /invalid (?:LC_|locale)/.test(message))
    return `${message}. The server's image lacks this locale: name one that has it in MYAAS_POSTGRES_IMAGE.`;
  return message;
}
