/**
 * What the daemon and its clients agree on. Validation, serialisation, the OpenAPI document and the extension's
 * types all come from these schemas. Times are RFC 3339 strings.
 */
import { Type, type Static, type TSchema } from 'typebox';
import { AuditEntry } from './audit.ts';
import { CreateInstance, Instance, PatchInstance, ResetInstance, Volume } from './instances.ts';
import { Finding, Status } from './status.ts';
import {
  Failure,
  Import,
  ImportedContents,
  Job,
  LoadSummary,
  Pool,
  Progress,
  RefreshTemplates,
  TablesProgress,
  Template,
  Version,
} from './templates.ts';

export const ErrorBody = Type.Object(
  {
    error: Type.Object({
      code: Type.String(),
      message: Type.String(),
      hint: Type.String(),
      requestId: Type.String(),
    }),
  },
  { $id: 'Error' },
);
export type ErrorBody = Static<typeof ErrorBody>;

/** Every schema with a name. */
export const schemas: readonly TSchema[] = [
  Instance,
  Template,
  Pool,
  Version,
  Import,
  ImportedContents,
  Progress,
  TablesProgress,
  LoadSummary,
  Failure,
  Job,
  Finding,
  Status,
  AuditEntry,
  ErrorBody,
  CreateInstance,
  PatchInstance,
  ResetInstance,
  RefreshTemplates,
  Volume,
];

/** What `GET /v1/events` sends; `id:` is to be given back as `Last-Event-ID`. */
export type MyaasEvent =
  /** The past is not known (a new daemon, or too long ago): read everything anew. */
  | { readonly type: 'hello'; readonly resumed: boolean }
  | { readonly type: 'instance'; readonly instance: Instance }
  | {
      readonly type: 'instance-deleted';
      readonly id: string;
      readonly template: string;
      readonly name: string;
    }
  | { readonly type: 'template'; readonly template: Template }
  | { readonly type: 'template-deleted'; readonly name: string }
  | { readonly type: 'job'; readonly job: Job };
