import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect as connectTcp, type Socket } from 'node:net';
import { join } from 'node:path';
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from 'node:tls';
import { makeCertificate } from '../../daemon/engines/certificate.ts';
import { Gate } from '../../daemon/gate/gate.ts';
import type { Protocol, Route, Sight, TlsTerms } from '../../daemon/gate/protocol.ts';
import { Client, databaseServer, freePort, Logged, temporaryDirectory } from './gate-peers.ts';

async function makeTerms(required = false): Promise<TlsTerms> {
  const { certificatePem, privateKeyPem } = await makeCertificate();
  return { certificate: certificatePem, key: privateKeyPem, required };
}

/** A gate with certificate, a server that says what it hears, and a route to it. */
async function workplace(
  protocol: Protocol,
  { required = false, state = 'open' }: { required?: boolean; state?: Route['state'] } = {},
) {
  const cleanup = new AsyncDisposableStack();
  const directory = cleanup.use(await temporaryDirectory());
  const gate = new Gate({ bind: '127.0.0.1', log: new Logged() });
  cleanup.defer(() => gate.close());
  const socket = join(directory.path, 'one');
  cleanup.use(
    await databaseServer(
      socket,
      (peer) => void peer.on('data', (chunk) => peer.write(`heard ${chunk.toString()};`)),
    ),
  );
  const route: Route = { id: 'one', port: await freePort(), socket, state, protocol };
  const terms = await makeTerms(required);
  await gate.sync([route], terms);
  const raw = async () => {
    const client = cleanup.use(new Client(route.port));
    await client.connected();
    return client;
  };
  const encrypted = async (carrier: Socket, { certificate }: TlsTerms, options: ConnectionOptions = {}) => {
    const client = connectTls({
      socket: carrier,
      ca: certificate,
      checkServerIdentity: () => undefined,
      ...options,
    });
    cleanup.defer(() => void client.destroy());
    await once(client, 'secureConnect');
    return client;
  };
  return { gate, route, terms, raw, encrypted, [Symbol.asyncDispose]: () => cleanup.disposeAsync() };
}

const request = (code: number): Buffer => {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt32BE(8, 0);
  bytes.writeUInt32BE(code, 4);
  return bytes;
};
const sslRequest = request(80_877_103);
const gssRequest = request(80_877_104);

/** A connection whose bytes nobody takes before `connectTls` does. */
async function carrierTo(port: number, ask?: Buffer): Promise<Socket> {
  const carrier = connectTcp({ port, host: '127.0.0.1' });
  await once(carrier, 'connect');
  if (ask) {
    carrier.write(ask);
    const [answer] = (await once(carrier, 'data')) as [Buffer];
    carrier.pause();
    assert.equal(answer.toString(), 'S');
  }
  return carrier;
}

async function answerTo(client: TLSSocket, words: string): Promise<string> {
  client.write(words);
  const [answer] = (await once(client, 'data')) as [Buffer];
  return answer.toString();
}

