import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import fc from 'fast-check';
import { parseEvents } from '../../daemon/cli/events.ts';

async function parse(...chunks: string[]): Promise<string[]> {
  return Array.fromAsync(parseEvents(Readable.from(chunks)));
}

describe('server-sent events', () => {
  it('yields the data of each event', async () => {
    assert.deepEqual(await parse('id: 1\nevent: job\ndata: {"a":1}\n\nid: 2\ndata:{"b":2}\n\n'), [
      '{"a":1}',
      '{"b":2}',
    ]);
  });

  it('joins the data of several lines', async () => {
    assert.deepEqual(await parse('data: one\ndata: two\n\n'), ['one\ntwo']);
  });

  it('skips comments and events without data', async () => {
    assert.deepEqual(await parse(': still here\n\nevent: hello\n\ndata: x\n\n'), ['x']);
  });

  it('drops an event that was cut off by the end of the stream', async () => {
    assert.deepEqual(await parse('data: whole\n\ndata: ha'), ['whole']);
  });

  it('reads the same whatever the line ends and wherever the stream is cut', async () => {
    const events = fc.array(
      fc.string({ minLength: 1 }).map((text) => JSON.stringify(text)),
      { maxLength: 5 },
    );
    await fc.assert(
      fc.asyncProperty(
        events,
        fc.constantFrom('\n', '\r\n', '\r'),
        fc.array(fc.integer({ min: 1, max: 8 }), { minLength: 1 }),
        async (all, end, cuts) => {
          const text = all.map((data) => `id: 7${end}data: ${data}${end}${end}`).join('');
          const chunks: string[] = [];
          for (let at = 0; at < text.length; at += chunks.at(-1)?.length ?? 0) {
            chunks.push(text.slice(at, at + (cuts[chunks.length % cuts.length] ?? 1)));
          }
          // A lone CR at the very end may be half of a CRLF, so that the last event is not complete yet.
          assert.deepEqual(await parse(...chunks, '\n'), all);
        },
      ),
    );
  });
});
