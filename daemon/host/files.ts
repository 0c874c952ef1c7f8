import { stat } from 'node:fs/promises';
import { hasErrno } from '../errors/error.ts';

/** Whether there is anything at `path`. Throws when that can't be told, such as for lack of permission. */
export async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return false;
    throw error;
  }
}
