/** The doublewrite buffer of a server that backups come from: its ibdata1 keeps the last pages that were written. */
import { open } from 'node:fs/promises';

// storage/innobase/include/trx0sys.h and fsp0types.h, for pages of 16 KiB.
const pageBytes = 16_384;
const trxSysPage = 5;
const doublewriteOffset = pageBytes - 200;
const magic = 536_853_855;
const magicOffset = 10;
const blockOffsets = [14, 18];
const blockPages = 64;

/**
 * Overwrites the buffer, which our servers never do since they have none (`innodb_doublewrite=OFF`). The server must have
 * been shut down: then nothing in it is needed, and pages of zeros in it are none.
 */
export async function wipeDoublewrite(datadir: string): Promise<void> {
  await using file = await open(`${datadir}/ibdata1`, 'r+');
  const { buffer } = await file.read(Buffer.alloc(200), 0, 200, trxSysPage * pageBytes + doublewriteOffset);
  if (buffer.readUInt32BE(magicOffset) !== magic) return;
  const zeros = Buffer.alloc(blockPages * pageBytes);
  for (const offset of blockOffsets)
    await file.write(zeros, 0, zeros.length, buffer.readUInt32BE(offset) * pageBytes);
  await file.sync();
}
