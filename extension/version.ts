/** Whether daemon and extension of these versions (semver) speak the same API: the same major, before 1.0 the same minor. */
export function isCompatible(daemon: string, extension: string): boolean {
  return apiOf(daemon) === apiOf(extension);
}

function apiOf(version: string): string {
  const [major = '', minor = ''] = version.split('.');
  return major === '0' ? `0.${minor}` : major;
}
