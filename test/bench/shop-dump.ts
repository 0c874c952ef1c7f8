/** A dump as mariadb-dump writes it, of any size: tables alike, with secondary indexes and foreign keys. */
import { createWriteStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

export const tableCount = 20;
const rowsPerStatement = 5000;

const words =
  'lorem ipsum dolor sit amet consectetur adipiscing elit sed do eiusmod tempor incididunt ut'.split(' ');
const states = ['new', 'paid', 'sent', "it\\'s late", 'gone'];

/** Of each table. */
export const shopColumns = (['integer', 'integer', 'text', 'text', 'decimal', 'text', 'text'] as const).map(
  (kind) => ({ kind, nullable: true }),
);

/** Numbers that look random and are the same each time (Numerical Recipes' generator). */
function randomOf(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** About 140 bytes. */
function row(id: number, random: (below: number) => number): string {
  const word = () => words[random(words.length)] ?? '';
  const pad = (value: number) => String(value).padStart(2, '0');
  const at = `20${pad(10 + random(15))}-${pad(1 + random(12))}-${pad(1 + random(28))} ${pad(random(24))}:${pad(random(60))}:00`;
  const parent = id === 1 ? 'NULL' : String(1 + random(id - 1));
  return (
    `(${String(id)},${parent},'${word()}.${String(random(1e6))}@example.com','${states[random(5)] ?? ''}',` +
    `${String(random(1e5))}.${pad(random(100))},'${at}','${word()} ${word()} ${word()} ${word()}; ${word()} \\"${word()}\\"')`
  );
}

function* table(index: number, sizeBytes: number, seed: number): Generator<string> {
  const name = `orders_${String(index)}`;
  const random = randomOf(seed);
  const other = `orders_${String(Math.max(0, index - 1))}`;
  yield `DROP TABLE IF EXISTS \`${name}\`;
CREATE TABLE \`${name}\` (
  \`id\` int(10) unsigned NOT NULL AUTO_INCREMENT,
  \`parent_id\` int(10) unsigned DEFAULT NULL,
  \`email\` varchar(100) NOT NULL,
  \`state\` varchar(20) NOT NULL DEFAULT 'new',
  \`total\` decimal(12,2) NOT NULL,
  \`created\` datetime NOT NULL,
  \`note\` text DEFAULT NULL,
  PRIMARY KEY (\`id\`),
  KEY \`parent\` (\`parent_id\`),
  KEY \`email\` (\`email\`),
  KEY \`created\` (\`created\`,\`state\`),
  CONSTRAINT \`${name}_parent\` FOREIGN KEY (\`parent_id\`) REFERENCES \`${other}\` (\`id\`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
LOCK TABLES \`${name}\` WRITE;
/*!40000 ALTER TABLE \`${name}\` DISABLE KEYS */;
`;
  let written = 0;
  for (let id = 1; written < sizeBytes;) {
    const rows: string[] = [];
    while (rows.length < rowsPerStatement) rows.push(row(id++, random));
    const statement = `INSERT INTO \`${name}\` VALUES ${rows.join(',')};\n`;
    written += statement.length;
    yield statement;
  }
  yield `/*!40000 ALTER TABLE \`${name}\` ENABLE KEYS */;\nUNLOCK TABLES;\n`;
}

export interface Shape {
  /** `tableCount` unless said otherwise. */
  readonly tables?: number;
  /** The number of a table that has other rows than it would have without. */
  readonly changed?: number;
  /** The number of a table that has a twentieth more rows than it would have without. */
  readonly grown?: number;
}

export function* shopDump(
  sizeBytes: number,
  { tables = tableCount, changed, grown }: Shape = {},
): Generator<string> {
  yield `/*!40101 SET NAMES utf8mb4 */;
/*!40014 SET @OLD_UNIQUE_CHECKS=@@UNIQUE_CHECKS, UNIQUE_CHECKS=0 */;
/*!40014 SET @OLD_FOREIGN_KEY_CHECKS=@@FOREIGN_KEY_CHECKS, FOREIGN_KEY_CHECKS=0 */;
/*!40101 SET @OLD_SQL_MODE=@@SQL_MODE, SQL_MODE='NO_AUTO_VALUE_ON_ZERO' */;
`;
  for (let index = 0; index < tables; index++)
    yield* table(
      index,
      (sizeBytes / tables) * (index === grown ? 1.05 : 1),
      index === changed ? 1000 + index : index,
    );
  yield `/*!40101 SET SQL_MODE=@OLD_SQL_MODE */;
/*!40014 SET FOREIGN_KEY_CHECKS=@OLD_FOREIGN_KEY_CHECKS */;
/*!40014 SET UNIQUE_CHECKS=@OLD_UNIQUE_CHECKS */;
`;
}

/** It is on the disk in the end, as one is that was made in the night. */
export async function writeShopDump(path: string, sizeBytes: number, shape?: Shape): Promise<void> {
  await pipeline(Readable.from(shopDump(sizeBytes, shape)), createWriteStream(path, { flush: true }));
}
