/** Runs one test file and tells its parent process how it went: `node test/support/report.ts FILE`. */
import { readFile } from 'node:fs/promises';
import Mocha from 'mocha';

/** What `run.ts` counts. */
export interface Report {
  readonly passed: number;
  readonly failed: number;
  readonly pending: number;
}

const [, , file = ''] = process.argv;
const options = JSON.parse(await readFile('.mocharc.json', 'utf8')) as Mocha.MochaOptions;
const mocha = new Mocha(options);
mocha.addFile(file);
await mocha.loadFilesAsync();

const report = { passed: 0, failed: 0, pending: 0 };
mocha
  .run()
  .on('pass', () => report.passed++)
  .on('fail', () => report.failed++)
  .on('pending', () => report.pending++)
  .on('end', () => process.send?.(report satisfies Report));
