/** Debian's Chromium, as a person's browser. */
import { chromium, type Browser } from 'playwright-core';
import { findProgram } from '../../daemon/drivers/program.ts';
import { installPackages } from '../../daemon/host/packages.ts';

/** Its path; it is installed when it is not there. */
export async function ensureChromium(log: (line: string) => void, signal: AbortSignal): Promise<string> {
  if (!(await findProgram('chromium'))) {
    log('installing Debian packages: chromium fonts-dejavu-core');
    await installPackages(['chromium', 'fonts-dejavu-core'], signal);
  }
  const path = await findProgram('chromium');
  if (path === undefined) throw new Error('The package chromium brought no program of this name.');
  return path;
}

export async function openChromium(executablePath: string, args: readonly string[] = []): Promise<Browser> {
  return chromium.launch({
    executablePath,
    // Who ends this process wants it to end; Chromium ends with it.
    handleSIGTERM: false,
    handleSIGHUP: false,
    // Root may not use Chromium's sandbox; all it is shown comes from this machine.
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-background-networking',
      '--disable-component-update',
      ...args,
    ],
  });
}
