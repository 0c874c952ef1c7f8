/** `myaas serve`: the privileged process, put together from its parts. Runs until its signal aborts. */
import { randomBytes } from 'node:crypto';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { once } from 'node:events';
import { hostname } from 'node:os';
import { pino } from 'pino';
import { buildApp } from './app.ts';
import { Audit } from './audit.ts';
import { listenAddressOf, type Config } from './config.ts';
import { accounts, lookupUser } from './host/accounts.ts';
import { pathsOf } from './paths.ts';
import { Docker } from './drivers/docker.ts';
import { openRoomyRegistry } from './drivers/registry-room.ts';
import { watchRegistry } from './drivers/registry-watch.ts';
import { messageOf } from './errors/error.ts';
import { errors } from './errors/errors.ts';
import { Events } from './events.ts';
import { exposedPorts } from './exposure.ts';
import { GateLink } from './gate/link.ts';
import { Images } from './host/images.ts';
import { ensureMounted } from './host/init.ts';
import { notifySystemd } from './host/notify.ts';
import { Admission } from './instances/admission.ts';
import { Builder } from './instances/builder.ts';
import { DiskLimit } from './instances/disk-limit.ts';
import { DiskWatch } from './instances/disk-watch.ts';
import { Reconciler } from './instances/healing.ts';
import { Instances } from './instances/instances.ts';
import { LeaseTimer } from './instances/lease-timer.ts';
import { Ledger } from './instances/ledger.ts';
import { Pool } from './instances/pool.ts';
import { Resets } from './instances/reset.ts';
import { Servers, type HostAccounts } from './instances/server.ts';
import { Sleep } from './instances/sleep.ts';
import { Sweeper } from './instances/sweeper.ts';
import { Terms } from './instances/terms.ts';
import { Traffic } from './instances/traffic.ts';
import { Upgrades } from './instances/upgrade.ts';
import { Upkeep } from './instances/upkeep.ts';
import { checkListen, listen } from './listen.ts';
import type { Log } from './log.ts';
import { Metrics } from './metrics.ts';
import { Authenticator } from './plugins/auth.ts';
import { Catalogue } from './templates/catalogue.ts';
import { Importer, removeLeftoverImports } from './templates/import.ts';
import { ImportJobs } from './templates/jobs.ts';
import { Seeds } from './templates/seeds.ts';
import { Templates } from './templates/templates.ts';
import { watchDumps } from './templates/watch.ts';
import { Sessions } from './sessions.ts';
import { statusReader } from './status.ts';
import { version } from './version.ts';
import { HostCertificate, tlsTermsOf } from './tls.ts';
import { buildVolumePlugin, offerVolumes } from './volumes/plugin.ts';
import { Volumes } from './volumes/volumes.ts';

/** Who was just given a database connects to it next; spares are made after that. */
const quietMs = 200;
const lingerMs = 2000;

