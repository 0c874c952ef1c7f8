import assert from 'node:assert/strict';
import fc from 'fast-check';
import { MyaasError } from '../../daemon/errors/error.ts';
import { ClockWatch } from '../../daemon/instances/clock-watch.ts';
import { LeaseTimer } from '../../daemon/instances/lease-timer.ts';
import { leaseEnd, parseExpiresAt, parseTtlSeconds } from '../../daemon/instances/leases.ts';
import { Logged } from './gate-peers.ts';

const maxSeconds = 10 * 366 * 86_400;

const isBadTtl =
  (why: RegExp) =>
  (error: unknown): boolean => {
    assert.ok(error instanceof MyaasError);
    assert.deepEqual([error.code, error.status], ['MYAAS_BAD_TTL', 400]);
    assert.match(error.message, why);
    return true;
  };

describe('a lease', () => {
  it('is given in seconds, or with a unit, or never ends', () => {
    const cases: readonly [number | string, number | null][] = [
      [1, 1],
      [3600, 3600],
      [1.9, 1],
      ['90', 90],
      ['45s', 45],
      ['30m', 1800],
      ['8h', 28_800],
      ['8H', 28_800],
      ['1.5h', 5400],
      ['7d', 604_800],
      [' 2 w ', 1_209_600],
      ['never', null],
      ['Never', null],
      [maxSeconds, maxSeconds],
    ];
    for (const [ttl, seconds] of cases) assert.equal(parseTtlSeconds(ttl), seconds, String(ttl));
  });

  it('is refused with the reason when it is no length of time', () => {
    const cases: readonly [number | string, RegExp][] = [
      [0, /shorter than a second/],
      ['0', /shorter than a second/],
      ['0.4s', /shorter than a second/],
      [-1, /negative/],
      ['-8h', /negative/],
      [maxSeconds + 1, /longer than 10 years/],
      ['100 y', /not a length of time/],
      ['36500d', /longer than 10 years/],
      ['soon', /not a length of time/],
      ['', /not a length of time/],
      ['8h8m', /not a length of time/],
      ['1e9', /not a length of time/],
      ['0x10', /not a length of time/],
      ['٨h', /not a length of time/],

      [Infinity, /not a length of time/],
      [NaN, /not a length of time/],
    ];
    for (const [ttl, why] of cases) assert.throws(() => parseTtlSeconds(ttl), isBadTtl(why), String(ttl));
  });

  it('is quoted shortened in the error, whatever its length', () => {
    assert.throws(
      () => parseTtlSeconds('x'.repeat(100_000)),
      (error) => error instanceof MyaasError && error.message.length < 200,
    );
  });

  it('is a whole number of seconds within bounds for every text there is, or refused as a bad one', () => {
    const text = fc.oneof(
      fc.string(),
      fc.stringMatching(/^-?\d{0,12}(\.\d{0,4})?\s?[smhdwy]?$/),
      fc.double().map(String),
    );
    fc.assert(
      fc.property(text, (ttl) => {
        try {
          const seconds = parseTtlSeconds(ttl);
          assert.ok(seconds === null || (Number.isInteger(seconds) && seconds >= 1 && seconds <= maxSeconds));
        } catch (error) {
          isBadTtl(/./)(error);
        }
      }),
    );
  });

  it('means the same in every unit', () => {
    const units = fc.constantFrom(...Object.entries({ m: 60, h: 3600, d: 86_400, w: 604_800 }));
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 500 }), units, (count, [unit, seconds]) => {
        assert.equal(parseTtlSeconds(`${count}${unit}`), count * seconds);
      }),
    );
  });

  it('ends that long from now, or never', () => {
    const before = Date.now();
    const end = Date.parse(leaseEnd(60) ?? '');
    assert.ok(end >= before + 60_000 && end <= Date.now() + 60_000);
    assert.equal(leaseEnd(null), null);
  });

  it('may be given an end, in any time zone', () => {
    const at = new Date(Date.now() + 86_400_000);
    assert.equal(parseExpiresAt(at.toISOString()), at.toISOString());
    const [day, clock] = at.toISOString().replace('Z', '').split('T');
    assert.equal(
      parseExpiresAt(`${String(day)}T${String(clock)}+02:00`),
      new Date(at.getTime() - 7_200_000).toISOString(),
    );
  });

  it('cannot end in the past, too late, or at no time at all', () => {
    assert.throws(() => parseExpiresAt('2020-01-01T00:00:00Z'), isBadTtl(/in the past/));
    assert.throws(() => parseExpiresAt('2999-01-01T00:00:00Z'), isBadTtl(/more than 10 years/));
    for (const text of ['', 'tomorrow', '2030-01-01', '2030-13-01T00:00:00Z', '1', '2030-01-01T00:00:00']) {
      assert.throws(() => parseExpiresAt(text), isBadTtl(/not an RFC 3339 time/), text);
    }
  });
});

