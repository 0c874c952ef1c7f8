/** Which methods there are for a path, so that one that is not there can be told from a path that is not. */
import type { FastifyInstance } from 'fastify';

interface KnownPath {
  readonly segments: readonly string[];
  readonly methods: Set<string>;
}

/** To be called before routes are added. The result tells the methods of a request's path; none: there is no such path. */
export function collectMethods(app: FastifyInstance): (path: string) => readonly string[] {
  const known = new Map<string, KnownPath>();
  app.addHook('onRoute', ({ url, method }) => {
    const path = known.get(url) ?? { segments: url.split('/'), methods: new Set<string>() };
    known.set(url, path);
    for (const each of [method].flat()) path.methods.add(each);
  });
  return (path) => {
    const segments = path.split('/');
    const fits = [...known.values()].filter(
      (each) =>
        each.segments.length === segments.length &&
        each.segments.every((segment, at) =>
          segment.startsWith(':') ? segments[at] !== '' : segment === segments[at],
        ),
    );
    return [...new Set(fits.flatMap(({ methods }) => [...methods]))].sort();
  };
}