/** Throws a `MyaasError` with the remedy when the host is not ready for it. */
export async function serve(config: Config, signal: AbortSignal): Promise<void> {
  if (process.getuid?.() !== 0) throw errors.needsRoot('serve');
  checkListen(config);
  // The modes that files are made with are meant as they are.
  process.umask(0o022);
  const logger = pino({
    level: config.debug ? 'debug' : 'info',
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
  });
  const log: Log = logger;
  const paths = pathsOf(config);
  await ensureMounted(config);
  const hostAccounts = await findAccounts();
  const registry = await openRoomyRegistry({ ...config, file: paths.registry }, log);
  const docker = new Docker({
    host: config.dockerHost,
    timeoutMs: config.dockerTimeoutSeconds * 1000,
    hostId: registry.hostId,
    prefix: config.prefix,
  });
  await docker.ping();
  const images = new Images({ config, docker, registry });
  const image = await images.open((line) => log.info(line));

  const stopping = new AbortController();
  await mkdir(config.runDir, { recursive: true, mode: 0o755 });
  const events = new Events();
  const servers = new Servers(docker, paths, hostAccounts, log);
  const catalogue = new Catalogue(paths, log);
  // First, so that nothing writes into the half-made versions that are removed next.
  await removeLeftoverImports(docker, log);
  await catalogue.load();
  const seeds = new Seeds(paths, images);
  await seeds.tidy();
  const certificate = await HostCertificate.open(config, log, stopping.signal);
  const gate = new GateLink({
    socketPath: paths.gateSocket,
    owner: hostAccounts.gate,
    routes: () => ledger.routes(),
    onSight: (sight) => void sleep.notice(sight),
    tls: () => certificate && tlsTermsOf(certificate.pair, config),
    log,
  });
  certificate?.renewals.on('renewed', (pair) => {
    gate.secure(tlsTermsOf(pair, config)).catch((error: unknown) => log.warn(messageOf(error)));
  });
  const diskLimit = await DiskLimit.open(paths, config.diskLimit);
  const upgrades = new Upgrades({ paths, docker, servers });
  const builder = new Builder({ config, paths, docker, servers, images, upgrades, diskLimit });
  const metrics = new Metrics();
  const audit = new Audit(registry.audit, config.auditDays, log);
  const traffic = new Traffic(quietMs);
  const admission = new Admission({ config, paths, evict: () => pool.evict() });
  const sweeper = new Sweeper({ builder, registry, log });
  const basis = { config, builder, registry, catalogue, admission, traffic, sweeper, log };
  const pool: Pool = new Pool({
    ...basis,
    docker,
    isImporting: () => jobs.isRunning,
    onChange: (template) => templates.publish(template),
  });
  const ledger: Ledger = new Ledger({
    config,
    registry,
    builder,
    diskLimit,
    gate,
    events,
    onLeases: () => leases.arm(),
  });
  const common = {
    ...basis,
    ledger,
    pool,
    terms: new Terms({ config, registry, diskLimit }),
    diskLimit,
    images,
    gate,
    metrics,
    stopping: stopping.signal,
  };
  const instances = new Instances({ ...common, isImporting: (template) => templates.isImporting(template) });
  const resets = new Resets(common);
  const sleep = new Sleep(common);
  // What lives beside instances and pool, with containers and directories like theirs.
  const others = () => [
    ...importer.underWay,
    ...upgrades.underWay,
    ...registry.volumes.list().map(({ id }) => id),
  ];
  const upkeep = new Upkeep({ ...common, instances, docker, audit, others });
  const reconciler = new Reconciler({ ...common, paths, instances, docker, others, upkeep });
  const diskWatch = new DiskWatch({ ...common, instances, limit: diskLimit });
  const leases = new LeaseTimer({
    nextExpiry: () => registry.nextExpiry(),
    expire: () => upkeep.expire(),
    log,
  });
  const templates: Templates = new Templates({
    catalogue,
    ledger,
    instances,
    pool,
    registry,
    jobs: () => jobs,
    events,
    keepVersions: config.keepVersions,
  });
  const importer = new Importer({ ...common, paths, docker, servers, seeds });
  const jobs: ImportJobs = new ImportJobs({
    dumpsDirectory: paths.dumps,
    importer,
    catalogue,
    registry,
    log,
    importsAtATime: config.importJobs,
    onJob: (job) => events.publish({ type: 'job', job }),
    onTemplate: (template) => templates.publish(template),
    prune: (template) => templates.prune(template),
  });

  const flush = () => registry.flush();
  const volumes = new Volumes({
    config,
    paths,
    store: registry.volumes,
    catalogue,
    admission,
    builder,
    diskLimit,
    flush,
    log,
  });
  const statusOf = statusReader({ ...common, paths, images, reconciler, leases });
  metrics.show(statusOf);
  const sessions = new Sessions((token) => registry.users.tokenCounts(token));
  const rootToken = randomBytes(32).toString('base64url');
  const app = await buildApp({
    version,
    logger,
    authenticator: new Authenticator(registry, rootToken),
    ledger,
    instances,
    resets,
    sleep,
    builder,
    templates,
    jobs,
    volumes,
    events,
    docker,
    legacyUser: config.legacyUser,
    ownNames: ['localhost', hostname(), config.hostname, config.listen.host, ...config.apiNames],
    sessions,
    audit,
    requestsPerMinute: config.requestsPerMinute,
    statusOf,
    metrics,
    flush,
    stopping: stopping.signal,
  });

  await gate.listen();
  await reconciler.reconcile('start');
  await volumes.recover();
  await pool.start();
  leases.arm();
  void upkeep.watchContainers(() => {
    void reconciler.reconcileSafely();
    pool.compare().catch((error: unknown) => log.warn(messageOf(error)));
  });
  void reconciler.keepUp(stopping.signal);
  void diskWatch.run();
  if (config.watchDumpsSeconds > 0) {
    const quietMs = config.watchDumpsSeconds * 1000;
    watchDumps({ dumpsDirectory: paths.dumps, quietMs, jobs, log }, stopping.signal);
  }
  const { volumeDriver } = config;
  const withdrawVolumes =
    volumeDriver === undefined
      ? undefined
      : await offerVolumes(buildVolumePlugin(volumes, logger), volumeDriver);
  sessions.keepLooking(stopping.signal);
  watchRegistry(paths.registry, () => sessions.look(), log, stopping.signal);
  const listening = await listen(app, config, paths, certificate);
  await writeFile(paths.rootToken, rootToken, { mode: 0o600 });
  // A file that was there keeps its mode.
  await chmod(paths.rootToken, 0o600);
  const exposed = exposedPorts(config);
  if (exposed) log.warn(`${exposed.detail} ${exposed.remedy}`);
  log.info(
    `MyAAS ${version} serves on ${paths.apiSocket} and ${listenAddressOf(config)}, with ${image.reference} (${image.reason}).`,
  );
  await notifySystemd('READY=1');

  if (!signal.aborted) await once(signal, 'abort');
  log.info('Stopping.');
  // It stops in any case.
  await notifySystemd('STOPPING=1').catch((error: unknown) => log.warn(messageOf(error)));
  stopping.abort();
  leases.stop();
  await withdrawVolumes?.();
  await Promise.all([instances.stop(), volumes.stop(), pool.stop(), jobs.stop()]);
  listening[Symbol.dispose]();
  await app.close();
  await gate.close();
  audit.flush();
  registry.close();
  log.info('Stopped.');
  const linger = () => {
    log.warn(`Something was still open: ${process.getActiveResourcesInfo().join(', ')}.`);
    process.exit();
  };
  // What a library has left open must not keep a stopped daemon alive; with nothing open this is never called.
  setTimeout(linger, lingerMs).unref();
}

async function findAccounts(): Promise<HostAccounts & { gate: { uid: number; gid: number } }> {
  const [server, gate] = [await lookupUser(accounts.serverUser), await lookupUser(accounts.gateUser)];
  if (!server || !gate) {
    throw errors.hostNotReady(
      `The system users "${accounts.serverUser}" and "${accounts.gateUser}" are not there.`,
      'Run "myaas init" as root.',
    );
  }
  return { server, gate, gateGid: gate.gid };
}
