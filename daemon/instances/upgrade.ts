/** The upgrade of a clone's data to a newer server, where that takes more than a start of it. */
import { chown, rm, writeFile } from 'node:fs/promises';
import { Readable } from 'node:stream';
import type { Docker } from '../drivers/docker.ts';
import { inContainer, type Account, type UpgradeTool } from '../engines/engine.ts';
import { errors } from '../errors/errors.ts';
import type { Paths } from '../paths.ts';
import type { Servers, ServerSpec } from './server.ts';
import { removeOnAbort, shutDownCleanly } from './shutdown.ts';

export interface UpgradesDeps {
  readonly paths: Paths;
  readonly docker: Docker;
  readonly servers: Servers;
}

/** Told what is being done, in a few words for people. */
export type OnPhase = (phase: string) => void;

export class Upgrades {
  readonly #deps: UpgradesDeps;
  readonly #underWay = new Set<string>();

  constructor(deps: UpgradesDeps) {
    this.#deps = deps;
  }

  /** Clones that have containers which are no instances' servers. */
  get underWay(): readonly string[] {
    return [...this.#underWay];
  }

  /** `spec` is the newer server, which does not run yet. When it throws, what it has made is left to `Builder.remove`. */
  async run(
    spec: ServerSpec & { readonly account: Account },
    signal: AbortSignal,
    onPhase: OnPhase,
  ): Promise<void> {
    const { upgrade } = spec.engine;
    if (!upgrade) return;
    this.#underWay.add(spec.id);
    try {
      await this.#upgrade(upgrade, spec, signal, onPhase);
    } finally {
      this.#underWay.delete(spec.id);
    }
  }

  async #upgrade(
    tool: UpgradeTool,
    { account, ...spec }: ServerSpec & { readonly account: Account },
    signal: AbortSignal,
    onPhase: OnPhase,
  ): Promise<void> {
    const { servers, docker } = this.#deps;
    const { id, engine } = spec;
    const file = `${spec.home}/${tool.file.name}`;
    await writeFile(file, tool.file.text, { mode: 0o400 });
    await chown(file, servers.owner.uid, servers.owner.gid);
    onPhase('starting the newer server');
    const { containerId, greeted: admin } = await servers.start(
      { ...spec, role: 'import', command: tool.serverCommand(spec.command) },
      () => Promise.resolve(),
      (socketPath) => engine.admin(socketPath),
      signal,
    );
    await rm(file);
    {
      using _ = removeOnAbort(docker, containerId, signal);
      try {
        await this.#runProgram(tool, spec, signal, onPhase);
        onPhase('accounts');
        await admin.secureAccounts(account.username);
        await admin.prepareShutdown();
      } finally {
        admin.close();
      }
    }
    onPhase('shutdown');
    await shutDownCleanly(this.#deps, { id, containerId, engine }, 'the upgrade', signal);
  }

  /** The product's own program, in a container beside its server's. */
  async #runProgram(
    { command, phaseOf }: UpgradeTool,
    { id, home, image, memoryBytes }: Omit<ServerSpec, 'account'>,
    signal: AbortSignal,
    onPhase: OnPhase,
  ): Promise<void> {
    const { docker, servers, paths } = this.#deps;
    const containerId = await docker.create({
      role: 'client',
      id,
      image,
      command,
      user: servers.owner,
      mounts: [
        { source: home, target: inContainer.home },
        { source: paths.run(id), target: inContainer.run },
      ],
      memoryBytes,
      stdin: true,
    });
    using _ = removeOnAbort(docker, containerId, signal);
    let unread = '';
    const onOutput = (chunk: Buffer) => {
      const lines = (unread + chunk.toString()).split('\n');
      unread = lines.pop() ?? '';
      for (const phase of lines.map(phaseOf)) if (phase !== undefined) onPhase(phase);
    };
    const { exitCode, stderr } = await docker.feed(containerId, Readable.from([]), { onOutput });
    signal.throwIfAborted();
    if (exitCode === 0) return;
    const said = stderr.trim();
    throw errors.serverFailed(
      `The upgrade of the data failed (exit code ${String(exitCode)}).`,
      said === '' ? await servers.lastWords(containerId) : said,
    );
  }
}
