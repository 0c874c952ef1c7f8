/** A workspace folder for the tests of what is written into one. */
import { mkdir, mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { GitChoice, GitQuestion } from '../../extension/env/git.ts';
import {
  type Credentials,
  type EnvSettings,
  type WorkspaceFolder,
  writeCredentials,
} from '../../extension/env/workspace-env.ts';

export const credentials: Credentials = {
  host: '127.0.0.1',
  port: 23001,
  database: 'shop',
  user: 'myaas',
  password: 'Secret0123456789abcdefgh',
  engineVersion: '11.8.3-MariaDB-0+deb13u1-log',
};
export const other: Credentials = { ...credentials, port: 23002, password: 'Other00123456789abcdefgh' };
export const url = 'mysql://myaas:Secret0123456789abcdefgh@127.0.0.1:23001/shop';

export let root: string;
export let folder: WorkspaceFolder;

/** Gives each test of a suite an empty `folder`, in a directory of its own, `root`, so that there is something outside of it. */
export function eachInAFolder(): void {
  beforeEach(async () => {
    root = await realpath(await mkdtemp(join(tmpdir(), 'myaas-env-')));
    folder = { path: join(root, 'project') };
    await mkdir(folder.path);
  });
  afterEach(() => rm(root, { recursive: true }));
}

export async function put(files: Readonly<Record<string, string | Uint8Array>>): Promise<void> {
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder.path, name)), { recursive: true });
    await writeFile(join(folder.path, name), content);
  }
}

export const textOf = (name: string) => readFile(join(folder.path, name), 'utf8');

/** Fails when asked. */
export const neverAsk = {
  aboutGit: (question: GitQuestion) => Promise.reject(new Error(`asked about ${question.path}`)),
};

export function answering(choice: GitChoice | undefined) {
  const questions: GitQuestion[] = [];
  return {
    questions,
    aboutGit: (question: GitQuestion) => {
      questions.push(question);
      return Promise.resolve(choice);
    },
  };
}

export const write = (settings: EnvSettings = {}, of = credentials) =>
  writeCredentials(folder, of, settings, neverAsk);
export const refused = { code: 'MYAAS_ENV_FILE_REFUSED' };
export const notWritten = { code: 'MYAAS_FILE_NOT_WRITTEN' };

export const laravelKeys = {
  DB_CONNECTION: 'mysql',
  DB_HOST: '127.0.0.1',
  DB_PORT: '23001',
  DB_DATABASE: 'shop',
  DB_USERNAME: 'myaas',
  DB_PASSWORD: credentials.password,
};
export const lines = (values: Readonly<Record<string, string>>) =>
  Object.entries(values)
    .map(([key, value]) => `${key}=${value}\n`)
    .join('');
export const composer = (name: string) => JSON.stringify({ require: { php: '>=8', [name]: '*' } });
export const npm = (name: string) => JSON.stringify({ dependencies: { [name]: '*' } });
