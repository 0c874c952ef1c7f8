/** Which server an instance gets: its template's, or a newer one that it asks for, to rehearse an upgrade. */
import type { Engine } from '../engines/engine.ts';
import { engineOf } from '../engines/engines.ts';
import { messageOf, MyaasError } from '../errors/error.ts';
import { errors } from '../errors/errors.ts';
import { isNewer, isOfSeries, type Images } from '../host/images.ts';
import type { Log } from '../log.ts';
import type { Manifest } from '../templates/catalogue.ts';

export interface ServerSeries {
  /** "11.8"; "" when it is of before there were several. */
  readonly engineSeries: string;
  /** The template's, where its own is newer. */
  readonly upgradedFrom: string | null;
}

export interface SeriesDeps {
  readonly images: Pick<Images, 'list' | 'obtain'>;
  readonly log: Log;
}

/**
 * The server of a clone of this version. `wanted`: a series, "11.8", or "11" for whatever there is of it; its image is had
 * now, where it is not there. Throws `MYAAS_ENGINE_VERSION` when there can be no such server.
 */
export async function seriesFor(
  { images, log }: SeriesDeps,
  manifest: Manifest,
  wanted: string | undefined,
  signal: AbortSignal,
): Promise<ServerSeries> {
  const engine = engineOf(manifest.engine);
  const known = manifest.engineSeries ?? '';
  const from = known === '' ? (engine.image.seriesOf(manifest.engineVersion) ?? '') : known;
  if (wanted === undefined || isOfSeries(from, wanted)) return { engineSeries: known, upgradedFrom: null };
  const { title } = engine;
  const ofTemplate = `Template "${manifest.template}" is of ${title} ${from}`;
  const here = `For it this host has ${title} ${seriesHere(images, engine, from).join(', ')}.`;
  const otherDump = `To have its dump imported for another server, write "${engine.name} ${wanted}" in ${manifest.template}.engine beside it.`;
  if (!/^\d{1,4}(?:\.\d{1,4})?$/.test(wanted))
    throw errors.engineVersion(`${ofTemplate}, and ${JSON.stringify(wanted)} is no version.`, here);
  if (isNewer(from, wanted))
    throw errors.engineVersion(`${ofTemplate}, whose data ${wanted} does not open.`, `${here} ${otherDump}`);
  if (!engine.upgradesInPlace)
    throw errors.engineVersion(
      `${ofTemplate}, whose data only the programs of both versions together can upgrade, and no server image has both.`,
      otherDump,
    );
  try {
    const { series } = await images.obtain({ engine, series: wanted }, (line) => log.info(line), signal);
    return { engineSeries: series, upgradedFrom: from };
  } catch (error) {
    if (!(error instanceof MyaasError && error.code === 'MYAAS_IMAGE_MISSING')) throw error;
    const why = `${ofTemplate}, and ${wanted} can't be had. ${messageOf(error)}`;
    throw errors.engineVersion(why, here, error);
  }
}

/** What this host has for data of a series. */
function seriesHere(images: Pick<Images, 'list'>, { name, upgradesInPlace }: Engine, from: string): string[] {
  const newer = images
    .list()
    .filter((image) => image.engine === name && isNewer(image.series, from))
    .map(({ series }) => series);
  return [from, ...(upgradesInPlace ? new Set(newer) : [])];
}
