import type { Protocol } from './protocol.ts';

/**
 * What a client reads in place of its server's first words when there is no server to say them. `begun` is what the client
 * itself has begun with, where it is the one that does.
 */
export type Refusal = (text: string, begun: Buffer) => Buffer;

const erServerShutdown = 1053;
/** MYSQL_ERRMSG_SIZE, its closing zero included: what a client's buffer holds. */
const maxMessageBytes = 511;

/**
 * An ERR packet as MySQL and MariaDB send it before the handshake: without an SQL state, for the client's
 * capabilities are not known yet. 1053 is what a server says that is going down; clients and pools know it as
 * "try again". (https://mariadb.com/kb/en/err_packet/)
 */
export const mysqlRefusal: Refusal = (text) => {
  const message = Buffer.from(text, 'utf8').subarray(0, maxMessageBytes);
  const packet = Buffer.alloc(7 + message.length);
  packet.writeUIntLE(3 + message.length, 0, 3); // payload length; the sequence number after it stays 0
  packet.writeUInt8(0xff, 4);
  packet.writeUInt16LE(erServerShutdown, 5);
  message.copy(packet, 7);
  return packet;
};

/** What a client of PostgreSQL may ask for first: a length of 8, and a number in the place of a version. */
const encryptionRequests: ReadonlyMap<number, 'tls' | 'gssapi'> = new Map([
  [80_877_103, 'tls'],
  [80_877_104, 'gssapi'],
]);
export const encryptionRequestBytes = 8;

/** Which encryption a client of PostgreSQL begins with asking for. */
export function encryptionRequestOf(begun: Buffer): 'tls' | 'gssapi' | undefined {
  if (begun.length < encryptionRequestBytes || begun.readUInt32BE(0) !== encryptionRequestBytes)
    return undefined;
  return encryptionRequests.get(begun.readUInt32BE(4));
}

/**
 * An ErrorResponse of PostgreSQL. 57P03, cannot_connect_now, is what a server says that starts or stops. Who asks for
 * encryption first believes no error in answer to that (CVE-2024-10977), and is told "no".
 * (https://www.postgresql.org/docs/current/protocol-message-formats.html)
 */
export const postgresRefusal: Refusal = (text, begun) => {
  const fields = Buffer.from(`SFATAL\0VFATAL\0C57P03\0M${text.replaceAll('\0', '')}\0\0`, 'utf8');
  const header = Buffer.alloc(5);
  header.write('E', 0, 'latin1');
  header.writeUInt32BE(4 + fields.length, 1);
  return Buffer.concat([Buffer.from(encryptionRequestOf(begun) ? 'N' : ''), header, fields]);
};

/** What a client says of itself in its first packet: that it goes on by TLS. */
const clientSsl = 0x0800;
const packetHeaderBytes = 4;

/** Whether a client of MySQL goes on by TLS; one that does says so in one piece. (https://mariadb.com/kb/en/connection/) */
export const asksMysqlForTls = (begun: Buffer): boolean =>
  begun.length >= packetHeaderBytes + 2 && (begun.readUInt16LE(packetHeaderBytes) & clientSsl) !== 0;

const erSecureTransportRequired = 3159;

/** The ERR packet for one that does not, in answer to its first packet. */
export function mysqlNeedsTls(text: string): Buffer {
  const message = Buffer.from(`#HY000${text}`, 'utf8').subarray(0, maxMessageBytes);
  const packet = Buffer.alloc(7 + message.length);
  packet.writeUIntLE(3 + message.length, 0, 3);
  packet.writeUInt8(2, 3); // after the server's greeting and the client's answer
  packet.writeUInt8(0xff, 4);
  packet.writeUInt16LE(erSecureTransportRequired, 5);
  message.copy(packet, 7);
  return packet;
}

/** An error of Redis and Valkey: one line. (https://valkey.io/topics/protocol/) */
export const redisRefusal: Refusal = (text) =>
  Buffer.from(`-ERR ${text.replace(/[\r\n]+/g, ' ')}\r\n`, 'utf8');

/** Whose clients speak first, so that what they are told depends on it. */
export const clientsBegin: Readonly<Record<Protocol, boolean>> = {
  mysql: false,
  postgres: true,
  redis: false,
};

export const refusals: Readonly<Record<Protocol, Refusal>> = {
  mysql: mysqlRefusal,
  postgres: postgresRefusal,
  redis: redisRefusal,
};
