/** Text on its way to the plain client, which keeps the lines of the dump. */
import { countNewlines, newline } from './pieces.ts';

const lineEnd = Buffer.from([newline]);

export class ClientText {
  /** The end of a line that was not sent yet: room for a question of ours, which must not shift the lines. */
  owesNewline = false;

  *send(bytes: Buffer): Generator<Buffer> {
    if (bytes.length === 0) return;
    yield* this.payNewline();
    this.owesNewline = bytes[bytes.length - 1] === newline;
    if (this.owesNewline) bytes = bytes.subarray(0, -1);
    // Whoever gets it may keep it for a while.
    if (bytes.length > 0) yield Buffer.from(bytes);
  }

  /** Sends what is owed, and owes nothing any more. */
  *payNewline(): Generator<Buffer> {
    if (this.owesNewline) yield lineEnd;
    this.owesNewline = false;
  }

  /** Sends nothing but the line breaks of what the client is not to see. */
  *leaveOut(bytes: Buffer): Generator<Buffer> {
    yield* this.send(Buffer.alloc(countNewlines(bytes), '\n'));
  }
}