describe('the gate with a certificate', () => {
  it('encrypts for clients of PostgreSQL that ask for it', async () => {
    await using at = await workplace('postgres');
    const client = await at.encrypted(await carrierTo(at.route.port, sslRequest), at.terms);
    assert.equal(await answerTo(client, 'startup'), 'heard startup;');
    assert.equal(await answerTo(client, 'query'), 'heard query;');
  });

  it('encrypts for those that begin with TLS, by its name', async () => {
    await using at = await workplace('postgres');
    const client = await at.encrypted(await carrierTo(at.route.port), at.terms, {
      ALPNProtocols: ['postgresql'],
    });
    assert.equal(client.alpnProtocol, 'postgresql');
    assert.equal(await answerTo(client, 'startup'), 'heard startup;');
  });

  it('has no GSSAPI, and is asked for TLS after that', async () => {
    await using at = await workplace('postgres');
    const carrier = await carrierTo(at.route.port);
    carrier.write(gssRequest);
    const [answer] = (await once(carrier, 'data')) as [Buffer];
    assert.equal(answer.toString(), 'N');
    carrier.write(sslRequest);
    const [second] = (await once(carrier, 'data')) as [Buffer];
    carrier.pause();
    assert.equal(second.toString(), 'S');
    const client = await at.encrypted(carrier, at.terms);
    assert.equal(await answerTo(client, 'startup'), 'heard startup;');
  });

  it('takes nothing that was slipped in before the encryption', async () => {
    await using at = await workplace('postgres');
    const client = await at.raw();
    client.socket.write(Buffer.concat([sslRequest, Buffer.from('injected')]));
    await client.over();
    assert.equal(client.received.toString(), '');
  });

  it('encrypts for clients of Valkey and Redis', async () => {
    await using at = await workplace('redis');
    const client = await at.encrypted(await carrierTo(at.route.port), at.terms);
    assert.equal(await answerTo(client, 'PING'), 'heard PING;');
  });

  for (const [protocol, words] of [
    ['postgres', '\0\0\0\x10a startup message'],
    ['redis', 'PING\r\n'],
    ['mysql', 'whatever'],
  ] as const) {
    it(`serves ${protocol} as it is, when nothing else is wanted`, async () => {
      await using at = await workplace(protocol);
      const client = await at.raw();
      client.socket.write(words);
      await client.heard(`heard ${words};`);
    });
  }

  it('hears a client whose first words come in pieces', async () => {
    await using at = await workplace('postgres');
    const client = await at.raw();
    for (const byte of sslRequest) {
      client.socket.write(Buffer.of(byte));
      await new Promise((resolve) => setImmediate(resolve));
    }
    await client.heard('S');
  });

  it('closes on those who talk nonsense instead of a handshake', async () => {
    await using at = await workplace('redis');
    const client = await at.raw();
    client.socket.write(Buffer.of(0x16, 3, 1, 0, 5, 1, 2, 3, 4, 5));
    await client.over();
    assert.ok(!client.received.includes('heard'));
  });

  it('has new clients see a renewed certificate, and the others go on', async () => {
    await using at = await workplace('redis');
    const before = await at.encrypted(await carrierTo(at.route.port), at.terms);
    const renewed = await makeTerms();
    await at.gate.secure(renewed);
    const after = await at.encrypted(await carrierTo(at.route.port), renewed);
    assert.equal(await answerTo(after, 'PING'), 'heard PING;');
    assert.equal(await answerTo(before, 'PING'), 'heard PING;');
    await assert.rejects(at.encrypted(await carrierTo(at.route.port), at.terms), /self.signed/);
  });

  it('wakes an instance for those who are through, and holds them', async () => {
    await using at = await workplace('postgres', { state: 'asleep' });
    const sights: Sight[] = [];
    at.gate.sights.on('sight', (sight) => sights.push(sight));
    await at.raw();
    const carrier = await carrierTo(at.route.port, sslRequest);
    assert.deepEqual(sights, [], 'it woke for somebody who had not said a word');
    const told = once(at.gate.sights, 'sight');
    const client = await at.encrypted(carrier, at.terms);
    assert.deepEqual(await told, [{ type: 'wake', id: 'one' }]);
    client.write('startup');
    await at.gate.set({ ...at.route, state: 'open' });
    const [answer] = (await once(client, 'data')) as [Buffer];
    assert.equal(answer.toString(), 'heard startup;');
  });

  it('cuts everybody when a port is freed, whatever they are at', async () => {
    await using at = await workplace('postgres');
    const silent = await at.raw();
    const asking = await at.raw();
    asking.socket.write(sslRequest);
    await asking.heard('S');
    await at.gate.remove('one');
    await Promise.all([silent.over(), asking.over()]);
  });

  describe('that requires TLS', () => {
    it('tells clients of PostgreSQL that come without', async () => {
      await using at = await workplace('postgres', { required: true });
      const client = await at.raw();
      client.socket.write('\0\0\0\x10a startup message');
      await client.heard('must use TLS');
      await client.over();
      assert.equal(client.received.toString('latin1', 0, 1), 'E');
      const encrypted = await at.encrypted(await carrierTo(at.route.port, sslRequest), at.terms);
      assert.equal(await answerTo(encrypted, 'startup'), 'heard startup;');
    });

    it('tells clients of Valkey', async () => {
      await using at = await workplace('redis', { required: true });
      const client = await at.raw();
      client.socket.write('PING\r\n');
      await client.heard('-ERR MyAAS: Connections to this database must use TLS');
      await client.over();
    });

    /** A client's first packet: its length, its number, and what it can. */
    const firstPacket = (capabilities: number): Buffer => {
      const packet = Buffer.alloc(36);
      packet.writeUIntLE(32, 0, 3);
      packet.writeUInt8(1, 3);
      packet.writeUInt32LE(capabilities, 4);
      return packet;
    };

    it('tells clients of MySQL, in answer to their first packet', async () => {
      await using at = await workplace('mysql', { required: true });
      const client = await at.raw();
      client.socket.write(firstPacket(0x200));
      await client.heard('must use TLS');
      await client.over();
      assert.equal(client.received.readUInt8(3), 2);
      assert.equal(client.received.readUInt8(4), 0xff);
      assert.equal(client.received.readUInt16LE(5), 3159);
      assert.ok(!client.received.includes('heard'), 'its server heard of it');
    });

    it('lets those of MySQL through that go on by TLS with their server', async () => {
      await using at = await workplace('mysql', { required: true });
      const client = await at.raw();
      client.socket.write(firstPacket(0xa00));
      await client.heard('heard ');
      client.socket.write('more');
      await client.heard('heard more;');
    });
  });
});
