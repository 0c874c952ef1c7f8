/** What a container's program is and may, as the kernel tells it: seen from the host, so that nothing in it can lie. */
import { readFile } from 'node:fs/promises';

export interface Inside {
  /** "Name: value" of `/proc/<pid>/status`. */
  readonly status: Readonly<Record<string, string>>;
  readonly interfaces: readonly string[];
  /** Mount points that are not read-only, but for those that the kernel makes its files in. */
  readonly writable: readonly string[];
  /** What of the host's file systems is mounted in it, by where. */
  readonly binds: Readonly<Record<string, string>>;
  readonly coreLimit: string;
  readonly environment: readonly string[];
}

const kernelMounts = /^\/(?:proc|dev|sys)(?:\/|$)/;
/** Docker's own; root's, and read-only in effect: whoever is not root can't write them. */
const dockerFiles = new Set(['/etc/resolv.conf', '/etc/hostname', '/etc/hosts']);

export async function lookInside(pid: number): Promise<Inside> {
  const read = (file: string) => readFile(`/proc/${String(pid)}/${file}`, 'utf8');
  const [status, devices, mountinfo, limits, environ] = await Promise.all(
    ['status', 'net/dev', 'mountinfo', 'limits', 'environ'].map(read),
  );
  const mounts = (mountinfo ?? '')
    .trim()
    .split('\n')
    .map((line) => {
      const [, , , root = '', point = '', options = ''] = line.split(' ');
      return { root, point, readOnly: options.split(',').includes('ro') };
    });
  const own = mounts.filter(({ point }) => !kernelMounts.test(point) && !dockerFiles.has(point));
  return {
    status: Object.fromEntries(
      [...(status ?? '').matchAll(/^(\w+):[\t ]*(.*)$/gm)].map(([, name = '', value = '']) => [
        name,
        value.trim(),
      ]),
    ),
    interfaces: [...(devices ?? '').matchAll(/^ *(\S+):/gm)].map(([, name = '']) => name),
    writable: own
      .filter(({ readOnly }) => !readOnly)
      .map(({ point }) => point)
      .sort(),
    binds: Object.fromEntries(
      own.filter(({ point }) => point !== '/').map(({ point, root }) => [point, root]),
    ),
    coreLimit: /^Max core file size +(.*?) +bytes/m.exec(limits ?? '')?.[1] ?? '',
    environment: (environ ?? '').split('\0').filter((entry) => entry !== ''),
  };
}
