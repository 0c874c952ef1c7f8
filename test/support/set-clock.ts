/**
 * Preloaded into a process (`node --import`): its time of day is as many milliseconds off as TEST_CLOCK_FILE says at each
 * moment, as if somebody had set the machine's clock. Timers go on as they do then.
 */
import { readFileSync } from 'node:fs';

const file = process.env['TEST_CLOCK_FILE'] ?? '';
const TrueDate = Date;
const now = (): number => TrueDate.now() + Number(readFileSync(file, 'utf8'));

class SetDate extends TrueDate {
  constructor(given?: number | string | Date) {
    super(given ?? now());
  }

  static override now(): number {
    return now();
  }
}

globalThis.Date = SetDate as DateConstructor;
