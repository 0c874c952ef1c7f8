/** A MyAAS as services run it, that imports dumps of the size that the benchmark is asked for. */
import { startHost, type TestHost } from '../../support/daemon.ts';
import { leanMemory } from '../../../daemon/host/lean-memory.ts';
import { bundle } from '../instant/host.ts';
import { memoryBytes } from './peer.ts';

/** With less than 1000 MB the fixed costs of an import weigh more than they would. */
export const sizeBytes = Number(process.env['MYAAS_BENCH_IMPORT_MB'] ?? 300) * 1e6;

export const importHost = (settings: Readonly<Record<string, string>> = {}): Promise<TestHost> =>
  startHost({ ...leanMemory, MYAAS_POOL: '0', MYAAS_MEMORY_LIMIT: String(memoryBytes), ...settings }, bundle);
