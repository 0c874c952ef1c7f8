/**
 * Takes the place of @vscode/spdlog in the VS Code of the tests: npm would have to compile that one. Appends what VS
 * Code and its extensions log to the files that it names, which the Output view shows.
 */
import { appendFileSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';

const names = ['trace', 'debug', 'info', 'warning', 'error', 'critical'];
const infoLevel = 2;

class FileLogger {
  #file;
  #level = infoLevel;
  #bare = false;

  constructor(file) {
    this.#file = file;
    mkdirSync(dirname(file), { recursive: true });
  }

  #write(level, message) {
    if (level < this.#level || this.#file === undefined) return;
    const time = new Date().toISOString().replace('T', ' ').slice(0, -1);
    const line = this.#bare ? message : `${time} [${names[level]}] ${message}\n`;
    try {
      appendFileSync(this.#file, line);
    } catch (error) {
      // The directory is taken away while VS Code still ends.
      if (error.code !== 'ENOENT') throw error;
    }
  }

  trace = (message) => this.#write(0, message);
  debug = (message) => this.#write(1, message);
  info = (message) => this.#write(2, message);
  warn = (message) => this.#write(3, message);
  error = (message) => this.#write(4, message);
  critical = (message) => this.#write(5, message);
  getLevel = () => this.#level;
  setLevel = (level) => void (this.#level = level);
  clearFormatters = () => void (this.#bare = true);
  setPattern = () => void (this.#bare = false);
  drop = () => void (this.#file = undefined);
  // Every line is on its way to the file when its method returns.
  flush() {}
}

export const createAsyncRotatingLogger = async (_name, file) => new FileLogger(file);
export const createRotatingLogger = createAsyncRotatingLogger;
export function setFlushOn() {}
export function setLevel() {}
