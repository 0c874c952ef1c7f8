/**
 * Every id that package.json contributes, in one place. A test compares the two, both ways; the maps by these ids
 * elsewhere are exhaustive, so that the compiler finds what is contributed but not made.
 */

/** `publisher.name`. */
export const extensionId = 'myaas.myaas';

export const containerId = 'myaas';

export const viewIds = { databases: 'myaas.instances', templates: 'myaas.templates' } as const;

export const commandIds = {
  newDatabase: 'myaas.newDatabase',
  newDatabaseWithOptions: 'myaas.newDatabaseWithOptions',
  useInWorkspace: 'myaas.useInWorkspace',
  resetDatabase: 'myaas.resetDatabase',
  putToSleep: 'myaas.putToSleep',
  wakeUp: 'myaas.wakeUp',
  deleteDatabase: 'myaas.deleteDatabase',
  extendLease: 'myaas.extendLease',
  protect: 'myaas.protect',
  unprotect: 'myaas.unprotect',
  copyUrl: 'myaas.copyUrl',
  copyClientCommand: 'myaas.copyClientCommand',
  openShell: 'myaas.openShell',
  openTerminal: 'myaas.openTerminal',
  showServerLog: 'myaas.showServerLog',
  showDatabaseActions: 'myaas.showDatabaseActions',
  openEnvFile: 'myaas.openEnvFile',
  refreshTemplate: 'myaas.refreshTemplate',
  refreshAllTemplates: 'myaas.refreshAllTemplates',
  connect: 'myaas.connect',
  signOut: 'myaas.signOut',
  retry: 'myaas.retry',
  showLog: 'myaas.showLog',
} as const;
export type CommandName = keyof typeof commandIds;
export type CommandId = (typeof commandIds)[CommandName];

/** Settings, without the `myaas.` that they all begin with. */
export const settingKeys = {
  url: 'url',
  defaultTemplate: 'defaultTemplate',
  defaultTtl: 'defaultTtl',
  envFile: 'env.file',
  envVariables: 'env.variables',
} as const;
export const settingsSection = 'myaas';

/** Settings that a workspace which is not trusted must not make: they choose where credentials go. */
export const restrictedSettings = [
  'myaas.url',
  'myaas.env.file',
  'myaas.env.variables',
] as const satisfies readonly string[];

/** Context keys that `when` clauses in package.json read. */
export const contextKeys = {
  /** One of `availabilities`. */
  daemon: 'myaas.daemon',
  admin: 'myaas.admin',
  hasTemplates: 'myaas.hasTemplates',
} as const;

/** What is known of the daemon: the values of the context key `myaas.daemon`, each with its welcome view. */
export const availabilities = [
  'unknown',
  'ready',
  'unreachable',
  'forbidden',
  'no-token',
  'bad-token',
  'mismatch',
  'misconfigured',
] as const;
export type Availability = (typeof availabilities)[number];

/** First word of a node's `contextValue`; flags follow, such as in `instance own protected usable`. */
export const nodeKinds = ['instance', 'template', 'version'] as const;
export type NodeKind = (typeof nodeKinds)[number];
export const nodeFlags = ['own', 'protected', 'asleep', 'usable', 'failed'] as const;
export type NodeFlag = (typeof nodeFlags)[number];

export const taskType = 'myaas';

export const walkthrough = {
  id: 'start',
  steps: ['connect', 'create', 'run', 'reset'],
} as const;

/** URI schemes of ours: a server's log as a document, and a database as what decorations are about. */
export const schemes = { log: 'myaas-log', database: 'myaas-database' } as const;
