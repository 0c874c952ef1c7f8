import { createHash, createHmac, pbkdf2, randomBytes } from 'node:crypto';
import { promisify } from 'node:util';

/** RFC 7677: at least; some clients refuse less. */
const iterations = 4096;
const saltBytes = 16;
const keyBytes = 32;

/** What every verifier begins with. All are of one length. */
export const verifierStart = `SCRAM-SHA-256$${String(iterations)}:`;
export const verifierLength = verifierStart.length + 24 + 1 + 44 + 1 + 44;

/**
 * What PostgreSQL keeps of a password, which tells nobody the password (RFC 5802; scram_build_secret in
 * src/common/scram-common.c).
 */
export async function scramVerifier(password: string): Promise<string> {
  const salt = randomBytes(saltBytes);
  const salted = await promisify(pbkdf2)(password.normalize('NFKC'), salt, iterations, keyBytes, 'sha256');
  const keyOf = (name: string) => createHmac('sha256', salted).update(name).digest();
  const storedKey = createHash('sha256').update(keyOf('Client Key')).digest('base64');
  return `${verifierStart}${salt.toString('base64')}$${storedKey}:${keyOf('Server Key').toString('base64')}`;
}
