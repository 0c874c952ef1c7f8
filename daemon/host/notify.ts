import { execa } from 'execa';
import { messageOf } from '../errors/error.ts';
import { errors } from '../errors/errors.ts';

/**
 * Tells systemd (`Type=notify`) how this service is; does nothing when systemd did not start it. By the program
 * `systemd-notify`, because Node has no datagram Unix sockets; so the unit needs `NotifyAccess=all`, for the message
 * comes from a child process (sd_notify(3), systemd-notify(1)).
 */
export async function notifySystemd(state: 'READY=1' | 'STOPPING=1'): Promise<void> {
  if (process.env['NOTIFY_SOCKET'] === undefined) return;
  try {
    await execa('systemd-notify', [state], { stdin: 'ignore' });
  } catch (error) {
    throw errors.programFailed(
      `systemd could not be told ${state}: ${messageOf(error)}`,
      'Set Type=exec in the unit, or mend systemd-notify.',
      error,
    );
  }
}
