/** How much is measured; the environment can ask for less, or more. */
function amount(name: string, usual: number): number {
  const text = process.env[`MYAAS_BENCH_${name}`];
  const value = text === undefined ? usual : Number(text);
  if (!Number.isInteger(value) || value < 1)
    throw new Error(`MYAAS_BENCH_${name} is to be a positive number, not "${text ?? ''}".`);
  return value;
}

export const settings = {
  /** Of each: claims, and queries beside them. */
  claims: amount('CLAIMS', 200),
  /** Between one thing that a person does and the next. */
  pauseMs: amount('PAUSE_MS', 1000),
  /** Of the small and of the large template, in turns. */
  sizeRounds: amount('SIZE_ROUNDS', 100),
  /** Rows of about 1 MB in the large template. */
  largeRows: amount('LARGE_ROWS', 11_000),
  /** Of whatever starts a server, in turns with its floor. */
  rounds: amount('ROUNDS', 30),
  /** Asked for at once. */
  burst: amount('BURST', 50),
  burstRounds: amount('BURST_ROUNDS', 3),
  /** Instances that sleep side by side. */
  sleepers: amount('SLEEPERS', 500),
  /** How many of them are woken at a time. */
  wakersAtOnce: amount('WAKERS', 20),
} as const;
