/**
 * TLS between clients and the gate, for products whose servers have none on a Unix socket: there it ends, and the
 * rest of the way is a socket of this machine. MySQL's and MariaDB's servers see to it themselves, end to end.
 */
import type { Socket } from 'node:net';
import { createServer, type Server, type TLSSocket } from 'node:tls';
import type { Protocol, TlsTerms } from './protocol.ts';
import { encryptionRequestBytes, encryptionRequestOf } from './refusal.ts';

/** How long a client may take to say what it wants, and for the handshake. */
const patienceMs = 10_000;
/** The first byte of a TLS handshake. */
const tlsRecord = 0x16;

/** What a client has begun with: `more` is needed to tell; `cut`: nobody honest does that. */
type Opening = 'more' | 'plain' | 'tls' | 'asks for tls' | 'asks for gssapi' | 'cut';

const openings: Readonly<Record<Protocol, ((begun: Buffer) => Opening) | undefined>> = {
  mysql: undefined,
  postgres: (begun) => {
    if (begun[0] === tlsRecord) return 'tls';
    if (begun.length < encryptionRequestBytes) return 'more';
    const request = encryptionRequestOf(begun);
    if (!request) return 'plain';
    // What came before the encryption might be somebody else's, and would pass for the client's (CVE-2021-23214).
    if (begun.length > encryptionRequestBytes) return 'cut';
    return request === 'tls' ? 'asks for tls' : 'asks for gssapi';
  },
  redis: (begun) => (begun[0] === tlsRecord ? 'tls' : 'plain'),
};

/** Whether clients of the protocol need the gate for TLS. */
export const encrypts = (protocol: Protocol): boolean => openings[protocol] !== undefined;

export interface EncryptionOptions {
  readonly protocol: Protocol;
  readonly terms: TlsTerms;
  /** Called for each client that is through: with the socket of what it says in the clear. */
  readonly onClient: (client: Socket, encrypted: boolean) => void;
}

/** The clients of one port, from their first byte until it is known whether they use TLS, and its handshake is over. */
export class Encryption {
  readonly #openingOf: (begun: Buffer) => Opening;
  readonly #onClient: EncryptionOptions['onClient'];
  readonly #tls: Server;
  readonly #underWay = new Set<Socket>();

  constructor({ protocol, terms, onClient }: EncryptionOptions) {
    this.#openingOf = openings[protocol] ?? (() => 'plain');
    this.#onClient = onClient;
    // Clients of PostgreSQL that begin with TLS insist on its name.
    const more = protocol === 'postgres' ? { ALPNProtocols: ['postgresql'] } : {};
    this.#tls = createServer({ ...contextOf(terms), ...more, handshakeTimeout: patienceMs });
    this.#tls.on('secureConnection', (client) => this.#onClient(client, true));
    this.#tls.on('tlsClientError', (_error: Error, client: TLSSocket) => client.destroy());
  }

  /** Those who are through by TLS count as long as they are connected. */
  get underWay(): number {
    return this.#underWay.size;
  }

  /** For clients that come from now on. Throws OpenSSL's error. */
  renew(terms: TlsTerms): void {
    this.#tls.setSecureContext(contextOf(terms));
  }

  take(client: Socket): void {
    this.#underWay.add(client);
    client.on('error', () => client.destroy());
    client.once('close', () => this.#underWay.delete(client));
    const timer = setTimeout(() => client.destroy(), patienceMs);
    client.once('close', () => clearTimeout(timer));
    // One that leaves before it has said what it wants.
    const leave = () => client.destroy();
    client.once('end', leave);
    let begun = Buffer.alloc(0);
    // Not by `data`: then the socket would flow on, and lose what comes before somebody else listens.
    const look = () => {
      const chunk = client.read() as Buffer | null;
      if (chunk === null) return;
      begun = Buffer.concat([begun, chunk]);
      const opening = this.#openingOf(begun);
      if (opening === 'more') return;
      if (opening === 'asks for gssapi') {
        begun = Buffer.alloc(0);
        client.write('N');
        return;
      }
      client.off('readable', look).off('end', leave);
      clearTimeout(timer);
      this.#goOn(client, opening, begun);
    };
    client.on('readable', look);
  }

  /** Cuts those who are not through. */
  close(): void {
    for (const client of this.#underWay) client.destroy();
  }

  #goOn(client: Socket, opening: Exclude<Opening, 'more' | 'asks for gssapi'>, begun: Buffer): void {
    switch (opening) {
      case 'cut':
        client.destroy();
        return;
      case 'plain':
        client.unshift(begun);
        this.#underWay.delete(client);
        this.#onClient(client, false);
        return;
      case 'tls':
        client.unshift(begun);
        this.#tls.emit('connection', client);
        return;
      case 'asks for tls':
        client.write('S');
        this.#tls.emit('connection', client);
    }
  }
}

const contextOf = ({ certificate, key }: TlsTerms) =>
  ({ cert: certificate, key, minVersion: 'TLSv1.2' }) as const;
