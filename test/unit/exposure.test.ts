import assert from 'node:assert/strict';
import { exposedPorts } from '../../daemon/exposure.ts';

describe('the ports of the databases', () => {
  const plain = { ports: { from: 23_000, to: 23_999 }, requireTls: false, tlsCert: undefined };

  it('are told to be open to the network when they are, with what to do about it', () => {
    for (const bind of ['0.0.0.0', '::', '10.0.0.7']) {
      const exposed = exposedPorts({ bind, ...plain });
      assert.ok(exposed);
      assert.ok(exposed.detail.includes(bind), bind);
      assert.match(exposed.remedy, /MYAAS_REQUIRE_TLS/);
    }
  });

  it('are told to be encrypted for some alone, without a certificate', () => {
    const tlsCert = '/etc/myaas/cert.pem';
    assert.match(exposedPorts({ ...plain, bind: '::' })?.detail ?? '', /only clients of MySQL and MariaDB/);
    assert.match(exposedPorts({ ...plain, bind: '::', tlsCert })?.detail ?? '', /only clients that ask/);
  });

  it('are not where TLS is required', () => {
    assert.equal(exposedPorts({ ...plain, bind: '0.0.0.0', requireTls: true }), undefined);
  });

  it('are not on loopback', () => {
    for (const bind of ['127.0.0.1', '127.1.2.3', '::1'])
      assert.equal(exposedPorts({ bind, ...plain }), undefined);
  });
});