describe('the lease timer', () => {
  const log = new Logged();

  it('calls when the next lease ends, and again for the one after', async () => {
    const ends = [Date.now() + 20, Date.now() + 40];
    const lateMs: number[] = [];
    await new Promise<void>((resolve) => {
      const timer = new LeaseTimer({
        nextExpiry: () => (ends[0] === undefined ? undefined : new Date(ends[0]).toISOString()),
        expire: () => {
          // A timer may fire a fraction of a millisecond early; the timer is armed anew then.
          if (ends[0] !== undefined && Date.now() >= ends[0]) lateMs.push(Date.now() - Number(ends.shift()));
          if (ends.length === 0) {
            timer.stop();
            resolve();
          }
          return Promise.resolve();
        },
        log,
      });
      timer.arm();
    });
    assert.equal(lateMs.length, 2);
  });

  it('calls at once for a lease that ended already, and never after it was stopped', async () => {
    let calls = 0;
    const nextExpiry = () => '2020-01-01T00:00:00.000Z';
    await new Promise<void>((resolve) => {
      const timer = new LeaseTimer({
        nextExpiry,
        expire: () => {
          calls++;
          timer.stop();
          resolve();
          return Promise.resolve();
        },
        log,
      });
      timer.arm();
    });
    const stopped = new LeaseTimer({
      nextExpiry,
      expire: () => {
        calls++;
        return Promise.resolve();
      },
      log,
    });
    stopped.arm();
    stopped.stop();
    stopped.arm();
    // Timers that are due fire in the order they were set.
    await new Promise((resolve) => setTimeout(resolve, 1));
    assert.equal(calls, 1);
  });
});

describe('the watch over the clock', () => {
  const dayMs = 86_400_000;
  const doubtMs = 3_600_000;
  const begun = { wallMs: Date.parse('2026-03-01T12:00:00Z'), steadyMs: 5000 };
  const later = (passedMs: number, setMs = 0) => ({
    wallMs: begun.wallMs + passedMs + setMs,
    steadyMs: begun.steadyMs + passedMs,
  });

  it('finds nothing in a clock that runs, however long nobody looks, or is drawn along by NTP', () => {
    const watch = new ClockWatch(doubtMs, begun);
    assert.equal(watch.look(later(20)), 0);
    assert.equal(watch.look(later(9 * dayMs)), 0);
    assert.equal(watch.look(later(9 * dayMs + 30_000, 15_000)), 0);
    assert.equal(watch.doubtLeftMs(later(9 * dayMs + 30_000, 15_000)), 0);
  });

  it('doubts a clock that was set forward for its time, and then believes it', () => {
    const watch = new ClockWatch(doubtMs, begun);
    assert.equal(watch.look(later(1000, dayMs)), dayMs);
    assert.equal(watch.doubtLeftMs(later(1000, dayMs)), doubtMs);
    assert.equal(watch.look(later(61_000, dayMs)), 0);
    assert.equal(watch.doubtLeftMs(later(61_000, dayMs)), doubtMs - 60_000);
    assert.equal(watch.doubtLeftMs(later(1000 + doubtMs, dayMs)), 0);
  });

  it('believes it at once when it was set back again', () => {
    const watch = new ClockWatch(doubtMs, begun);
    watch.look(later(1000, dayMs));
    assert.equal(watch.look(later(2000)), -dayMs);
    assert.equal(watch.doubtLeftMs(later(2000)), 0);
  });
});
