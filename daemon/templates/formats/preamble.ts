/** What the first and last lines of a dump tell about the program that wrote it. Text is latin1: bytes one to one. */

/** How much of a dump's start is looked at. */
export const preambleBytes = 16_384;

const newline = 0x0a;
const space = 0x20;

/** Blanks bytes out in place; lines keep their numbers. */
function blankOut(bytes: Buffer): void {
  for (let index = 0; index < bytes.length; index++) if (bytes[index] !== newline) bytes[index] = space;
}

/**
 * Blanks out, in place, the sandbox line of mariadb-dump 10.5.25 and newer (MDEV-21178): an unknown command to older
 * clients, and ours has its sandbox on anyway.
 */
export function blankSandboxLine(start: Buffer): void {
  const line = /^(?:\xef\xbb\xbf)?\/\*M?!999999\\- enable the sandbox mode \*\//.exec(
    start.toString('latin1', 0, 64),
  );
  if (line) blankOut(start.subarray(0, line[0].length));
}

/** Whether mysqldump wrote GTID_PURGED: a variable that MariaDB does not have, and a clone no use for. */
export const setsGtids = (head: string): boolean => /^SET @MYSQLDUMP_TEMP_LOG_BIN/m.test(head);

const gtidStatement = Buffer.from('\nSET @@GLOBAL.GTID_PURGED=');
/** Room for the GTIDs of tens of thousands of servers; what has no end is not held in memory to look for it. */
export const gtidLimitBytes = 4 * 2 ** 20;

/**
 * Blanks GTID_PURGED out of mysqldump's text, wherever it stands: at the beginning, or, from MySQL 5.7.36 and 8.0.26 on,
 * at the end. mysqldump writes no raw line break inside of a string, so the beginning of a line is no data. A statement
 * longer than `gtidLimitBytes` stays, and the server refuses it.
 */
export class GtidBlanker {
  #rest: Buffer = Buffer.alloc(0);

  /** The text that is ready to go on. */
  push(chunk: Buffer): Buffer {
    const text = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const unfinished = blankStatements(text);
    // The rest of the buffer may be another text by then.
    this.#rest = Buffer.from(text.subarray(unfinished));
    return text.subarray(0, unfinished);
  }

  end(): Buffer {
    return this.#rest;
  }
}

/** Where in `text` a statement may begin that does not end in it. */
function blankStatements(text: Buffer): number {
  for (let from = 0; ;) {
    const start = text.indexOf(gtidStatement, from);
    if (start === -1) break;
    const end = text.subarray(start, start + gtidLimitBytes).indexOf(';');
    if (end === -1 && text.length - start < gtidLimitBytes) return start;
    if (end !== -1) blankOut(text.subarray(start, start + end + 1));
    from = start + Math.max(end, 0) + 1;
  }
  const lastLine = text.lastIndexOf(newline);
  const begun = text.subarray(Math.max(lastLine, 0));
  const mayBegin = lastLine !== -1 && gtidStatement.subarray(0, begun.length).equals(begun);
  return mayBegin ? lastLine : text.length;
}

/** What people take for dumps, by what it begins with. */
const foreigners: readonly (readonly [string, string])[] = [
  ['\xff\xfe', 'UTF-16 text (as PowerShell\'s ">" writes); a dump must be written byte for byte'],
  ['\xfe\xff', 'UTF-16 text; a dump must be written byte for byte'],
  ['PGDMP', 'a PostgreSQL dump, which MariaDB and MySQL can not load'],
  ['SQLite format 3\0', 'an SQLite database, not a dump'],
  ['PK\x03\x04', 'a zip archive; pack it with gzip, zstd, xz or bzip2'],
  ['XBSTCK01', 'a stream of mariadb-backup or XtraBackup, not a dump'],
  ['<?xml', 'XML, not SQL'],
  ['\x1f\x8b', 'an archive inside of an archive; pack it once'],
  ['\x28\xb5\x2f\xfd', 'an archive inside of an archive; pack it once'],
  ['\xfd7zXZ\0', 'an archive inside of an archive; pack it once'],
  ['BZh', 'an archive inside of an archive; pack it once'],
];

/** Why a text that begins so is not to be loaded at all; undefined when nothing says so. */
export function whyNoDump(head: string): string | undefined {
  if (head.trim() === '') return 'it is empty.';
  const foreigner = foreigners.find(([start]) => head.startsWith(start));
  if (foreigner) return `it is ${foreigner[1]}.`;
  if (/^-- PostgreSQL database (cluster )?dump/m.test(head))
    return 'it is a PostgreSQL dump, which MariaDB and MySQL can not load.';
  // POSIX.1-1988, the header of a tar archive.
  if (head.startsWith('ustar', 257)) return 'it is a tar archive; a dump is one file of SQL.';
  // The client, too, takes none, in strings neither: tools write "\\0".
  if (head.includes('\0')) return 'it is a binary file, not SQL: there is a NUL byte in it.';
  return undefined;
}

/** Why a dump is not all that its author wanted to write, by its own marks; undefined when nothing says so. */
export function whyIncomplete(head: string, tail: string): string | undefined {
  // mysqldump says its own version first: 10.11 came with MySQL 5.0, the first whose last line is always there.
  const [, product, version] = /^-- (MySQL|MariaDB) dump 10\.(\d+)/m.exec(head) ?? [];
  if (product !== undefined && Number(version) >= 11 && !/^-- Dump completed/m.test(tail)) {
    return 'it is truncated: its last line, "-- Dump completed", is missing.';
  }
  // What the tools of this family save first they put back last, with or without comments.
  const saved = /@OLD_(SQL_NOTES|NOTE_VERBOSITY)(?==@@)/.exec(head)?.[0];
  if (saved !== undefined && !tail.includes(`=${saved}`) && !tail.includes(`IFNULL(${saved}`)) {
    return `it is truncated: ${saved}, which its first lines save, is not put back at its end.`;
  }
  if (/^-- phpMyAdmin SQL Dump/m.test(head) && /^START TRANSACTION;/m.test(head) && !/^COMMIT;/m.test(tail)) {
    return 'it is truncated: the COMMIT at the end of a phpMyAdmin export is missing.';
  }
  return undefined;
}
