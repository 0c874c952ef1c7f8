/** The gate's end of the link: does what `serve` asks, and finds it again when it was away. */
import { connect } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import type { Log } from '../log.ts';
import { openChannel, type Channel } from './channel.ts';
import { errnoOf, type Gate } from './gate.ts';
import { protocolVersion, ServeMessage, type GateMessage, type Sight } from './protocol.ts';

/**
 * A Unix socket does not tell when somebody begins to listen on it, so it is tried again: soon at first, for a
 * restarted serve is back within a second and creates instances only when the gate is there; then seldom enough to
 * cost nothing while serve stays away.
 */
const retryAfterMs = { first: 20, longest: 500 } as const;

export interface ControlOptions {
  readonly socketPath: string;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/** Obeys serve, whichever process that is at the moment, until the signal aborts. Serve's absence changes no route. */
export async function obeyServe(gate: Gate, { socketPath, log, signal }: ControlOptions): Promise<void> {
  let delayMs: number = retryAfterMs.first;
  let lastReason = '';
  for (;;) {
    const { synced, reason } = await converse(gate, { socketPath, log, signal });
    if (signal.aborted) return;
    // Told once for each reason, not for each attempt.
    if (synced || reason !== lastReason) {
      log.warn(`no link to serve at ${socketPath} (${reason}); ports stay as they are, trying again`);
    }
    lastReason = reason;
    if (synced) delayMs = retryAfterMs.first;
    await setTimeout(delayMs, undefined, { signal }).catch(() => undefined);
    delayMs = Math.min(delayMs * 2, retryAfterMs.longest);
  }
}

interface Conversation {
  /** Whether serve told its routes, which means that it accepted this gate. */
  readonly synced: boolean;
  /** Why it ended. */
  readonly reason: string;
}

/** One connection to serve, from its beginning to its end. */
function converse(gate: Gate, { socketPath, log, signal }: ControlOptions): Promise<Conversation> {
  return new Promise((resolve) => {
    let synced = false;
    let refusal: string | undefined;
    const socket = connect(socketPath);
    const hangUp = () => socket.destroy();
    signal.addEventListener('abort', hangUp, { once: true });

    const channel = openChannel<typeof ServeMessage, GateMessage>(socket, ServeMessage, {
      onMessage: (message) => {
        if (message.type === 'refused') {
          refusal = `refused: ${message.reason}`;
          return;
        }
        const answered = answer(gate, message, channel, log);
        if (message.type !== 'sync' || synced) return;
        synced = true;
        gate.sights.on('sight', tell);
        const count = message.routes.length;
        void answered.then(() => log.info(`linked to serve at ${socketPath}: ${count} routes`));
      },
      onClosed: (why) => {
        signal.removeEventListener('abort', hangUp);
        gate.sights.off('sight', tell);
        resolve({ synced, reason: refusal ?? why });
      },
    });
    const tell = (sight: Sight) => channel.send(sight);
    socket.once('connect', () => channel.send({ type: 'hello', protocol: protocolVersion }));
  });
}

type Request = Exclude<ServeMessage, { type: 'refused' }>;

/** Does what is asked and answers. Never throws: what fails is the answer. */
async function answer(gate: Gate, message: Request, channel: Channel<GateMessage>, log: Log): Promise<void> {
  const { request } = message;
  try {
    channel.send(await perform(gate, message));
  } catch (error) {
    const code = errnoOf(error);
    log.warn(`request "${message.type}" failed: ${code}`);
    channel.send({ type: 'failed', request, code });
  }
}

async function perform(gate: Gate, message: Request): Promise<GateMessage> {
  const { request } = message;
  switch (message.type) {
    case 'sync':
      return { type: 'synced', request, failures: await gate.sync(message.routes, message.tls) };
    case 'tls':
      await gate.secure(message.tls);
      return { type: 'done', request };
    case 'set':
      await gate.set(message.route);
      return { type: 'done', request };
    case 'remove':
      await gate.remove(message.id);
      return { type: 'done', request };
    case 'pause':
      if (await gate.pause(message.id, message.force)) return { type: 'done', request };
      return { type: 'failed', request, code: 'EBUSY' };
    case 'refuse':
      await gate.refuse(message.id, message.reason);
      return { type: 'done', request };
    case 'stats':
      return { type: 'activity', request, routes: gate.activity() };
  }
}
