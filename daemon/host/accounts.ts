/** The system's users and groups that MyAAS runs as and is reached by. */
import { readFile } from 'node:fs/promises';

import { runProgram } from '../drivers/program.ts';

/** The system users and the group that `myaas init` makes; the servers never run as root. */
export const accounts = { apiGroup: 'myaas', gateUser: 'myaas-gate', serverUser: 'myaas-db' } as const;

export interface SystemUser {
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
}

/** The fields of the line of `name` in a file such as /etc/passwd. */
async function entry(file: string, name: string): Promise<string[] | undefined> {
  const lines = (await readFile(file, 'utf8')).split('\n');
  return lines.map((line) => line.split(':')).find((fields) => fields[0] === name);
}

export async function lookupUser(name: string): Promise<SystemUser | undefined> {
  const fields = await entry('/etc/passwd', name);
  return fields && { uid: Number(fields[2]), gid: Number(fields[3]), home: fields[5] ?? '' };
}

export async function lookupGroup(name: string): Promise<number | undefined> {
  const fields = await entry('/etc/group', name);
  return fields && Number(fields[2]);
}

/** Makes the accounts that are missing and returns their names. Needs root. */
export async function ensureAccounts(): Promise<string[]> {
  const made: string[] = [];
  const remedy = 'Make the account by hand, or see why the program refuses to.';
  if ((await lookupGroup(accounts.apiGroup)) === undefined) {
    await runProgram('groupadd', ['--system', accounts.apiGroup], { remedy });
    made.push(accounts.apiGroup);
  }
  for (const user of [accounts.gateUser, accounts.serverUser]) {
    if (await lookupUser(user)) continue;
    const noLogin = ['--no-create-home', '--home-dir', '/nonexistent', '--shell', '/usr/sbin/nologin'];
    // A group of this name may be left from an earlier account.
    const group = (await lookupGroup(user)) === undefined ? ['--user-group'] : ['--gid', user];
    await runProgram('useradd', ['--system', ...group, ...noLogin, user], { remedy });
    made.push(user);
  }
  return made;
}

/** Removes what `ensureAccounts` has made, and returns the names. Files of theirs must be gone before. */
export async function removeAccounts(): Promise<string[]> {
  const removed: string[] = [];
  const remedy = 'Something of this user may still run.';
  for (const user of [accounts.gateUser, accounts.serverUser]) {
    if (!(await lookupUser(user))) continue;
    await runProgram('userdel', [user], { remedy });
    removed.push(user);
  }
  for (const group of [accounts.apiGroup, accounts.gateUser, accounts.serverUser]) {
    if ((await lookupGroup(group)) === undefined) continue;
    await runProgram('groupdel', [group], { remedy });
    if (group === accounts.apiGroup) removed.push(group);
  }
  return removed;
}
