/** What Docker tells of containers, unasked. */
import { labelOf } from './container.ts';

export interface KnownContainer {
  readonly id: string;
  readonly role: string;
  readonly containerId: string;
}

export interface ContainerEvents {
  /** From now on nothing is missed; what happened before is for the listener to find out. */
  readonly onListening: () => void;
  /** Also told of what a daemon asked for that has been killed since. */
  readonly onCreated: (created: KnownContainer) => void;
  readonly onDied: (died: KnownContainer) => void;
}

type Told = KnownContainer & { readonly happened: 'create' | 'die' };

/** The events in Docker's stream, one JSON object a line. */
export async function* containerEvents(stream: NodeJS.ReadableStream): AsyncGenerator<Told> {
  let rest = '';
  for await (const chunk of stream) {
    const lines = (rest + String(chunk)).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      if (line === '') continue;
      const { Action: happened, Actor: actor } = JSON.parse(line) as {
        Action: Told['happened'];
        Actor: { ID: string; Attributes: Record<string, string> };
      };
      const { [labelOf.id]: id = '', [labelOf.role]: role = '' } = actor.Attributes;
      yield { happened, id, role, containerId: actor.ID };
    }
  }
}
