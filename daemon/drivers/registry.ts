/**
 * The registry: what MyAAS promised and to whom, in SQLite. It is written before anything is done and corrected after,
 * so that whatever a crash leaves half-done can be finished or undone from it.
 */
import { randomBytes } from 'node:crypto';
import { chmodSync } from 'node:fs';
import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import { hasErrno, messageOf } from '../errors/error.ts';
import { errors } from '../errors/errors.ts';
import { tooManyInstances, unlimited } from '../quota.ts';
import { inTransaction, migrate } from './registry-schema.ts';
import { AuditLog } from './registry-audit.ts';
import { Spares } from './registry-spares.ts';
import { Users } from './registry-users.ts';
import { VolumeStore } from './registry-volumes.ts';
import { CachingDatabase, insert } from './statements.ts';
import { WriteAheadLog } from './write-ahead-log.ts';

/** What is on record of an instance; what is being done to it at the moment only `Ledger` knows. */
export type RecordedState = 'creating' | 'ready' | 'asleep' | 'deleting' | 'failed';

/** One row of `instances`. */
export interface InstanceRow {
  readonly id: string;
  /** Its data and server: a snapshot, a container, a run directory. A reset gives it another. */
  readonly clone: string;
  readonly template: string;
  readonly version: string;
  readonly name: string;
  readonly owner: string;
  readonly state: RecordedState;
  readonly failure: string | null;
  readonly engine: string;
  /** Of its server: "11.8"; "" when it is of before there were several. */
  readonly engineSeries: string;
  /** The template's, where the server is a newer one; null: it is the template's. */
  readonly upgradedFrom: string | null;
  readonly port: number;
  readonly databaseName: string;
  readonly username: string;
  readonly password: string;
  readonly createdAt: string;
  readonly expiresAt: string | null;
  readonly protected: boolean;
  readonly sizeBytes: number;
  readonly createMs: number | null;
  readonly origin: 'pool' | 'snapshot';
}

/** The ports of instances, inclusive. */
export interface PortRange {
  readonly from: number;
  readonly to: number;
}

export interface RegistryOptions {
  readonly flushes?: 'always' | 'asked';
  readonly busyTimeoutMs?: number;
}

type Row = Record<string, unknown>;

function instanceOf(row: Row): InstanceRow {
  // The schema is STRICT: columns have the types that InstanceRow says, but for the boolean. SQLite's object, which has
  // no prototype, is made an ordinary one in place: copying it takes as long as all the rest of a list.
  row['protected'] = row['protected'] === 1;
  return Object.setPrototypeOf(row, Object.prototype) as InstanceRow;
}

function columnsOf(row: Partial<InstanceRow>): Record<string, SQLInputValue> {
  return Object.fromEntries(
    Object.entries(row).map(([key, value]) => [key, typeof value === 'boolean' ? Number(value) : value]),
  );
}

export class Registry {
  /** Names this installation, so that several daemons can share one Docker Engine. */
  readonly hostId: string;
  readonly users: Users;
  readonly spares: Spares;
  readonly audit: AuditLog;
  readonly volumes: VolumeStore;
  readonly #db: DatabaseSync;
  readonly #log: WriteAheadLog;

