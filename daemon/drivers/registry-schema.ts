/** The registry's tables, and how older ones are brought up to them. */
import type { DatabaseSync } from 'node:sqlite';
import { errors } from '../errors/errors.ts';

/** Each entry brings the schema from its index to the next version; entries are never changed, only added. */
export const migrations: readonly string[] = [
  `create table settings (key text primary key, value text not null) strict;
   create table users (name text primary key, admin integer not null, createdAt text not null) strict;
   create table tokens (
     id text primary key, user text not null references users (name) on delete cascade,
     hash text not null unique, createdAt text not null, lastUsedAt text) strict;
   create table instances (
     id text primary key, template text not null, version text not null, name text not null, owner text not null,
     state text not null, failure text, engine text not null, port integer not null unique,
     databaseName text not null, username text not null, password text not null,
     createdAt text not null, expiresAt text, protected integer not null default 0,
     sizeBytes integer not null, createMs integer, origin text not null,
     unique (template, name)) strict;
   create index instancesByExpiry on instances (expiresAt);
   create table failedImports (template text primary key, import text not null) strict;`,

  // The clone (data and server) of an instance got an id of its own, so that a reset can replace it. Resets are not
  // recorded any more: one that is cut short leaves the instance with the clone it had.
  `alter table instances add column clone text not null default '';
   update instances set clone = id;
   update instances set state = 'failed', failure = 'A reset was cut short by an upgrade; reset it again.'
     where state = 'resetting';
   create unique index instancesByClone on instances (clone);
   create table spares (
     id text primary key, state text not null, template text not null, version text not null, recipe text not null,
     databaseName text not null, username text not null, password text not null,
     sizeBytes integer not null, createdAt text not null) strict;
   create table discarded (clone text primary key) strict;`,

  `create table volumes (
     id text primary key, name text not null unique, state text not null, template text not null, version text not null,
     engine text not null, databaseName text not null, username text not null, password text not null,
     sizeBytes integer not null, createdAt text not null) strict;`,

  // Roles instead of "admin or not", quotas (null: what the configuration says), tokens with names, ends and narrower
  // rights than their user's, and the audit log.
  `alter table users add column role text not null default 'member';
   update users set role = 'admin' where admin = 1;
   alter table users drop column admin;
   alter table users add column maxInstances integer;
   alter table users add column maxLeaseSeconds integer;
   alter table users add column maxDiskBytes integer;
   alter table tokens add column name text;
   alter table tokens add column expiresAt text;
   alter table tokens add column role text;
   alter table tokens add column templates text;
   create unique index tokensByName on tokens (user, name);
   create table audit (
     id integer primary key, at text not null, user text, token text, address text, action text not null,
     template text, name text, instance text, status integer not null, code text) strict;
   create index auditByAt on audit (at);`,

  `alter table instances add column engineSeries text not null default '';
   alter table spares add column engine text not null default 'mariadb';
   alter table spares add column engineSeries text not null default '';`,

  // Instances whose server is newer than their template's.
  `alter table instances add column upgradedFrom text;`,
];

/** In one transaction, so that of two processes that open it at once only one does it. */
export function migrate(db: DatabaseSync, file: string): void {
  inTransaction(db, () => {
    const { user_version: version } = db.prepare('pragma user_version').get() as { user_version: number };
    if (version > migrations.length) {
      throw errors.hostNotReady(`The registry ${file} was written by a newer MyAAS.`, 'Upgrade this MyAAS.');
    }
    for (const migration of migrations.slice(version)) db.exec(migration);
    db.exec(`pragma user_version = ${String(migrations.length)}`);
  });
}

export function inTransaction<T>(db: DatabaseSync, work: () => T): T {
  db.exec('begin immediate');
  try {
    const result = work();
    db.exec('commit');
    return result;
  } catch (error) {
    // On a full disk, for one, SQLite has rolled back by itself.
    if (db.isTransaction) db.exec('rollback');
    throw error;
  }
}
