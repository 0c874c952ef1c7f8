import assert from 'node:assert/strict';
import { exposedPorts } from '../../daemon/exposure.ts';

describe('the ports of the databases', () => {
  const ports = { from: 23_000, to: 23_999 };

  it('are told to be open to the network when they are, with what to do about it', () => {
    for (const bind of ['0.0.0.0', '::', '10.0.0.7']) {
      const exposed = exposedPorts({ bind, ports });
      assert.ok(exposed);
      assert.ok(exposed.detail.includes(bind), bind);
      assert.match(exposed.remedy, /--ssl/);
    }
  });

  it('are not on loopback', () => {
    for (const bind of ['127.0.0.1', '127.1.2.3', '::1'])
      assert.equal(exposedPorts({ bind, ports }), undefined);
  });
});
