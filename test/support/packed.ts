/** The same dump, packed in all the ways that are read. */
import { execa } from 'execa';

async function pack(program: string, content: string, ...args: string[]): Promise<Buffer> {
  const { stdout } = await execa(program, ['-c', ...args], { input: content, encoding: 'buffer' });
  return Buffer.from(stdout);
}

/** Archives by the names of their files. */
export async function packedDumps(content: string): Promise<Record<string, Buffer>> {
  const [first, second] = [content.slice(0, content.length / 2), content.slice(content.length / 2)];
  const gzip = await pack('gzip', content);
  const zstd = await pack('zstd', content);
  return {
    'gz.sql.gz': gzip,
    'zst.sql.zst': zstd,
    'xz.sql.xz': await pack('xz', content),
    'bz2.sql.bz2': await pack('bzip2', content),
    'upper.SQL.GZ': gzip,
    // As "cat a.gz b.gz" or pigz and pbzip2 make them.
    'members_gz.sql.gz': Buffer.concat([await pack('gzip', first), await pack('gzip', second)]),
    'members_zst.sql.zst': Buffer.concat([await pack('zstd', first), await pack('zstd', second)]),
    'members_bz2.sql.bz2': Buffer.concat([await pack('bzip2', first), await pack('bzip2', second)]),
    'secret_gzip.sql': gzip,
    'misnamed.sql.gz': zstd,
  };
}
