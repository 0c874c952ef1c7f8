import assert from 'node:assert/strict';
import { newerServers } from '../../extension/servers.ts';

const server = (name: string, series: string, upgrades = true) => ({
  name,
  series,
  upgrades,
  image: '',
  imageReason: '',
});

describe('newer servers than a template has', () => {
  const engines = [
    server('mariadb', '11.8'),
    server('mariadb', '10.11'),
    server('mariadb', '11.8'),
    server('mariadb', '9.9'),
    server('mariadb', '12.1'),
    server('mysql', '99.1'),
    server('postgres', '18', false),
  ];

  it('are those of the same product that open its data, the newest first', () => {
    assert.deepEqual(newerServers(engines, 'mariadb', '10.11.6-MariaDB'), ['12.1', '11.8']);
    assert.deepEqual(newerServers(engines, 'mariadb', '11.8.3-MariaDB'), ['12.1']);
    assert.deepEqual(newerServers(engines, 'mariadb', '12.1.1-MariaDB'), []);
  });

  it('are not offered where nothing is known of its own, or nothing upgrades its data', () => {
    assert.deepEqual(newerServers(engines, 'mariadb', undefined), []);
    assert.deepEqual(newerServers(engines, 'postgres', '17.6'), []);
  });
});
