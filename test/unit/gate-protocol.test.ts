import assert from 'node:assert/strict';
import fc from 'fast-check';
import { Lines } from '../../daemon/gate/lines.ts';
import {
  formatMessage,
  GateMessage,
  parseMessage,
  ServeMessage,
  type Route,
} from '../../daemon/gate/protocol.ts';
import { mysqlRefusal, postgresRefusal } from '../../daemon/gate/refusal.ts';

const route: Route = { id: 'a1', port: 23_000, socket: '/run/myaas/a1/s', state: 'open' };

describe("the gate's protocol", () => {
  it('reads what it writes', () => {
    const messages: ServeMessage[] = [
      { type: 'sync', request: 1, routes: [route, { ...route, id: 'ü', state: 'held' }] },
      { type: 'set', request: 2, route },
      { type: 'remove', request: 3, id: 'a1' },
      { type: 'stats', request: 4 },
      { type: 'refused', reason: 'two\nlines' },
    ];
    const lines = new Lines(10_000).push(Buffer.from(messages.map(formatMessage).join('')));
    assert.deepEqual(
      lines?.map((line) => parseMessage(ServeMessage, line)),
      messages,
    );
  });

  it('ignores fields it does not know, so that the other side may be newer', () => {
    assert.notEqual(parseMessage(ServeMessage, '{"type":"stats","request":1,"since":5}'), undefined);
  });

  const hostile: Readonly<Record<string, string>> = {
    'an empty line': '',
    'no JSON': 'GET / HTTP/1.1',
    'JSON cut short': '{"type":"stats","request":1',
    'no object': '[1,2]',
    null: 'null',
    'an unknown type': '{"type":"obey","request":1}',
    'no request number': '{"type":"stats"}',
    'a request number that is text': '{"type":"stats","request":"1"}',
    'a negative request number': '{"type":"stats","request":-1}',
    'port 0': JSON.stringify({ type: 'set', request: 1, route: { ...route, port: 0 } }),
    'port 65536': JSON.stringify({ type: 'set', request: 1, route: { ...route, port: 65_536 } }),
    'port 1.5': JSON.stringify({ type: 'set', request: 1, route: { ...route, port: 1.5 } }),
    'an unknown state': JSON.stringify({ type: 'set', request: 1, route: { ...route, state: 'ajar' } }),
    'a socket longer than an address': JSON.stringify({
      type: 'set',
      request: 1,
      route: { ...route, socket: `/${'x'.repeat(107)}` },
    }),
    'an empty id': '{"type":"remove","request":1,"id":""}',
    'one bad route among good ones': JSON.stringify({ type: 'sync', request: 1, routes: [route, {}] }),
    'a prototype for a message': '{"__proto__":{"type":"stats","request":1}}',
  };
  for (const [what, line] of Object.entries(hostile)) {
    it(`refuses ${what}`, () => assert.equal(parseMessage(ServeMessage, line), undefined));
  }

  it("does not take serve's messages from the gate", () => {
    assert.equal(parseMessage(GateMessage, JSON.stringify({ type: 'set', request: 1, route })), undefined);
  });

  it('finds the same lines however the bytes are cut', () => {
    const line = fc.string({ unit: 'grapheme' }).filter((text) => !text.includes('\n'));
    fc.assert(
      fc.property(fc.array(line), fc.array(fc.nat({ max: 40 })), (texts, cuts) => {
        const bytes = Buffer.from(texts.map((text) => `${text}\n`).join(''));
        const lines = new Lines(bytes.length);
        const found: string[] = [];
        let start = 0;
        for (const length of [...cuts, bytes.length]) {
          found.push(...(lines.push(bytes.subarray(start, start + length)) ?? ['too long']));
          start += length;
        }
        assert.deepEqual(found, texts);
      }),
    );
  });

  it('gives up on a line that grows without end', () => {
    const lines = new Lines(8);
    assert.deepEqual(lines.push(Buffer.from('12345678\n1234')), ['12345678']);
    assert.deepEqual(lines.push(Buffer.from('5678')), []);
    assert.equal(lines.push(Buffer.from('9')), undefined);
  });

  it('tells a MySQL client of a missing server by an error packet, laid out as a server does', () => {
    const packet = mysqlRefusal('gone', Buffer.alloc(0));
    assert.deepEqual(packet, Buffer.from([7, 0, 0, 0, 0xff, 0x1d, 0x04, ...Buffer.from('gone')]));
  });

  it('tells a PostgreSQL client by an error, after "no" to one that asks for encryption first', () => {
    const startup = Buffer.from([0, 0, 0, 9, 0, 3, 0, 0, 0]);
    const error = postgresRefusal('gone', startup);
    assert.equal(error.toString('latin1', 5), 'SFATAL\0VFATAL\0C57P03\0Mgone\0\0');
    assert.equal(error.readUInt32BE(1), error.length - 1);
    for (const request of [0x2f, 0x30])
      assert.deepEqual(
        postgresRefusal('gone', Buffer.from([0, 0, 0, 8, 4, 0xd2, 0x16, request])),
        Buffer.concat([Buffer.from('N'), error]),
      );
  });
});
