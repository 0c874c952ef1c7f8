/** How the schemas are put together. */
import { Type, type Static, type TSchema } from 'typebox';

export const nullable = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()]);
/** A schema by its `$id`, so that the OpenAPI document says it once. `schemas` has all that are referred to. */
export const named = <T extends TSchema & { $id?: string }>(schema: T) =>
  Type.Unsafe<Static<T>>({ $ref: `${schema.$id ?? ''}#` });
export const time = (description: string) => Type.String({ format: 'date-time', description });
