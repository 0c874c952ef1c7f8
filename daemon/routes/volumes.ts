import { Type } from 'typebox';
import type { App } from './app.ts';
import { Volume } from '../contract/instances.ts';
import { named } from '../contract/schema.ts';
import type { VolumeRow } from '../drivers/registry-volumes.ts';
import { userOf } from '../plugins/auth.ts';
import { isAdmin, maySee } from '../rights.ts';
import type { Volumes } from '../volumes/volumes.ts';
import { failing } from './failing.ts';

export function volumeRoutes(app: App, volumes: Volumes): void {
  app.get(
    '/v1/volumes',
    {
      schema: {
        summary: 'The clones that Docker has as volumes; their credentials only for admins',
        response: { 200: Type.Object({ volumes: Type.Array(named(Volume)) }), ...failing() },
      },
    },
    async (request) => {
      const user = userOf(request);
      const rows = volumes.list().filter(({ template }) => maySee(user, template));
      return Promise.resolve({ volumes: rows.map((row) => viewOf(row, isAdmin(user))) });
    },
  );
}

function viewOf(row: VolumeRow, mayKnow: boolean): Volume {
  return {
    name: row.name,
    template: row.template,
    version: row.version,
    engine: row.engine,
    database: row.databaseName,
    user: row.username,
    ...(mayKnow && { password: row.password }),
    sizeBytes: row.sizeBytes,
    createdAt: row.createdAt,
  };
}
