/**
 * Environment of `serve` and `gate`, whose memory is missing to the databases; the systemd units say the same. Measured
 * by `npm run bench -- density`: without it `serve` grows to 220 MB where it is 120 to 125 MB with it.
 */
export const leanMemory = {
  /** MB. A small young generation, and a bound to the heap, of which `serve` needs 40. */
  NODE_OPTIONS: '--max-semi-space-size=2 --max-old-space-size=256',
  /** Each of Node's threads would else take memory in a place of its own. */
  MALLOC_ARENA_MAX: '2',
} as const;
