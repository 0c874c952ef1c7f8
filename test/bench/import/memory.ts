/** The most memory that the daemon ever has: a dump that is one line, one of a row each, and one that is packed. */
import { createWriteStream } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { execa } from 'execa';
import type { TestHost } from '../../support/daemon.ts';
import type { Finding, Part } from '../instant/finding.ts';
import { writeShopDump } from '../shop-dump.ts';
import { importHost, sizeBytes } from './host.ts';
import { importAll } from './job.ts';

const rowsAtOnce = 500;

/** As `--skip-extended-insert` has it. */
async function writeSingleRows(path: string): Promise<void> {
  function* text() {
    yield 'CREATE TABLE `single` (`id` int NOT NULL, `note` text, PRIMARY KEY (`id`)) ENGINE=InnoDB;\n';
    for (let id = 1, written = 0; written < sizeBytes; id += rowsAtOnce) {
      const row = (index: number) =>
        `INSERT INTO \`single\` VALUES (${String(id + index)},'lorem ipsum; dolor');\n`;
      const rows = Array.from({ length: rowsAtOnce }, (_, index) => row(index)).join('');
      written += rows.length;
      yield rows;
    }
  }
  await pipeline(Readable.from(text()), createWriteStream(path));
}

/** One INSERT, one line. */
async function writeOneLine(path: string): Promise<void> {
  const note = 'lorem ipsum; dolor \\"sit\\" amet '.repeat(30);
  function* text() {
    yield 'CREATE TABLE `long` (`id` int NOT NULL, `note` longtext, PRIMARY KEY (`id`)) ENGINE=InnoDB;\n';
    yield "INSERT INTO `long` VALUES (0,'')";
    for (let id = 1, written = 0; written < sizeBytes; id += rowsAtOnce) {
      const rows = Array.from(
        { length: rowsAtOnce },
        (_, index) => `,(${String(id + index)},'${note}')`,
      ).join('');
      written += rows.length;
      yield rows;
    }
    yield ';\n';
  }
  await pipeline(Readable.from(text()), createWriteStream(path));
}

async function peakBytes(host: TestHost): Promise<number> {
  const status = await readFile(`/proc/${String(host.serve.pid)}/status`, 'utf8');
  return Number(/^VmHWM:\s*(\d+)/m.exec(status)?.[1]) * 1024;
}

async function measure(): Promise<Finding> {
  await using host = await importHost();
  const idle = await peakBytes(host);
  const oneLine = `${host.dumpsDir}/long.sql`;
  await writeOneLine(oneLine);
  const ofOneLine = await importAll(host, true);
  await rm(oneLine);
  const peakOfOneLine = await peakBytes(host);
  await writeShopDump(`${host.dumpsDir}/shop.sql`, sizeBytes);
  await execa('zstd', ['-1', '--quiet', '--rm', `${host.dumpsDir}/shop.sql`]);
  const ofPacked = await importAll(host, true);
  const peakOfPacked = await peakBytes(host);
  await rm(`${host.dumpsDir}/shop.sql.zst`);
  const single = `${host.dumpsDir}/single.sql`;
  await writeSingleRows(single);
  const ofSingleRows = await importAll(host, true);
  const peakOfSingleRows = await peakBytes(host);
  const line = `one line of ${(sizeBytes / 1e6).toFixed(0)} MB`;
  return {
    series: {
      [`import of ${line}`]: [ofOneLine.totalSeconds * 1000],
      'import of single rows': [ofSingleRows.totalSeconds * 1000],
      'import of a packed dump': [ofPacked.totalSeconds * 1000],
    },
    verdicts: [
      { what: 'the daemon, before', measured: idle / 1e6, unit: 'MB' },
      { what: `its peak with ${line}`, measured: peakOfOneLine / 1e6, unit: 'MB', atMost: 200 },
      {
        what: 'its peak with a packed dump after that',
        measured: peakOfPacked / 1e6,
        unit: 'MB',
        atMost: 200,
      },
      {
        what: 'its peak with as much in single rows after that',
        measured: peakOfSingleRows / 1e6,
        unit: 'MB',
        atMost: 200,
      },
    ],
  };
}

export const peakMemory: Part = { title: 'Peak memory of the daemon in an import', measure };
