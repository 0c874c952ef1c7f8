/** Which server a dump is for: what the operator says in a file beside it, or else what the dump says of itself. */
import { readFile } from 'node:fs/promises';
import { engineOf, engines, isEngine } from '../engines/engines.ts';
import type { Engine } from '../engines/engine.ts';
import { messageOf, MyaasError } from '../errors/error.ts';
import { errors } from '../errors/errors.ts';
import type { Images, ServerChoice } from '../host/images.ts';
import type { Dump } from './dumps.ts';
import { preambleBytes } from './formats/preamble.ts';
import { startOf, type DumpFile } from './formats/unpack.ts';

/** Throws `MYAAS_DUMP_BAD` when the file beside the dump says nothing that is understood. */
export async function chooseServer(dump: Dump, images: Images, signal: AbortSignal): Promise<ServerChoice> {
  if (dump.companions.engine) return readChoice(dump.companions.engine);
  const found = await recognise(dump, signal);
  return { engine: images.standIn(found), series: undefined };
}

/** "mariadb", "mysql 8.4". */
export async function readChoice({ file, path }: DumpFile): Promise<ServerChoice> {
  const text = (await readFile(path, 'utf8')).trim();
  const [, name = '', series] = /^([a-z]+)(?:\s+(\d+(?:\.\d+)?))?$/i.exec(text) ?? [];
  if (isEngine(name.toLowerCase())) return { engine: engineOf(name.toLowerCase()), series };
  throw errors.dumpBad(
    file,
    `${JSON.stringify(text.slice(0, 80))} names no database product.`,
    `Write one of ${engines.map((engine) => engine.name).join(', ')}, and perhaps its series: "${engines[0].name} ${engines[0].image.defaultSeries}".`,
  );
}

/** The product that a dump is of, undefined when it does not say. */
async function recognise(dump: Dump, signal: AbortSignal): Promise<Engine | undefined> {
  if (dump.format === 'backup') return engines.find(({ backup }) => backup);
  if (dump.format === 'archive') return engines.find(({ dumps }) => dumps.archive);
  const head = (await startOf(firstFile(dump), preambleBytes, signal)).toString('latin1');
  return engines.find(({ dumps }) => dumps.recognises(head));
}

/** The file that tells: of a directory the first one of SQL. */
function firstFile(dump: Dump): DumpFile {
  if (dump.format === 'file') return dump;
  const name = (dump.files.find((each) => /\.sql(?:\.\w+)?$/.test(each.name)) ?? dump.files[0])?.name ?? '';
  return { file: name, path: `${dump.path}/${name}` };
}

/** Why a dump can't be imported whose server can't be had, and the ways out. */
export function noServerFor(dump: Dump, { engine }: ServerChoice, error: unknown): unknown {
  if (!(error instanceof MyaasError)) return error;
  const others = engines.filter(({ name }) => name !== engine.name).map(({ name }) => name);
  return errors.importFailed(
    `${dump.file} is for ${engine.title}: ${messageOf(error)}`,
    `Set ${engine.image.variable} to an image with ${engine.title} that this host can have, or write what else is to serve it (${others.join(', ')}) in ${dump.template}.engine beside the dump.`,
    error,
  );
}
