import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** Each text in a subshell of its own, since a text can end its shell; no program can be found by what is in it. */
const script = `
PATH=/nonexistent
for file; do
  ( . "$file"; eval 'printf "%s\\0" '"$wanted" ) 2>/dev/null
  printf 'end\\0'
done`;

/** What `sh -c '. ./.env'` finds in each of `texts` under `keys`; undefined where it gave up on the text. */
export async function readBySh(
  texts: readonly string[],
  keys: readonly string[],
): Promise<readonly (readonly string[] | undefined)[]> {
  const directory = await mkdtemp(join(tmpdir(), 'myaas-env-'));
  try {
    const files = texts.map((_, index) => join(directory, `${index}.env`));
    await Promise.all(files.map((file, index) => writeFile(file, texts[index] ?? '')));
    const wanted = keys.map((key) => `"\${${key}-(unset)}"`).join(' ');
    const { stdout } = await promisify(execFile)('/bin/sh', ['-c', script, 'sh', ...files], {
      // A value that were not quoted well could write a file.
      cwd: directory,
      env: { wanted },
      maxBuffer: 2 ** 28,
    });
    const read: (readonly string[] | undefined)[] = [];
    let values: string[] = [];
    for (const word of stdout.split('\0').slice(0, -1)) {
      if (values.length < keys.length && word !== 'end') values.push(word);
      else {
        read.push(values.length === keys.length ? values : undefined);
        values = [];
      }
    }
    return read;
  } finally {
    await rm(directory, { recursive: true });
  }
}
