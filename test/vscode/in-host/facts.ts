/** What the suite inside the extension host is told, by its environment, and what it tells, by a file. */
import { readFile } from 'node:fs/promises';
import { hasErrno } from '../../../daemon/errors/error.ts';

export interface SuiteFacts {
  /** The daemon, straight; the extension reaches it through a relay, which notes each request in `requestLog`. */
  readonly url: string;
  readonly adminToken: string;
  readonly template: string;
  readonly requestLog: string;
  readonly report: string;
}

export interface SuiteReport {
  /** False while tests still run, and for ever when VS Code dies. */
  readonly done: boolean;
  readonly tests: readonly SuiteTest[];
}

export interface SuiteTest {
  readonly title: string;
  readonly ms: number;
  readonly error?: string;
}

// Not `VSCODE_…`: VS Code keeps those to itself.
const variable = 'MYAAS_TEST_FACTS';

export const environmentOf = (facts: SuiteFacts): Record<string, string> => ({
  [variable]: JSON.stringify(facts),
});

export function readFacts(): SuiteFacts {
  const facts = process.env[variable];
  if (facts === undefined) throw new Error(`${variable} is not set: run this by "npm run test:vscode".`);
  return JSON.parse(facts) as SuiteFacts;
}

export async function readReport(file: string): Promise<SuiteReport> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as SuiteReport;
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return { done: false, tests: [] };
    throw error;
  }
}
