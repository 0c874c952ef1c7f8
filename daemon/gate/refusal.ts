/** What a client reads in place of its server's greeting when there is no server to greet it. */
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
