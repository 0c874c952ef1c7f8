/**
 * The workspace's `.env`: gives it an instance's credentials, takes them away, and tells which instance it names.
 * Knows nothing of VS Code: what it must ask and which documents are open comes in by `WorkspaceFolder` and `Ask`.
 *
 *     const folder = { path: workspaceFolder.uri.fsPath, documentAt };
 *     const written = await writeCredentials(folder, credentials, settings, { aboutGit });
 *     await removeCredentials(folder, credentials, settings);
 *     const instance = await instanceOf(folder, settings, store.instances);
 *
 * Multi-root: call each by folder. All paths are absolute and of the local file system.
 */
import type { Instance } from '../../daemon/contract.ts';
import type { GitChoice, GitQuestion } from './git.ts';

export interface Credentials {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  readonly password: string;
  /** What the server says by `select version()` (the template version's `engineVersion`): Symfony wants to know. */
  readonly engineVersion?: string;
}

/** `myaas.env.file` and `myaas.env.variables`; both empty unless the user says otherwise. */
export interface EnvSettings {
  readonly file?: string;
  readonly variables?: Readonly<Record<string, string>>;
}

/** A document open in an editor; changed there, so that undo works. */
export interface OpenDocument {
  readonly text: string;
  replace(text: string): Promise<void>;
}

export interface WorkspaceFolder {
  readonly path: string;
  /** The open and unsaved document of the file `path`. Others are changed on disk; editors take that over. */
  documentAt?(path: string): OpenDocument | undefined;
}

export interface Ask {
  /** Asked when git would take the file up. Undefined: the user went away; then nothing is written. */
  aboutGit(question: GitQuestion): Promise<GitChoice | undefined>;
}

export interface Written {
  /** The file; undefined when the user chose to write nothing. */
  readonly path: string | undefined;
  readonly keys: readonly string[];
  /** False when the file held all of it already. */
  readonly changed: boolean;
}

export declare function writeCredentials(
  folder: WorkspaceFolder,
  credentials: Credentials,
  settings: EnvSettings,
  ask: Ask,
): Promise<Written>;

/** Removes the keys whose value is still that of `credentials`; answers with the files that were changed. */
export declare function removeCredentials(
  folder: WorkspaceFolder,
  credentials: Credentials,
  settings: EnvSettings,
): Promise<readonly Written[]>;

/** The instance, of those given, that the folder's files point at, by host, port and database. */
export declare function instanceOf<T extends Pick<Instance, 'host' | 'port' | 'database'>>(
  folder: WorkspaceFolder,
  settings: EnvSettings,
  instances: Iterable<T>,
): Promise<T | undefined>;
