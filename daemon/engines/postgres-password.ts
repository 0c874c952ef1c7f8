/**
 * Giving the user of a clone its password before the server starts: its verifier is put in the place of the template's in
 * pg_authid's own file. All verifiers of ours have one length, so that nothing moves, and pages have no checksums (btrfs
 * has). This takes a millisecond, where a server would have to be started once in vain: PostgreSQL has no file that it
 * executes at its start, and whoever could log in to tell it the password would be somebody that no clone may know.
 */
import { constants } from 'node:fs';
import { open, realpath, type FileHandle } from 'node:fs/promises';
import { errors } from '../errors/errors.ts';
import type { Account } from './engine.ts';
import { scramVerifier, verifierLength, verifierStart } from './postgres-scram.ts';

/** Nobody but a superuser moves pg_authid (1260) to another file, and only by VACUUM FULL or CLUSTER. */
const accountsFile = 'global/1260';
const maxFileBytes = 64 * 2 ** 20;

/** NAMEDATALEN. */
const nameBytes = 64;
/** Between rolname and rolpassword: seven booleans, a byte of padding, rolconnlimit, and the length of what follows. */
const betweenBytes = 7 + 1 + 4 + 4;

/** Throws `MYAAS_SERVER_FAILED` when the account is not there, or has no verifier of ours. */
export async function writePassword(datadir: string, { username, password }: Account): Promise<void> {
  const path = `${datadir}/${accountsFile}`;
  const verifier = Buffer.from(await scramVerifier(password), 'latin1');
  // What a dump had its server do to the directory must not lead us elsewhere.
  const isInPlace = (await realpath(path)) === (await realpath(datadir)) + `/${accountsFile}`;
  await using file = await open(path, constants.O_RDWR | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  const found = await file.stat();
  if (!isInPlace || !found.isFile() || found.nlink !== 1 || found.size > maxFileBytes)
    throw failed(`${accountsFile} is not what PostgreSQL makes of it.`);
  const places = findVerifiers(await readWhole(file, found.size), username);
  if (places.length === 0) throw failed(`"${username}" has no password there that could be replaced.`);
  for (const place of places) await file.write(verifier, 0, verifier.length, place);
}

async function readWhole(file: FileHandle, sizeBytes: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(sizeBytes), 0, sizeBytes, 0);
  return buffer.subarray(0, bytesRead);
}

/** Where the verifiers of a role are: in its row, and in former versions of that. */
export function findVerifiers(accounts: Buffer, username: string): number[] {
  const name = Buffer.alloc(nameBytes);
  name.write(username, 'utf8');
  const places: number[] = [];
  for (let at = accounts.indexOf(name); at !== -1; at = accounts.indexOf(name, at + 1)) {
    const place = at + nameBytes + betweenBytes;
    const isOurs = accounts.toString('latin1', place, place + verifierStart.length) === verifierStart;
    // A length of four bytes, counting themselves, with two bits of flags that are 0.
    if (isOurs && accounts.readUInt32LE(place - 4) === (verifierLength + 4) << 2) places.push(place);
  }
  return places;
}

const failed = (why: string) => errors.serverFailed('The instance could not be given its password.', why);
