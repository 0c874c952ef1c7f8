/** What `docker volume create -o …` and `driver_opts:` of a compose file may say. */
import { readFile, stat } from 'node:fs/promises';
import { isAbsolute } from 'node:path';
import { messageOf, MyaasError } from '../errors/error.ts';
import { errors } from '../errors/errors.ts';
import { passwordPattern } from '../instances/passwords.ts';
import { checkName } from '../names.ts';
import { parseSizeBytes } from '../sizes.ts';

export interface VolumeOptions {
  readonly template: string;
  /** The current one when left out. */
  readonly version?: string;
  /** Who owns the data; the host's account of the servers when left out. */
  readonly owner?: { readonly uid: number; readonly gid: number };
  /** A file on the host whose first line is the password; one is made up when left out. */
  readonly passwordFile?: string;
  /** What may be written besides the template's data; that of instances when left out. */
  readonly diskLimitBytes?: number;
}

const known = ['template', 'version', 'user', 'password-file', 'disk-limit'] as const;
const longestPasswordFileBytes = 4096;
/** With less no server would start. */
const leastDiskLimitBytes = 16 * 2 ** 20;

const bad = (why: string): MyaasError =>
  errors.badRequest(
    why,
    `The options of a volume are ${known.map((name) => `"${name}"`).join(', ')}: "-o template=shop".`,
  );

/** Throws `MYAAS_BAD_REQUEST` and `MYAAS_BAD_NAME`. */
export function parseVolumeOptions(options: Readonly<Record<string, string>>): VolumeOptions {
  for (const name of Object.keys(options)) {
    if (!known.some((each) => each === name)) throw bad(`A volume has no option ${JSON.stringify(name)}.`);
  }
  const { template, version, user, 'password-file': passwordFile, 'disk-limit': diskLimit } = options;
  if (template === undefined) throw bad('A volume needs a template.');
  if (passwordFile !== undefined && !isAbsolute(passwordFile))
    throw bad('The option "password-file" is an absolute path on the host.');
  return {
    template: checkName('template', template),
    ...(version !== undefined && { version }),
    ...(user !== undefined && { owner: parseOwner(user) }),
    ...(passwordFile !== undefined && { passwordFile }),
    ...(diskLimit !== undefined && { diskLimitBytes: parseDiskLimit(diskLimit) }),
  };
}

function parseDiskLimit(text: string): number {
  const bytes = parseSizeBytes(text);
  if (bytes === undefined || bytes < leastDiskLimitBytes)
    throw bad('The option "disk-limit" is a size such as "5g", of 16m or more.');
  return bytes;
}

/** "999" or "999:999": names would be those of the host, not of the image. */
function parseOwner(text: string): { uid: number; gid: number } {
  const [, uid, gid = uid] = /^(\d{1,9})(?::(\d{1,9}))?$/.exec(text) ?? [];
  if (uid === undefined) throw bad('The option "user" is a user id, or "uid:gid", in numbers.');
  return { uid: Number(uid), gid: Number(gid) };
}

/** The first line of a password file. Throws `MYAAS_BAD_REQUEST`, without a word of what is in the file. */
export async function readPassword(file: string): Promise<string> {
  let text;
  try {
    const { size } = await stat(file);
    if (size > longestPasswordFileBytes) throw bad(`${file} is too large for a password file.`);
    text = await readFile(file, 'utf8');
  } catch (error) {
    if (error instanceof MyaasError) throw error;
    throw bad(`The password file cannot be read: ${messageOf(error)}.`);
  }
  const [password = ''] = text.split(/\r?\n/, 1);
  if (!passwordPattern.test(password))
    throw bad(`The first line of ${file} is no password of letters, digits, ".", "_", "~" and "-".`);
  return password;
}
