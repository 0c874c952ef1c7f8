/**
 * Bundles the two programs. The `myaas` command, dist/myaas.js, needs Node and nothing else; it is split in chunks, so
 * that a client command does not load the daemon's, and has threads with programs of their own beside it. The extension, dist/extension.cjs, is one file for VS Code's
 * extension host.
 */
import { execFileSync } from 'node:child_process';
import { chmod, cp, rm } from 'node:fs/promises';
import { build } from 'esbuild';

const outdir = 'dist';

/**
 * dockerode can reach engines over SSH, by a package with native code, and take part in a BuildKit build, by gRPC. MyAAS
 * does neither, so the bundle can do without: gRPC alone would take 10 MB of the daemon's memory.
 */
const withoutSshAndGrpc = {
  name: 'without-ssh-and-grpc',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^(ssh2|@grpc\/(grpc-js|proto-loader))$/ }, ({ path }) => ({
      path,
      namespace: 'absent',
    }));
    onLoad({ filter: /^ssh2$/, namespace: 'absent' }, () => ({
      contents:
        'exports.Client = class { constructor() { throw new Error("MyAAS reaches no engine over SSH"); } };',
    }));
    onLoad({ filter: /^@grpc/, namespace: 'absent' }, () => ({ contents: '' }));
  },
};

// CommonJS packages expect names that ES modules lack.
const banner = `
import { createRequire as __createRequire } from 'node:module';
import { fileURLToPath as __toPath } from 'node:url';
const require = __createRequire(import.meta.url), __filename = __toPath(import.meta.url), __dirname = __toPath(new URL('.', import.meta.url));
`.trim();

await rm(outdir, { recursive: true, force: true });
await build({
  entryPoints: { myaas: 'daemon/main.ts', 'hash-worker': 'daemon/templates/formats/hash-worker.ts' },
  outdir,
  bundle: true,
  splitting: true,
  chunkNames: 'chunks/[name]-[hash]',
  platform: 'node',
  format: 'esm',
  target: 'node22',
  minifySyntax: true,
  keepNames: true,
  sourcemap: true,
  sourcesContent: false,
  legalComments: 'external',
  banner: { js: banner },
  plugins: [withoutSshAndGrpc],
  logLevel: 'warning',
});
await build({
  entryPoints: ['extension/main.ts'],
  outfile: `${outdir}/extension.cjs`,
  bundle: true,
  platform: 'node',
  format: 'cjs',
  // The Node in the oldest VS Code that `engines` admits (1.92).
  target: 'node20.14',
  external: ['vscode'],
  minify: true,
  keepNames: true,
  legalComments: 'none',
  logLevel: 'warning',
});
await chmod(`${outdir}/myaas.js`, 0o755);
for (const directory of ['systemd', 'assets']) {
  await cp(`daemon/host/${directory}`, `${outdir}/${directory}`, { recursive: true });
}

// A bundle that cannot even say its version must not leave here.
execFileSync(process.execPath, [`${outdir}/myaas.js`, '--version'], {
  stdio: ['ignore', 'ignore', 'inherit'],
});
