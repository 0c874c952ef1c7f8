/** How a running import is shown: in place on a terminal, as single lines elsewhere. */
import { stripVTControlCharacters } from 'node:util';
import type { Import, Job, Progress } from '../contract/templates.ts';
import type { Output } from './output.ts';
import { columns } from './output.ts';
import { duration, size } from './units.ts';

export interface ProgressView {
  /** Shows what is new in `job`. */
  show(job: Job): void;
  /** Says something that stays, above what is rewritten. */
  note(text: string): void;
  /** Leaves nothing behind that is only true while the job runs. */
  end(): void;
}

/** Phase, bytes, percentage and time left, as cells of one row. */
function cellsOf({ phase, doneBytes, totalBytes, secondsLeft }: Progress): string[] {
  return [
    phase,
    `${size(doneBytes)} of ${size(totalBytes)}`,
    `${percentOf({ doneBytes, totalBytes })} %`,
    secondsLeft === null ? '' : `${duration(secondsLeft)} left`,
  ];
}

export function progressText(progress: Progress): string {
  return cellsOf(progress)
    .filter((cell) => cell !== '')
    .join(', ');
}

function percentOf({ doneBytes, totalBytes }: Pick<Progress, 'doneBytes' | 'totalBytes'>): number {
  return totalBytes === 0 ? 100 : Math.floor((100 * Math.min(doneBytes, totalBytes)) / totalBytes);
}

function isRunning(running: Import): running is Import & { progress: Progress } {
  return running.state === 'running' && running.progress !== null;
}

/** The view that suits standard error. */
export function progressView(output: Output): ProgressView {
  return output.stderr.isTTY ? new LiveProgress(output) : new PlainProgress(output);
}

/** One line for each running import, rewritten as it goes on. */
class LiveProgress implements ProgressView {
  readonly #output: Output;
  #lineCount = 0;

  constructor(output: Output) {
    this.#output = output;
  }

  show(job: Job): void {
    const rows = job.imports
      .filter(isRunning)
      .map(({ template, progress }) => [template, ...cellsOf(progress)]);
    this.#rewrite(columns(rows));
  }

  note(text: string): void {
    this.end();
    this.#output.note(text);
  }

  end(): void {
    this.#rewrite([]);
  }

  #rewrite(lines: readonly string[]): void {
    const { stderr } = this.#output;
    // A line that wraps would be two when it is to be overwritten.
    const width = (stderr.columns ?? 80) - 1;
    const up = this.#lineCount > 0 ? `\x1b[${this.#lineCount}A\x1b[J` : '';
    stderr.write(up + lines.map((line) => `${stripVTControlCharacters(line).slice(0, width)}\n`).join(''));
    this.#lineCount = lines.length;
  }
}

/** A line whenever an import begins a phase or has read another tenth of its dump. */
class PlainProgress implements ProgressView {
  readonly #output: Output;
  readonly #told = new Map<string, { phase: string; tenth: number }>();

  constructor(output: Output) {
    this.#output = output;
  }

  show(job: Job): void {
    for (const { template, progress } of job.imports.filter(isRunning)) {
      const { phase } = progress;
      const tenth = Math.floor(percentOf(progress) / 10);
      const told = this.#told.get(template);
      if (told?.phase === phase && told.tenth >= tenth) continue;
      this.#told.set(template, { phase, tenth });
      this.#output.note(`${template}: ${progressText(progress)}`);
    }
  }

  note(text: string): void {
    this.#output.note(text);
  }

  end(): void {
    this.#told.clear();
  }
}