  private constructor(db: DatabaseSync, file: string) {
    this.#db = db;
    this.users = new Users(db);
    this.spares = new Spares(db);
    this.audit = new AuditLog(db);
    this.volumes = new VolumeStore(db);
    this.#log = new WriteAheadLog(file, () => {
      const row = db.prepare('select total_changes() as count').get() as { count: number };
      return row.count;
    });
    this.#db
      .prepare("insert or ignore into settings (key, value) values ('hostId', ?)")
      .run(randomBytes(6).toString('hex'));
    this.hostId = this.setting('hostId') ?? '';
  }

  /**
   * Opens the registry, made anew when it is not there, brought to this version's schema when it is older. Whoever opens
   * it with `flushes: 'asked'` calls `flush` before anything irrevocable follows from what was written.
   * Throws `MYAAS_HOST_NOT_READY` when it cannot be opened or belongs to a newer MyAAS; as all that follows, it throws
   * `MYAAS_REGISTRY_BUSY` when another process keeps it locked for `busyTimeoutMs`.
   */
  static open(file: string, { flushes = 'always', busyTimeoutMs = 5000 }: RegistryOptions = {}): Registry {
    try {
      const db = new CachingDatabase(file, { enableForeignKeyConstraints: true, timeout: busyTimeoutMs });
      chmodSync(file, 0o600);
      db.exec('pragma journal_mode = wal; pragma synchronous = full;');
      migrate(db, file);
      const registry = new Registry(db, file);
      if (flushes === 'asked') db.exec('pragma synchronous = normal;');
      return registry;
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ERR_SQLITE_ERROR') {
        throw errors.hostNotReady(
          `The registry ${file} cannot be opened: ${messageOf(error)}.`,
          'Run "myaas init" as root.',
          error,
        );
      }
      if (hasErrno(error, 'EPERM'))
        throw errors.hostNotReady(`The registry ${file} is not ours.`, 'Run as root.', error);
      throw error;
    }
  }

  /** Returns when all that was written so far has come to the disk, so that not even a power loss undoes it. */
  async flush(): Promise<void> {
    await this.#log.flush();
  }

  close(): void {
    this.#db.close();
    void this.#log.close();
  }

  setting(key: string): string | undefined {
    return (
      this.#db.prepare('select value from settings where key = ?').get(key) as { value: string } | undefined
    )?.value;
  }

  setSetting(key: string, value: string): void {
    this.#db.prepare('insert or replace into settings (key, value) values (?, ?)').run(key, value);
  }

  /** A secret of this installation, made when it is first asked for. */
  secret(key: string): Buffer {
    this.#db
      .prepare('insert or ignore into settings (key, value) values (?, ?)')
      .run(key, randomBytes(32).toString('hex'));
    return Buffer.from(this.setting(key) ?? '', 'hex');
  }

  // Instances

  /**
   * Records a new instance with the lowest free port of the range, unless its owner has `maxInstances` already; all in
   * one transaction. Throws `MYAAS_INSTANCE_EXISTS`, `MYAAS_QUOTA_EXCEEDED` and `MYAAS_PORTS_EXHAUSTED`.
   */
  reserve(row: Omit<InstanceRow, 'port'>, range: PortRange, maxInstances = unlimited): InstanceRow {
    return inTransaction(this.#db, () => this.#reserve(row, range, maxInstances));
  }

  /** The same for an instance whose clone is a spare, which is one no longer. Throws also when there is no such spare. */
  claim(row: Omit<InstanceRow, 'port'>, range: PortRange, maxInstances = unlimited): InstanceRow {
    return inTransaction(this.#db, () => {
      this.spares.take(row.clone);
      return this.#reserve(row, range, maxInstances);
    });
  }

  #reserve(row: Omit<InstanceRow, 'port'>, range: PortRange, maxInstances: number): InstanceRow {
    if (this.instanceByName(row.template, row.name)) throw errors.instanceExists(row.template, row.name);
    if (maxInstances !== unlimited) {
      const { length } = this.clonesOf(row.owner);
      if (length >= maxInstances) throw tooManyInstances(row.owner, length, maxInstances);
    }
    const full: InstanceRow = { ...row, port: this.#freePort(range, new Set()) };
    insert(this.#db, 'instances', columnsOf(full));
    return full;
  }

  /** Gives an instance another free port, when its own turned out to be taken by a stranger. */
  moveToFreePort(id: string, range: PortRange, unusable: ReadonlySet<number>): InstanceRow {
    return inTransaction(this.#db, () => {
      this.#db.prepare('update instances set port = ? where id = ?').run(this.#freePort(range, unusable), id);
      const row = this.instance(id);
      if (!row) throw errors.instanceNotFound(id);
      return row;
    });
  }

  #freePort({ from, to }: PortRange, unusable: ReadonlySet<number>): number {
    const used = new Set(
      this.#db
        .prepare('select port from instances')
        .all()
        .map((row) => row['port'] as number),
    );
    for (let port = from; port <= to; port++) if (!used.has(port) && !unusable.has(port)) return port;
    throw errors.portsExhausted(from, to);
  }

  /** Changes some columns; undefined when there is no such instance any more. */
  update(id: string, changes: Partial<Omit<InstanceRow, 'id'>>): InstanceRow | undefined {
    if (Object.keys(changes).length === 0) return this.instance(id);
    const assignments = Object.keys(changes).map((name) => `${name} = :${name}`);
    this.#db
      .prepare(`update instances set ${assignments.join(', ')} where id = :id`)
      .run({ ...columnsOf(changes), id });
    return this.instance(id);
  }

  remove(id: string): void {
    this.#db.prepare('delete from instances where id = ?').run(id);
  }

  instance(id: string): InstanceRow | undefined {
    const row = this.#db.prepare('select * from instances where id = ?').get(id);
    return row && instanceOf(row);
  }

  instanceByName(template: string, name: string): InstanceRow | undefined {
    const row = this.#db
      .prepare('select * from instances where template = ? and name = ?')
      .get(template, name);
    return row && instanceOf(row);
  }

  instanceByClone(clone: string): InstanceRow | undefined {
    const row = this.#db.prepare('select * from instances where clone = ?').get(clone);
    return row && instanceOf(row);
  }

  /** The clones of a user's instances, but for those that are being deleted. */
  clonesOf(owner: string): string[] {
    return this.#db
      .prepare("select clone from instances where owner = ? and state <> 'deleting'")
      .all(owner)
      .map((row) => row['clone'] as string);
  }

  /** How many instances there are of each version of a template. */
  instancesByVersion(template: string): Map<string, number> {
    const rows = this.#db
      .prepare('select version, count(*) as count from instances where template = ? group by version')
      .all(template) as { version: string; count: number }[];
    return new Map(rows.map(({ version, count }) => [version, count]));
  }

  instances(): InstanceRow[] {
    return this.#db.prepare('select * from instances order by template, name').all().map(instanceOf);
  }

  /** The earliest end of a lease, of instances that may be deleted then. */
  nextExpiry(): string | undefined {
    const row = this.#db
      .prepare("select min(expiresAt) as at from instances where protected = 0 and state <> 'deleting'")
      .get() as { at: string | null };
    return row.at ?? undefined;
  }

  /** Gives an instance a spare for its clone. The former one is to be removed: it is among `discarded`. */
  adopt(id: string, spare: string, changes: Partial<Omit<InstanceRow, 'id' | 'clone'>>): InstanceRow {
    return inTransaction(this.#db, () => {
      const former = this.instance(id);
      if (!former) throw errors.instanceNotFound(id);
      this.spares.take(spare);
      this.spares.noteDiscarded(former.clone);
      return this.update(id, { ...changes, clone: spare }) ?? former;
    });
  }

  // Imports that failed, so that the reason outlives a restart

  setFailedImport(template: string, failed: unknown): void {
    this.#db
      .prepare('insert or replace into failedImports (template, import) values (?, ?)')
      .run(template, JSON.stringify(failed));
  }

  clearFailedImport(template: string): void {
    this.#db.prepare('delete from failedImports where template = ?').run(template);
  }

  failedImports(): Map<string, unknown> {
    const rows = this.#db.prepare('select template, import from failedImports').all() as {
      template: string;
      import: string;
    }[];
    return new Map(rows.map((row) => [row.template, JSON.parse(row.import) as unknown]));
  }
}
