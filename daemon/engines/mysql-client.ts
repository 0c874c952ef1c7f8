/** What client programs of MariaDB and MySQL have in common. */
import type { LoadFailure } from './dump-support.ts';
import { inContainer, type Engine, type ServerFile } from './engine.ts';

/** ER_DB_CREATE_EXISTS. */
const databaseExists = '1007';
const excerptLength = 200;

const excerptOf = (text: string): string =>
  text.length <= excerptLength ? text : `${text.slice(0, excerptLength)}…`;

/** By which client programs find the import's server, as its administrator. */
export const clientFile = (socketName: string): ServerFile => ({
  name: '.my.cnf',
  text: `[client]\nsocket=${inContainer.run}/${socketName}\nuser=root\nloose-skip-ssl\ndefault-character-set=utf8mb4\n`,
});

export function parseLoadError(stderr: string, exitCode: number): LoadFailure {
  // The statement between two lines of dashes, then "ERROR 1064 (42000) at line 3: …" (client/mysql.cc).
  const match = /^ERROR(?: (\d+)(?: \(\w+\))?)? at line (\d+): (.*)/ms.exec(stderr);
  const statement = /^-{14}\n(.*?)\n-{14}$/ms.exec(stderr)?.[1];
  const said = stderr.trim() || `the client ended with exit code ${String(exitCode)} and said nothing`;
  const [message = said] = (match?.[3] ?? said).trim().split('\n');
  return {
    line: match ? Number(match[2]) : undefined,
    statement: statement === undefined ? undefined : excerptOf(statement),
    message: match?.[1] === undefined ? message : `${message} (error ${match[1]})`,
    databaseExists: match?.[1] === databaseExists,
  };
}

export const mysqlUrlOf: Engine['urlOf'] = ({ username, password, host, port, database }) =>
  `mysql://${encodeURIComponent(username)}:${encodeURIComponent(password)}@${host}:${String(port)}/${encodeURIComponent(database)}`;
