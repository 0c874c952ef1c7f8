import { connect, type NetConnectOpts, type Socket } from 'node:net';

/**
 * Connects to a server. When the signal aborts, the connection breaks, and so does whatever is being asked then.
 * Node's own option for that would keep the socket, and all that hangs on it, for as long as the signal lives.
 */
export function connectSocket(address: NetConnectOpts, signal?: AbortSignal): Socket {
  const socket = connect(address);
  if (!signal) return socket;
  const cut = () => socket.destroy(signal.reason as Error);
  if (signal.aborted) cut();
  else {
    signal.addEventListener('abort', cut, { once: true });
    socket.once('close', () => signal.removeEventListener('abort', cut));
  }
  return socket;
}
