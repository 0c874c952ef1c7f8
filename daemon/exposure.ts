/** What of this host can be reached from the network. */
import type { Config } from './config.ts';

/** `host` is a name or an address. */
export const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);

/** The gate carries bytes as they are: whether they are encrypted is for client and server to agree on. */
export function exposedPorts({ bind, ports }: Pick<Config, 'bind' | 'ports'>) {
  if (isLoopback(bind)) return undefined;
  return {
    detail: `MYAAS_BIND opens the databases' ports ${String(ports.from)}-${String(ports.to)} on ${bind} to the network, where only clients that ask for TLS are encrypted.`,
    remedy:
      'Have clients ask for it ("mariadb --ssl", "ssl-mode=REQUIRED"), let a firewall or a VPN guard the ports, or leave MYAAS_BIND on loopback.',
  } as const;
}
