import type { Protocol } from './protocol.ts';

/** What a client reads in place of its server's first words when there is no server to say them. */
export type Refusal = (text: string) => Buffer;

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

/**
 * An ErrorResponse of PostgreSQL, which clients take in answer to whatever they begin with. 57P03, cannot_connect_now, is
 * what a server says that starts or stops. (https://www.postgresql.org/docs/current/protocol-message-formats.html)
 */
export const postgresRefusal: Refusal = (text) => {
  const fields = Buffer.from(`SFATAL\0VFATAL\0C57P03\0M${text.replaceAll('\0', '')}\0\0`, 'utf8');
  const header = Buffer.alloc(5);
  header.write('E', 0, 'latin1');
  header.writeUInt32BE(4 + fields.length, 1);
  return Buffer.concat([header, fields]);
};

/** An error of Redis and Valkey: one line. (https://valkey.io/topics/protocol/) */
export const redisRefusal: Refusal = (text) =>
  Buffer.from(`-ERR ${text.replace(/[\r\n]+/g, ' ')}\r\n`, 'utf8');

export const refusals: Readonly<Record<Protocol, Refusal>> = {
  mysql: mysqlRefusal,
  postgres: postgresRefusal,
  redis: redisRefusal,
};
