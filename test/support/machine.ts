/** What `run.ts` hands to the tests by their environment. */
function handedOver(name: string): string {
  const value = process.env[name];
  if (value === undefined) throw new Error(`${name} is not set. Run these tests by "npm test".`);
  return value;
}

/** An empty btrfs directory. Who puts something there takes it away again: the last test looks. */
export const testDirectory = (): string => handedOver('MYAAS_TEST_DIR');
/** The image of the MariaDB servers; it is on this machine. */
export const testImage = (): string => handedOver('MYAAS_TEST_IMAGE');
/** What the names of the tests' containers begin with (`MYAAS_PREFIX`). */
export const testPrefix = (): string => handedOver('MYAAS_TEST_PREFIX');
/** The VS Code server's script, and the Chromium for its windows. */
export const testVscode = () => ({
  serverMain: handedOver('MYAAS_TEST_VSCODE'),
  chromium: handedOver('MYAAS_TEST_CHROMIUM'),
});
/** The packaged extension. */
export const testVsix = (): string => handedOver('MYAAS_TEST_VSIX');
