export type GitState = 'none' | 'ignored' | 'tracked' | 'unignored';

/** `ignore`: add the file to `.gitignore`; `local`: use `.env.local` instead; `anyway`: write it all the same. */
export type GitChoice = 'ignore' | 'local' | 'anyway';

export interface GitQuestion {
  /** The file that was to be written. */
  readonly path: string;
  readonly state: 'tracked' | 'unignored';
  /** What can be offered; a tracked file cannot be ignored. */
  readonly choices: readonly GitChoice[];
}
