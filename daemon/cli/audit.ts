import type { AuditEntry } from '../contract/audit.ts';
import type { Context } from './command.ts';
import { connect } from './connection.ts';

interface Options {
  readonly user?: string;
  readonly action?: string;
  readonly instance?: string;
  readonly since?: string;
  readonly limit?: string;
}

/** `myaas audit`: who did what, the oldest of them first, as one reads a log. */
export async function showAudit(
  context: Context,
  _args: readonly [],
  { user, action, instance, since, limit }: Options,
): Promise<number> {
  const { output, json } = context;
  const api = await connect(context);
  const entries = await api.audit({
    ...(user !== undefined && { user }),
    ...(action !== undefined && { action }),
    ...(instance !== undefined && { instance }),
    ...(since !== undefined && { since }),
    ...(limit !== undefined && { limit }),
  });
  if (json) {
    output.json(entries);
    return 0;
  }
  if (entries.length === 0) output.note('Nothing of that kind is in the audit log.');
  else output.table(['WHEN', 'WHO', 'TOKEN', 'FROM', 'WHAT', 'OF', 'RESULT'], entries.reverse().map(rowOf));
  return 0;
}

function rowOf(entry: AuditEntry): string[] {
  const subject = [entry.template, entry.name].filter((part) => part !== null).join('/');
  return [
    entry.at,
    entry.user ?? '-',
    entry.token ?? '-',
    entry.address ?? '-',
    entry.action,
    subject || (entry.instance ?? '-'),
    entry.code ?? String(entry.status),
  ];
}
