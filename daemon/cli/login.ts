import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import type { MyaasError } from '../errors/error.ts';
import { errors } from '../errors/errors.ts';
import { Api } from './api.ts';
import { clientConfigPath, readClientConfig, writeClientConfig } from './client-config.ts';
import { Client, parseAddress } from './client.ts';
import type { Context } from './command.ts';
import { Interrupted } from './interrupts.ts';
import { addressExpected, addressOf, localAddress } from './connection.ts';

interface Options {
  readonly tokenStdin?: true;
}

/** `myaas login`: asks for a token, tries it, and stores it with the daemon's address. */
export async function login(
  context: Context,
  [given]: readonly [string?],
  { tokenStdin }: Options,
): Promise<number> {
  const { env, output, signal } = context;
  const url = given === undefined ? await knownAddress(context) : parseAddress(given);
  if (url === undefined)
    throw errors.usage(addressExpected(given ?? ''), 'Give an address, or none for this machine.');
  const token =
    tokenStdin || !process.stdin.isTTY ? (await text(process.stdin)).trim() : await ask(context, url);
  // A header holds nothing else, and no token of ours does.
  if (!/^[\x21-\x7e]+$/.test(token)) throw noToken();
  const { user } = await new Api(new Client({ url, token }), signal).status();
  const file = await writeClientConfig(env, { url, token });
  output.line(`You are ${user.name}${user.admin ? ', an admin,' : ''} at ${url}. ${file} has it.`);
  return 0;
}

async function knownAddress({ env, output }: Context): Promise<string> {
  const address = addressOf(env);
  if (address !== undefined) return address;
  try {
    return (await readClientConfig(env))?.url ?? (await localAddress(env));
  } catch (error) {
    // It is about to be written anew: what is wrong with it is worth a word but no reason to stop.
    output.error(error);
    output.note(`${clientConfigPath(env)} will be replaced.`);
    return localAddress(env);
  }
}

async function ask({ output, signal }: Context, url: string): Promise<string> {
  // The line editor echoes into nothing, and from here on the terminal does not echo either.
  const nothing = new Writable({ write: (_chunk, _encoding, done) => done() });
  const editor = createInterface({ input: process.stdin, output: nothing, terminal: true });
  output.stderr.write(`Token for ${url} (not shown): `);
  // With the terminal in raw mode, Ctrl-C and Ctrl-D are only keys.
  const ended = new Promise<never>((_resolve, reject) => {
    editor.once('SIGINT', () => reject(new Interrupted('SIGINT')));
    editor.once('close', () => reject(noToken()));
  });
  try {
    return (await Promise.race([editor.question('', { signal }), ended])).trim();
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    editor.close();
    output.stderr.write('\n');
  }
}

function noToken(): MyaasError {
  return errors.usage('That is no token.', 'Give the token that "myaas user add" printed.');
}
