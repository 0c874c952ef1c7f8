import assert from 'node:assert/strict';
import type { TestHost } from '../support/daemon.ts';
import { Wire } from '../fuzz/send.ts';
import { fuzz, openTarget } from '../fuzz/api.ts';

/** The long form is `npm run fuzz`. */
const requests = 3000;

describe('the HTTP API, sent whatever a client can send', () => {
  let host: TestHost;

  before(async () => {
    host = await openTarget();
  });
  after(() => host.stop());

  for (const over of ['tcp', 'socket'] as const) {
    it(`answers what is no request in the envelope of all errors, over ${over}`, async () => {
      using wire = new Wire({ port: host.config.listen.port, socketPath: host.paths.apiSocket, tokens: {} });
      const heard = await wire.sendRaw({ over, bytes: Buffer.from('good morning\r\n\r\n') });
      assert.match(heard, /^HTTP\/1\.1 400 Bad Request\r\n/);
      assert.match(heard, /"code":"MYAAS_BAD_REQUEST"/);
    });
  }

  it('never fails, answers as its document says, and leaves nothing behind', async function () {
    this.timeout(600_000);
    const seed = Date.now() % 2 ** 31;
    const { defects, statuses } = await fuzz(host, { requests, seed });
    assert.deepEqual(defects, [], `seed ${String(seed)}`);
    // Most of it is refused, but not all, or nothing would have been tried.
    for (const status of ['200', '400', '401', '403', '404']) assert.ok((statuses[status] ?? 0) > 0, status);
  });
});
