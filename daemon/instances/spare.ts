/** A clone that is nobody's yet, as the registry is told of it before anything of it is made. */
import { randomBytes } from 'node:crypto';
import type { SpareRow } from '../drivers/registry-spares.ts';
import type { Manifest } from '../templates/catalogue.ts';

/** `recipe`: what its server is made with, as `Builder.recipeOf` says. */
export function draftSpare(manifest: Manifest, recipe: string, password: string): SpareRow {
  return {
    id: randomBytes(6).toString('hex'),
    state: 'making',
    template: manifest.template,
    version: manifest.version,
    recipe,
    engine: manifest.engine,
    engineSeries: manifest.engineSeries ?? '',
    databaseName: manifest.database,
    username: manifest.username,
    password,
    sizeBytes: manifest.sizeBytes,
    createdAt: new Date().toISOString(),
  };
}
