/** What the dump reader gets through by itself, on one core: it must not be what limits. */
import { RowConverter } from '../../../daemon/templates/bulk/rows.ts';
import type { Piece } from '../../../daemon/templates/bulk/pieces.ts';
import { StatementReader } from '../../../daemon/templates/bulk/statements.ts';
import { PartReader } from '../../../daemon/templates/parts/part-reader.ts';
import type { Finding, Part } from '../instant/finding.ts';
import { median } from '../figures.ts';
import { shopColumns, shopDump } from '../shop-dump.ts';

const textBytes = 40e6;
const chunkBytes = 2 ** 18;
const rounds = 5;

type Rows = Extract<Piece, { kind: 'rows' }>;

/** Bytes of SQL in a second. */
function throughput(length: number, work: () => void): number {
  const startedMs = performance.now();
  work();
  return (length / (performance.now() - startedMs)) * 1000;
}

function measure(): Promise<Finding> {
  const text = Buffer.from([...shopDump(textBytes)].join(''));
  const chunks: Buffer[] = [];
  for (let at = 0; at < text.length; at += chunkBytes) chunks.push(text.subarray(at, at + chunkBytes));
  const read = (take: (piece: Piece) => void) => {
    const reader = new StatementReader();
    for (const chunk of chunks) reader.push(chunk).forEach(take);
    reader.end().forEach(take);
  };
  const rows: Rows[] = [];
  read((piece) => {
    if (piece.kind === 'rows') rows.push({ ...piece, bytes: Buffer.from(piece.bytes) });
  });
  const statements: number[] = [];
  const parts: number[] = [];
  const converted: number[] = [];
  for (let round = 0; round < rounds; round++) {
    statements.push(throughput(text.length, () => read(() => undefined)));
    parts.push(
      throughput(text.length, () => {
        const reader = new PartReader('shop', []);
        read((piece) => reader.push(piece));
      }),
    );
    converted.push(
      throughput(text.length, () => {
        let table = '';
        let converter: RowConverter | undefined;
        for (const { head, bytes } of rows) {
          if (head.table !== table) converter = new RowConverter(head.bytes, shopColumns);
          table = head.table;
          converter?.push(bytes);
        }
      }),
    );
  }
  const all = statements.map((_, round) => 1 / (1 / (parts[round] ?? 0) + 1 / (converted[round] ?? 0)));
  const line = (what: string, rates: readonly number[]) =>
    ({ what, measured: median(rates) / 1e6, unit: 'MB/s' }) as const;
  return Promise.resolve({
    series: {},
    verdicts: [
      line('statements told apart', statements),
      line('… and tables by their hashes', parts),
      line('rows made fit for LOAD DATA', converted),
      line('all of it, on one core', all),
    ],
  });
}

export const reader: Part = { title: 'The dump reader by itself', measure };
