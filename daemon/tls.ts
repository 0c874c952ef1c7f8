/** The certificate that the operator gives this host, for the API and for databases whose servers have none. */
import { EventEmitter } from 'node:events';
import { watch } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { createSecureContext } from 'node:tls';
import type { Config } from './config.ts';
import { messageOf } from './errors/error.ts';
import { errors } from './errors/errors.ts';
import type { TlsTerms } from './gate/protocol.ts';
import type { Log } from './log.ts';

/** Certificate and key are written one after the other. */
const settleMs = 500;

export const tlsLimits = { minVersion: 'TLSv1.2' } as const;

/** PEM. */
export interface TlsPair {
  readonly cert: string;
  readonly key: string;
}

interface TlsFiles {
  readonly cert: string;
  readonly key: string;
}

export class HostCertificate {
  /** Whoever uses the pair listens, since certificates are renewed while we run. */
  readonly renewals = new EventEmitter<{ renewed: [TlsPair] }>();
  #pair: TlsPair;

  private constructor(pair: TlsPair) {
    this.#pair = pair;
  }

  /** Undefined when none is set. Throws `MYAAS_BAD_CONFIG` when it cannot be read or used. */
  static async open(
    { tlsCert: cert, tlsKey: key }: Config,
    log: Log,
    signal: AbortSignal,
  ): Promise<HostCertificate | undefined> {
    if (cert === undefined || key === undefined) return undefined;
    const files = { cert, key };
    const certificate = new HostCertificate(await readPair(files));
    certificate.#renewOnChange(files, log, signal);
    return certificate;
  }

  get pair(): TlsPair {
    return this.#pair;
  }

  /** One that is not good leaves the old one in use. */
  #renewOnChange(files: TlsFiles, log: Log, signal: AbortSignal): void {
    let timer: NodeJS.Timeout | undefined;
    const renew = async () => {
      try {
        this.#pair = await readPair(files);
        this.renewals.emit('renewed', this.#pair);
        log.info('The certificate was read anew.');
      } catch (error) {
        log.error(`The certificate stays the one it was: ${messageOf(error)}`);
      }
    };
    // The directories: certificates are renewed by renaming files and links, which a watch of a file does not outlive.
    for (const directory of new Set([dirname(files.cert), dirname(files.key)])) {
      watch(directory, { signal, persistent: false }, () => {
        clearTimeout(timer);
        timer = setTimeout(() => void renew(), settleMs);
      }).on('error', (error) => {
        if (!signal.aborted) log.warn(`A new certificate takes a restart: ${messageOf(error)}`);
      });
    }
    signal.addEventListener('abort', () => clearTimeout(timer), { once: true });
  }
}

/** What the gate is told. */
export const tlsTermsOf = ({ cert, key }: TlsPair, { requireTls }: Config): TlsTerms => ({
  certificate: cert,
  key,
  required: requireTls,
});

async function readPair({ cert, key }: TlsFiles): Promise<TlsPair> {
  const read = async (variable: string, file: string) => {
    try {
      return await readFile(file, 'utf8');
    } catch (error) {
      throw errors.badConfig([`${variable}: ${messageOf(error)}.`]);
    }
  };
  const pair = { cert: await read('MYAAS_TLS_CERT', cert), key: await read('MYAAS_TLS_KEY', key) };
  try {
    createSecureContext(pair);
  } catch (error) {
    throw errors.badConfig([`MYAAS_TLS_CERT and MYAAS_TLS_KEY do not go together: ${messageOf(error)}.`]);
  }
  return pair;
}
