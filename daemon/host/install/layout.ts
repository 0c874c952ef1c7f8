/** Where an installation has its parts. A Debian package has them at the same places, but for program and units. */

export const unitNames = [
  'myaas.service',
  'myaas-gate.service',
  'myaas-update.service',
  'myaas-update.timer',
];
/** Those that are started by themselves; the timer starts `myaas-update.service`. */
export const enabledUnits = ['myaas.service', 'myaas-gate.service', 'myaas-update.timer'];

export interface Layout {
  /** Each release has a directory of its own in it. */
  readonly releases: string;
  /** Leads to the launcher of the release in use: replacing it is what switches from one release to the next. */
  readonly link: string;
  readonly units: string;
  readonly settings: string;
  readonly cache: string;
  /** When the timer has run last, which systemd keeps there. */
  readonly timerStamp: string;
  readonly manPage: string;
  readonly completions: Readonly<Record<'bash' | 'zsh' | 'fish', string>>;
}

/** The layout below `root`, which is `/` but for images that are being built. */
export function layoutBelow(root: string): Layout {
  const below = (path: string) => `${root.replace(/\/+$/, '')}${path}`;
  return {
    releases: below('/opt/myaas'),
    link: below('/usr/bin/myaas'),
    units: below('/etc/systemd/system'),
    settings: below('/etc/myaas/myaas.env'),
    cache: below('/var/cache/myaas'),
    timerStamp: below('/var/lib/systemd/timers/stamp-myaas-update.timer'),
    manPage: below('/usr/share/man/man1/myaas.1'),
    completions: {
      bash: below('/usr/share/bash-completion/completions/myaas'),
      zsh: below('/usr/share/zsh/vendor-completions/_myaas'),
      fish: below('/usr/share/fish/vendor_completions.d/myaas.fish'),
    },
  };
}

/** Where the Debian package has what `releases` and `units` are in a layout. */
export const packaged = { program: '/usr/lib/myaas', units: '/usr/lib/systemd/system' } as const;
