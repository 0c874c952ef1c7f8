/** What of this host can be reached from the network. */
import type { Config } from './config.ts';

/** `host` is a name or an address. */
export const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);

/** What of the databases' connections may cross the network in plain text, and what to do about it. */
export function exposedPorts({ bind, ports, requireTls, tlsCert }: Exposing) {
  if (isLoopback(bind) || requireTls) return undefined;
  const encrypted =
    tlsCert === undefined
      ? 'only clients of MySQL and MariaDB that ask for TLS are encrypted'
      : 'only clients that ask for TLS are encrypted';
  return {
    detail: `MYAAS_BIND opens the databases' ports ${String(ports.from)}-${String(ports.to)} on ${bind} to the network, where ${encrypted}.`,
    remedy:
      'Set MYAAS_TLS_CERT, MYAAS_TLS_KEY and MYAAS_REQUIRE_TLS=true, let a firewall or a VPN guard the ports, or leave MYAAS_BIND on loopback.',
  } as const;
}

type Exposing = Pick<Config, 'bind' | 'ports' | 'requireTls' | 'tlsCert'>;
