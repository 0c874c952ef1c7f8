/** MySQL's imports against its own client, which loads one statement after the other. */
import { writeFile } from 'node:fs/promises';
import { importCommand } from '../../../daemon/engines/mysql-commands.ts';
import type { Finding, Part } from '../instant/finding.ts';
import { imageOfServers } from '../../support/image.ts';
import { writeShopDump } from '../shop-dump.ts';
import { importHost, sizeBytes } from './host.ts';
import { importAll } from './job.ts';
import { memoryBytes, Peer } from './peer.ts';

/** As the server of an import has them, but for its paths. */
const importFlags = (): string[] =>
  importCommand({ memoryBytes, series: '' }).filter((flag) => /^--(?:innodb|key|max-allowed)/.test(flag));

async function measure(): Promise<Finding> {
  await using host = await importHost({ MYAAS_MYSQL_IMAGE: '' });
  const dump = `${host.dumpsDir}/shop.sql`;
  await writeShopDump(dump, sizeBytes);
  await writeFile(`${host.dumpsDir}/shop.engine`, 'mysql');
  const first = await importAll(host, true);
  const image = await imageOfServers(host, 'shop');
  const peers: number[] = [];
  for (const flags of [[], importFlags()]) {
    await using peer = await Peer.start(flags, dump, image);
    peers.push((await peer.loadPlain()).seconds);
  }
  const last = await importAll(host, true);
  const ours = [first, last].map(({ loading }) => loading.seconds);
  const [plain = 0, tuned = 0] = peers;
  const best = Math.min(...ours);
  const ms = (seconds: readonly number[]) => seconds.map((each) => each * 1000);
  return {
    series: {
      'mysql < dump, default settings': ms([plain]),
      'mysql < dump, our settings': ms([tuned]),
      'ours, loading': ms(ours),
      'ours, all of it': ms([first, last].map(({ totalSeconds }) => totalSeconds)),
    },
    verdicts: [
      { what: 'size of the dump', measured: sizeBytes / 1e6, unit: 'MB' },
      { what: 'plain / ours, loading', measured: plain / best, unit: '×' },
      { what: 'plain with our settings / ours, loading', measured: tuned / best, unit: '×' },
    ],
  };
}

export const mysqlImport: Part = { title: 'Import of a dump into MySQL, against its client', measure };
