import assert from 'node:assert/strict';
import type { Instance } from '../../daemon/contract/instances.ts';
import { commandIds } from '../../extension/manifest.ts';
import {
  iconOfInstance,
  lookOfInstance,
  tooltipCommands,
  tooltipOfInstance,
} from '../../extension/views/instance-look.ts';
import { lookOfTemplate, lookOfVersion, tooltipOfTemplate } from '../../extension/views/template-look.ts';
import { engine, left, moment, size, span } from '../../extension/views/units.ts';
import type { Wording } from '../../extension/views/wording.ts';
import {
  anImport,
  anInstance,
  aTemplate,
  aVersion,
  english as wording,
} from '../support/extension-samples.ts';

const at = (time: string): Wording => ({ ...wording, now: new Date(time) });
const own = { isOwn: true, isUsed: false, engineVersion: '11.8.3-MariaDB' };

describe('A size', () => {
  it('is told in decimal units, with a decimal where it matters', () => {
    const said = [0, 999, 1000, 1_540_000, 42_000_000_000, 999_600_000, 3e15].map(size);
    assert.deepEqual(said, ['0 B', '999 B', '1.0 kB', '1.5 MB', '42 GB', '1.0 GB', '3.0 PB']);
  });
});

describe('A time', () => {
  it('is as long as its one largest unit, rounded', () => {
    const seconds = [20, 60, 119 * 60, 120 * 60 - 1, 47 * 3600, 48 * 3600 - 1, 7 * 86_400 - 1];
    const said = seconds.map((s) => span(s * 1000, wording));
    assert.deepEqual(said, ['1 min', '1 min', '119 min', '2 h', '47 h', '2 d', '7 d']);
  });

  it('that is left of a lease is coarse, or over, or without end', () => {
    assert.equal(left('2026-03-07T12:00:00Z', wording), '2 d left');
    assert.equal(left('2026-03-05T11:59:59Z', wording), 'expired');
    assert.equal(left(null, wording), 'never expires');
  });

  it('is told as people do', () => {
    const said = [
      '2026-03-05T06:12:00Z',
      '2026-03-04T23:40:00Z',
      '2026-03-06T00:05:00Z',
      '2026-01-03T10:00:00Z',
      '2024-11-03T10:00:00Z',
    ].map((time) => moment(time, wording));
    assert.deepEqual(said, ['today 06:12', 'yesterday 23:40', 'tomorrow 00:05', 'Jan 3', 'Nov 3, 2024']);
  });

  it('is the user’s, not UTC', () => {
    assert.equal(moment('2026-03-05T23:30:00Z', { ...wording, timeZone: 'Asia/Tokyo' }), 'tomorrow 08:30');
  });
});

describe('A server', () => {
  it('is named by product and release', () => {
    assert.equal(engine('mariadb', '10.11.14-MariaDB-0+deb12u2'), 'mariadb 10.11');
    assert.equal(engine('mariadb', undefined), 'mariadb');
  });
});

describe('A database’s node', () => {
  it('says template, server and lease', () => {
    const { label, description } = lookOfInstance(anInstance(), own, wording);
    assert.deepEqual([label, description], ['checkout-fix', 'shop · mariadb 11.8 · 2 d left']);
  });

  it('says whose it is when it is not ours, and that it is protected', () => {
    const look = lookOfInstance(
      anInstance({ owner: 'bob', protected: true }),
      { ...own, isOwn: false },
      wording,
    );
    assert.equal(look.description, 'shop · mariadb 11.8 · bob · 2 d left · protected');
  });

  const states: readonly [Partial<Instance>, icon: string, says: RegExp][] = [
    [{ state: 'creating' }, 'loading~spin', /being made/],
    [{ state: 'ready' }, 'circle-filled', /2 d left/],
    [{ state: 'asleep' }, 'circle-outline', /2 d left/],
    [{ state: 'ready', expiresAt: '2026-03-05T12:29:00Z' }, 'warning', /29 min left/],
    [{ state: 'asleep', expiresAt: '2026-03-05T12:29:00Z' }, 'warning', /29 min left/],
    [{ state: 'waking' }, 'loading~spin', /waking up/],
    [{ state: 'resetting' }, 'sync~spin', /being reset/],
    [{ state: 'deleting' }, 'loading~spin', /being deleted/],
    [{ state: 'failed', failure: 'no space' }, 'error', /failed/],
  ];
  for (const [more, icon, says] of states) {
    it(`has the icon ${icon} while it is ${JSON.stringify(more)}`, () => {
      const look = lookOfInstance(anInstance(more), own, wording);
      assert.equal(look.icon.name, icon);
      assert.match(look.description, says);
    });
  }

  it('is read aloud in whole words, with what only the icon and the mark show', () => {
    const { spoken } = lookOfInstance(
      anInstance({ state: 'asleep', protected: true }),
      { ...own, isUsed: true },
      wording,
    );
    assert.equal(
      spoken,
      'Database checkout-fix, template shop, asleep, the first connection wakes it, 2 d left, owner alice, protected, used by this workspace',
    );
    const failed = lookOfInstance(anInstance({ state: 'failed', failure: 'no space' }), own, wording);
    assert.match(failed.spoken, /failed: no space/);
  });

  it('offers what can be done with it', () => {
    const valueOf = (more: Partial<Instance>, isOwn = true) =>
      lookOfInstance(anInstance(more), { ...own, isOwn }, wording).contextValue;
    assert.equal(valueOf({}), 'instance own usable');
    assert.equal(valueOf({ protected: true }), 'instance own protected usable');
    assert.equal(valueOf({ state: 'asleep' }), 'instance own asleep usable');
    assert.equal(valueOf({ state: 'waking' }), 'instance own');
    assert.equal(valueOf({ state: 'failed' }), 'instance own failed');
    assert.equal(valueOf({ state: 'creating' }, false), 'instance');
  });

  it('looks the same a minute later, so that nothing flickers', () => {
    const look = (now: string) => lookOfInstance(anInstance(), own, at(now));
    assert.deepEqual(look('2026-03-05T12:00:00Z'), look('2026-03-05T11:59:00Z'));
    assert.notDeepEqual(
      iconOfInstance(anInstance(), new Date('2026-03-07T11:40:00Z')),
      look('2026-03-05T12:00:00Z').icon,
    );
  });
});

