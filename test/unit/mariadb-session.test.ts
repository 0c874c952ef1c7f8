import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rename, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { mariadb } from '../../daemon/engines/mariadb.ts';

const account = { username: 'nobody', password: 'none' };

describe('asking a MariaDB server', () => {
  let directory: string;
  let server: Server;

  const listen = async (): Promise<string> => {
    server.listen(`${directory}/listening`);
    await once(server, 'listening');
    return `${directory}/listening`;
  };

  beforeEach(async () => {
    directory = await mkdtemp(`${tmpdir()}/session-`);
    server = createServer();
  });
  afterEach(async () => {
    server.close();
    await rm(directory, { recursive: true });
  });

  it('that has died, and left its socket, is refused at once', async () => {
    const left = `${directory}/left`;
    await rename(await listen(), left);
    server.close();
    await once(server, 'close');
    await assert.rejects(mariadb.login(left, account, 'shop', new AbortController().signal), {
      code: 'ECONNREFUSED',
    });
  });

  it('that says nothing ends when the question is given up', async () => {
    const socketPath = await listen();
    const connected = once(server, 'connection');
    const giveUp = new AbortController();
    const answer = mariadb.work(socketPath, account, 'shop', giveUp.signal);
    await connected;
    giveUp.abort(new Error('given up'));
    await assert.rejects(answer, { message: 'given up' });
  });
});
