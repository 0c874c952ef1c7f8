/** What an installation consists of besides its release: units, settings, man page, completion. */
import { chmod, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { hasErrno } from '../../errors/error.ts';
import { exists } from '../files.ts';
import type { Layout } from './layout.ts';
import { askProgram, type Source } from './release.ts';

/** Puts in place what belongs to `program` and says what has changed. What is the operator's stays. */
export async function putParts(
  program: Source,
  layout: Pick<Layout, 'units' | 'settings' | 'manPage' | 'completions'>,
  log: (line: string) => void,
): Promise<void> {
  const { directory } = program;
  const changed: string[] = [];
  for (const unit of await readdir(join(directory, 'systemd'))) {
    const file = join(layout.units, unit);
    if (await put(file, await readFile(join(directory, 'systemd', unit), 'utf8'))) changed.push(unit);
  }
  log(changed.length === 0 ? 'units: there' : `units: ${changed.join(', ')}, in ${layout.units}`);
  await putSettings(join(directory, 'assets', 'myaas.env'), layout.settings, log);
  await put(layout.manPage, await askProgram(program, '__man'));
  for (const [shell, file] of Object.entries(layout.completions)) {
    await put(file, await askProgram(program, 'completion', shell));
  }
  log('man page, completion of bash, zsh and fish: there');
}

/** The operator's from the moment on that it is there. It may get a password: nobody but root reads it. */
async function putSettings(from: string, settings: string, log: (line: string) => void): Promise<void> {
  await mkdir(dirname(settings), { recursive: true, mode: 0o755 });
  try {
    await writeFile(settings, await readFile(from), { flag: 'wx', mode: 0o640 });
    log(`settings: ${settings}, with everything in it commented out`);
  } catch (error) {
    if (!hasErrno(error, 'EEXIST')) throw error;
    log(`settings: ${settings} stays as it is`);
  }
}

/** Writes a file, in one step; whether it was another before. */
export async function put(file: string, text: string, mode = 0o644): Promise<boolean> {
  if ((await exists(file)) && (await readFile(file, 'utf8')) === text) return false;
  await mkdir(dirname(file), { recursive: true, mode: 0o755 });
  const unfinished = `${file}.unfinished`;
  try {
    await writeFile(unfinished, text);
    await chmod(unfinished, mode);
    await rename(unfinished, file);
  } catch (error) {
    await rm(unfinished, { force: true });
    throw error;
  }
  return true;
}

/** Takes away what `putParts` has put there, but for the settings. */
export async function removeParts(layout: Layout, unitNames: readonly string[]): Promise<void> {
  const files = [
    ...unitNames.map((unit) => join(layout.units, unit)),
    layout.manPage,
    ...Object.values(layout.completions),
  ];
  for (const file of files) {
    await rm(file, { force: true });
    await rm(`${file}.unfinished`, { force: true });
  }
}
