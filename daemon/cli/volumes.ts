import type { Context } from './command.ts';
import { connect } from './connection.ts';
import { relative, size } from './units.ts';

/** `myaas volumes`: what Docker has of us. With `--json`, an admin sees the credentials. */
export async function showVolumes(context: Context): Promise<number> {
  const { output, json } = context;
  const volumes = await (await connect(context)).volumes();
  if (json) output.json({ volumes });
  else if (volumes.length === 0)
    output.note('There are no volumes. "docker volume create -d myaas -o template=TEMPLATE NAME" makes one.');
  else {
    output.table(
      ['VOLUME', 'TEMPLATE', 'VERSION', 'SCHEMA', 'USER', 'SIZE', 'MADE'],
      volumes.map((volume) => [
        volume.name,
        volume.template,
        volume.version,
        volume.database,
        volume.user,
        size(volume.sizeBytes),
        relative(volume.createdAt),
      ]),
    );
  }
  return 0;
}
