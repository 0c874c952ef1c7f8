/**
 * How answers become text. Fastify makes a serializer for each answer of each route; most are failures, which look alike,
 * and instances: one for each schema does, and the daemon serves sooner.
 */
import buildSerializers from '@fastify/fast-json-stringify-compiler';

type Factory = ReturnType<typeof buildSerializers>;
type Serializer = ReturnType<ReturnType<Factory>>;

/** For Fastify's `compilersFactory`. */
export function sharedSerializers(): Factory {
  const build = buildSerializers();
  return (sharedSchemas, options) => {
    const compile = build(sharedSchemas, options);
    const made = new Map<string, Serializer>();
    return (route) => {
      const text = JSON.stringify(route.schema);
      const serializer = made.get(text) ?? compile(route);
      made.set(text, serializer);
      return serializer;
    };
  };
}
