/** The commands of the host, each with its own libraries loaded only when it runs. */
import { readConfig } from '../config.ts';
import type { Context } from './command.ts';

/** `myaas init`. */
export async function initHost({ env, output, signal }: Context): Promise<number> {
  const { init } = await import('../host/init.ts');
  await init(readConfig(env), { log: output.line, signal });
  // Prepared for the services of this machine, not for a daemon of somebody's own.
  if (env['MYAAS_BASE_DIR'] === undefined && env['MYAAS_RUN_DIR'] === undefined) {
    const { isEnabled, startServices } = await import('../host/install/systemd.ts');
    if (await isEnabled('myaas.service')) {
      await startServices({ restart: [] });
      output.line('services: started, by systemd');
    }
  }
  return 0;
}

/** `myaas serve`: until a signal comes. */
export async function serveHost({ env, signal }: Context): Promise<number> {
  const { serve } = await import('../serve.ts');
  await serve(readConfig(env), signal);
  return 0;
}

/** `myaas gate`: until a signal comes. */
export async function runHostGate({ env, signal }: Context): Promise<number> {
  const { runGate } = await import('../gate/main.ts');
  await runGate(readConfig(env), signal);
  return 0;
}

/** `myaas up`: until a signal comes. */
export async function runTogether({ env, output, signal }: Context): Promise<number> {
  const { up } = await import('../host/up.ts');
  await up(readConfig(env), { log: output.line, signal });
  return 0;
}

/** `myaas doctor`. */
export async function examineHost({ env, output, json }: Context): Promise<number> {
  const { doctor, examine } = await import('../host/doctor.ts');
  const config = readConfig(env);
  if (!json) return (await doctor(config, { log: output.line })) ? 0 : 1;
  const checks = await examine(config);
  output.json({ checks });
  return checks.some(({ result }) => result === 'failed') ? 1 : 0;
}