describe('A database’s tooltip', () => {
  const tooltip = (more: Partial<Instance> = {}, setting = own) =>
    tooltipOfInstance(anInstance(more), setting, aVersion(), wording);

  it('says where it is, what is in it, whose it is, how long, and how it was made', () => {
    const text = tooltip();
    const rows = [
      '| Address | `127.0.0.1:23001` |',
      '| Template | shop, data of yesterday 23:40 |',
      '| Size | 42 GB |',
      '| Owner | alice |',
      '| Lease | 2 d left (Mar 7) |',
      '| Made | today 09:00, from a snapshot, in 130 ms |',
    ];
    for (const row of rows) assert.ok(text.includes(row), `${row} is not in\n${text}`);
  });

  it('never says the password', () => {
    const text = tooltip({ password: 'secret-of-a', url: 'mysql://myaas:secret-of-a@127.0.0.1:23001/shop' });
    assert.doesNotMatch(text, /secret-of-a/);
  });

  it('links to three commands, and only for what they would do', () => {
    const links = [...tooltip().matchAll(/\(command:([^?)]+)\?([^)]+)\)/g)];
    assert.deepEqual(
      links.map(([, command]) => command),
      [...tooltipCommands],
    );
    assert.equal(tooltipCommands.length, 3);
    assert.deepEqual(JSON.parse(decodeURIComponent(links[0]?.[2] ?? '')), [{ kind: 'instance', id: 'b1' }]);
    assert.doesNotMatch(tooltip({}, { ...own, isOwn: false }), /command:/);
    assert.doesNotMatch(tooltip({ state: 'failed', failure: 'no space' }), /command:/);
  });

  it('lets no name or failure make links, icons or table cells of its own', () => {
    const text = tooltip({
      state: 'failed',
      failure: `[x](command:${commandIds.deleteDatabase}) $(trash) | a\nb`,
    });
    assert.doesNotMatch(text, /\]\(command:/);
    assert.doesNotMatch(text, /(?<!\\)\$\(trash/);
  });
});

describe('A template’s node', () => {
  it('says its size and when it was refreshed', () => {
    const { label, description, contextValue } = lookOfTemplate(aTemplate(), wording);
    assert.deepEqual(
      [label, description, contextValue],
      ['shop', '42 GB · refreshed today 06:12 · 1 ready at once', 'template usable'],
    );
  });

  it('says how many of it are there before anybody asks, and nothing of those in the making', () => {
    const look = (ready: number, making: number) => {
      const template = aTemplate({ pool: { ready, making, target: 3 } });
      return [lookOfTemplate(template, wording), tooltipOfTemplate(template, wording)] as const;
    };
    const [{ description, spoken }, tooltip] = look(2, 0);
    for (const said of [description, spoken, tooltip]) assert.match(said, /2 ready at once/);
    assert.deepEqual(look(2, 1), look(2, 0));
    assert.equal(look(0, 1)[0].description, '42 GB · refreshed today 06:12');
    assert.deepEqual([look(2, 0)[0].icon.name, look(0, 1)[0].icon.name], ['layers-active', 'layers']);
    assert.match(look(0, 1)[1], /\| Pool \| empty \|/);
  });

  it('shows how far its import is', () => {
    const progress = { phase: 'loading tables', doneBytes: 42, totalBytes: 100, secondsLeft: 5 };
    const look = lookOfTemplate(aTemplate({ import: anImport({ progress }) }), wording);
    assert.deepEqual([look.description, look.icon.name], ['loading tables · 42 %', 'sync~spin']);
  });

  it('shows why its import failed', () => {
    const error = {
      code: 'MYAAS_DUMP_BAD',
      message: 'shop.sql: line 3: syntax error\nnear "x"',
      hint: 'Mend it.',
    };
    const template = aTemplate({ import: anImport({ state: 'failed', error }) });
    const look = lookOfTemplate(template, wording);
    assert.deepEqual(
      [look.description, look.icon.name],
      ['import failed · shop.sql: line 3: syntax error', 'error'],
    );
    assert.match(look.spoken, /refreshed today 06:12.*import failed/);
    assert.match(tooltipOfTemplate(template, wording), /Mend it/);
  });

  it('cannot be cloned before its first import', () => {
    const look = lookOfTemplate(aTemplate({ current: null, importedAt: null, versions: [] }), wording);
    assert.deepEqual([look.description, look.contextValue], ['not imported yet', 'template']);
  });
});

describe('A version’s node', () => {
  it('says how old its data is, and whether it is the current one', () => {
    const { label, description } = lookOfVersion(aVersion(), true, wording);
    assert.deepEqual([label, description], ['data of yesterday 23:40', '42 GB · current']);
    assert.equal(lookOfVersion(aVersion(), false, wording).description, '42 GB');
  });
});
