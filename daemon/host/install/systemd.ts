/** What an installation asks of systemd. Where it does not run, units are put in place and that is all. */
import { findProgram, runProgram } from '../../drivers/program.ts';
import { isSystemdRunning } from '../dockerd.ts';
import { enabledUnits, unitNames } from './layout.ts';

const systemctl = (...args: readonly string[]) =>
  runProgram('systemctl', args, { remedy: 'See "journalctl -u myaas -u myaas-gate".' });

/** Has systemd read the units, and start them at boot; not again what an operator has disabled since. */
export async function adoptUnits({ first }: { first: boolean }): Promise<void> {
  if (!(await findProgram('systemctl'))) return;
  if (await isSystemdRunning()) await systemctl('daemon-reload');
  if (first) await systemctl('--quiet', 'enable', ...enabledUnits);
}

/** Starts what does not run, and the daemon anew when `restart` says so. Returns when it answers. */
export async function startServices({ restart }: { restart: readonly string[] }): Promise<void> {
  await systemctl('start', 'myaas-gate.service', 'myaas-update.timer');
  if (restart.length > 0) await systemctl('restart', ...restart);
  await systemctl('start', 'myaas.service');
}

export async function isActive(unit: string): Promise<boolean> {
  return (await systemctl('show', '--property=ActiveState', '--value', unit)) === 'active';
}

/** Whether the service is to run on this machine: installed, and not disabled since. */
export async function isEnabled(unit: string): Promise<boolean> {
  if (!(await isSystemdRunning())) return false;
  const state = await systemctl('show', '--property=UnitFileState', '--value', unit);
  return state === 'enabled';
}

/** Stops the services, and forgets that they were to be started. */
export async function dropUnits(): Promise<void> {
  if (!(await findProgram('systemctl'))) return;
  const running = await isSystemdRunning();
  // Unknown ones, from an installation that was not finished, are none of its errors.
  const known: string[] = [];
  for (const unit of unitNames) {
    if (!running) known.push(unit);
    else if ((await systemctl('show', '--property=LoadState', '--value', unit)) === 'loaded')
      known.push(unit);
  }
  if (running && known.length > 0) await systemctl('stop', ...known);
  const enabled = known.filter((unit) => enabledUnits.includes(unit));
  if (enabled.length > 0) await systemctl('--quiet', 'disable', ...enabled);
}

/** Has systemd notice that the units are gone. */
export async function forgetUnits(): Promise<void> {
  if (!(await isSystemdRunning())) return;
  await systemctl('daemon-reload');
  await systemctl('reset-failed');
}
