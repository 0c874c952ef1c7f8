/** Data directories of other servers: MariaDB's physical backups, and those of older series. */
import { inContainer, type AdoptTool, type BackupTool, type UpgradeTool } from './engine.ts';
import { importCommand, socketName } from './mariadb-commands.ts';
import { wipeDoublewrite } from './mariadb-doublewrite.ts';

/** Below this mariadb-backup --prepare reads the log in more than one go. */
const leastMemoryBytes = 96 * 2 ** 20;

const administrator = {
  access: '18446744073709551615',
  plugin: 'mysql_native_password',
  authentication_string: '',
};
/** They would judge the passwords that instances are given. */
const passwordPlugins = ['simple_password_check', 'cracklib_password_check', 'password_reuse_check'];

/** The grant tables themselves, since root of that server may be any account, or none. Afterwards it is locked, like all. */
const adoptStatements = [
  ...passwordPlugins.map((plugin) => `uninstall plugin if exists ${plugin}`),
  `delete from mysql.plugin where name in (${passwordPlugins.map((plugin) => `'${plugin}'`).join(', ')})`,
  // It knows passwords of other servers.
  'delete from mysql.servers',
  `replace into mysql.global_priv (host, user, priv) values ('localhost', 'root', '${JSON.stringify(administrator).replace(/"(\d+)"/, '$1')}')`,
  'flush privileges',
]
  .map((statement) => `${statement};\n`)
  .join('');
const adoptFile = { name: 'adopt.sql', text: adoptStatements };

const adoptFlag = `--init-file=${inContainer.home}/${adoptFile.name}`;

export const mariadbUpgrade: UpgradeTool = {
  // Of two such flags the last one counts.
  serverCommand: (serveCommand) => [...serveCommand, adoptFlag],
  file: adoptFile,
  command: [
    'mariadb-upgrade',
    '--no-defaults',
    `--socket=${inContainer.run}/${socketName}`,
    '--user=root',
    '--skip-ssl',
    `--tmpdir=${inContainer.tmp}`,
    '--force',
  ],
  phaseOf: (line) => /^Phase (\d+\/\d+: .+)/.exec(line)?.[1],
};

export const mariadbAdopt: AdoptTool = {
  command: (server) => [...importCommand(server), adoptFlag],
  file: adoptFile,
};

export const mariadbBackup: BackupTool = {
  streamStart: Buffer.from('XBSTCK01'),

  extractCommand: ['mbstream', '--extract', `--directory=${inContainer.datadir}`],

  prepareCommand: (memoryBytes) => [
    'mariadb-backup',
    // What the server's files can't be opened without, and nothing of the image's own.
    `--defaults-file=${inContainer.datadir}/backup-my.cnf`,
    '--prepare',
    `--tmpdir=${inContainer.tmp}`,
    `--target-dir=${inContainer.datadir}`,
    `--use-memory=${String(Math.max(leastMemoryBytes, Math.floor(memoryBytes / 2)))}`,
  ],

  seriesOfBackup: ({ info }) => /^server_version\s*=\s*(\d+\.\d+)/m.exec(info)?.[1],

  wipeRemnants: wipeDoublewrite,

  whyUnusable({ checkpoints, info, options }) {
    const type = /^backup_type\s*=\s*(\S+)/m.exec(checkpoints)?.[1];
    if (type === 'incremental') {
      return 'it is an incremental backup. Prepare it onto its full backup ("mariadb-backup --prepare --incremental-dir") and put that here.';
    }
    if (/^partial\s*=\s*Y/m.test(info)) return 'it is a partial backup, without all tables of its server.';
    const server = /^server_version\s*=\s*(.*)$/m.exec(info)?.[1];
    if (server === undefined) return 'its server_version is missing, so it is not whole.';
    if (!server.includes('MariaDB'))
      return `it is of another product, version ${server}; a template is MariaDB's.`;
    const pageSize = /^innodb_page_size\s*=\s*(\d+)/m.exec(options)?.[1];
    if (pageSize !== undefined && pageSize !== '16384')
      return `its server has innodb_page_size=${pageSize}, and instances have 16384.`;
    const files = /^innodb_data_file_path\s*=\s*(.*)$/m.exec(options)?.[1];
    if (files !== undefined && !/^ibdata1:\w+:autoextend$/.test(files.trim()))
      return `its server has innodb_data_file_path=${files}, and instances have one file, ibdata1.`;
    return undefined;
  },
};
