import assert from 'node:assert/strict';
import { getEventListeners, once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectSocket } from '../../daemon/engines/socket.ts';

describe("a connection to a server's socket", () => {
  let directory: string;
  let server: Server;
  let address: { readonly path: string };

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'socket-'));
    address = { path: join(directory, 's') };
    server = createServer((socket) => socket.on('error', () => undefined).resume()).listen(address.path);
    await once(server, 'listening');
  });
  after(async () => {
    server.close();
    await rm(directory, { recursive: true });
  });

  it('leaves nothing with a signal that outlives it', async () => {
    const { signal } = new AbortController();
    const socket = connectSocket(address, signal);
    await once(socket, 'connect');
    socket.destroy();
    await once(socket, 'close');
    assert.deepEqual(getEventListeners(signal, 'abort'), []);
  });

  it('breaks for the reason of its signal', async () => {
    const abort = new AbortController();
    const socket = connectSocket(address, abort.signal);
    await once(socket, 'connect');
    const reason = new Error('nobody waits');
    const broken = once(socket, 'error');
    abort.abort(reason);
    assert.deepEqual(await broken, [reason]);
  });

  it('breaks at once when its signal has aborted before', async () => {
    const reason = new Error('too late');
    assert.deepEqual(await once(connectSocket(address, AbortSignal.abort(reason)), 'error'), [reason]);
  });
});
