/** What the first and last lines of a dump tell about the program that wrote it. Text is latin1: bytes one to one. */

/** How much of a dump's start is looked at. */
export const preambleBytes = 16_384;

const blankOut = (text: string): string => text.replace(/[^\n]/g, ' ');

/**
 * Takes out of a dump's start what only its own product's client understands, keeping every line's number and every
 * other byte:
 * - the sandbox line of mariadb-dump 10.5.25 and newer, an unknown command to older clients (MDEV-21778); our client
 *   has its sandbox on anyway;
 * - GTID_PURGED of mysqldump, a variable that MariaDB does not have and a clone has no use for.
 */
export function neutralisePreamble(start: Buffer): Buffer {
  const text = start.toString('latin1');
  const head = text
    .replace(/^\/\*M?!999999\\- enable the sandbox mode \*\//, blankOut)
    .replace(/^SET @@GLOBAL\.GTID_PURGED=[^;]*;/m, blankOut);
  return head === text ? start : Buffer.from(head, 'latin1');
}

/** Why a dump is not what its author wanted to write, by its own marks; undefined when nothing says so. */
export function whyIncomplete(head: string, tail: string): string | undefined {
  if (head.trim() === '') return 'it is empty.';
  if (/^(\xff\xfe|\xfe\xff)/.test(head))
    return 'it is UTF-16 text (as PowerShell\'s ">" writes); a dump must be written byte for byte.';
  if (/^PGDMP|^-- PostgreSQL database dump/m.test(head))
    return 'it is a PostgreSQL dump, which this version cannot import.';
  // mysqldump says its own version first: 10.11 came with MySQL 5.0, the first whose last line is always there.
  const [, product, version] = /^-- (MySQL|MariaDB) dump 10\.(\d+)/m.exec(head) ?? [];
  if (product !== undefined && Number(version) >= 11 && !/^-- Dump completed/m.test(tail)) {
    return `it is truncated: its last line, "-- Dump completed", is missing.`;
  }
  if (/^-- phpMyAdmin SQL Dump/m.test(head)) {
    const opened =
      /^(START TRANSACTION|SET AUTOCOMMIT = 0);/im.test(head) && /^START TRANSACTION;/im.test(head);
    if (opened && !/^COMMIT;/im.test(tail))
      return 'it is truncated: the COMMIT at the end of a phpMyAdmin export is missing.';
  }
  return undefined;
}
