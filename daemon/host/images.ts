/**
 * The server images of this host. That of dumps which ask for nothing is there from `myaas init` on; others are had when
 * the first import needs them. All are remembered in the registry.
 */
import { Type, type Static } from 'typebox';
import { Check } from 'typebox/value';
import type { Registry } from '../drivers/registry.ts';
import type { Engine } from '../engines/engine.ts';
import { engineOf, engines } from '../engines/engines.ts';
import { messageOf } from '../errors/error.ts';
import { errors } from '../errors/errors.ts';
import { Locks } from '../locks.ts';
import { bringConfigured, bringUsual, type ImageChoice, type ImageMeans } from './image.ts';
import { seriesIn, tryProgram } from './image-probe.ts';

const ServerImage = Type.Object({
  engine: Type.String(),
  /** Of the server in it: "11.8". */
  series: Type.String(),
  reference: Type.String(),
  /** Docker's, of what was looked into. */
  id: Type.String(),
  reason: Type.String(),
  /** What of the product's optional programs is missing in it. */
  lacks: Type.Array(Type.String()),
});
export type ServerImage = Readonly<Static<typeof ServerImage>>;

const Remembered = Type.Object({ usual: Type.String(), images: Type.Array(ServerImage) });

export interface ImagesDeps extends Omit<ImageMeans, 'log' | 'signal'> {
  readonly registry: Pick<Registry, 'setting' | 'setSetting'>;
}

/** What an import wants: an engine, and perhaps a series of it. */
export interface ServerChoice {
  readonly engine: Engine;
  /** "11.8", or "9" for whatever of it can be had; undefined: the usual one. */
  readonly series: string | undefined;
}

type Log = ImageMeans['log'];

const setting = 'serverImages';
/** Of earlier versions, which knew one image. */
const formerSetting = 'image.mariadb';
/** Whether "11.8" is of "11.8", or of "11". */
export const isOfSeries = (series: string, wanted: string): boolean =>
  series === wanted || series.startsWith(`${wanted}.`);

export class Images {
  readonly #deps: ImagesDeps;
  #remembered: Static<typeof Remembered>;
  /** Two imports must not build the same image at once. */
  readonly #locks = new Locks();

  constructor(deps: ImagesDeps) {
    this.#deps = deps;
    this.#remembered = recall(deps.registry);
  }

  list(): readonly ServerImage[] {
    return this.#remembered.images;
  }

  /** The one of dumps that ask for nothing; undefined before `prepare`. */
  get usual(): ServerImage | undefined {
    const { usual, images } = this.#remembered;
    return images.find(({ reference }) => reference === usual);
  }

  /** The usual image, for `myaas serve`. Throws `MYAAS_HOST_NOT_READY`, `MYAAS_IMAGE_MISSING`. */
  async open(log: Log): Promise<ServerImage> {
    const { config, docker, registry } = this.#deps;
    const configured = engines[0].image.configured(config);
    const reference = configured ?? this.usual?.reference ?? registry.setting(formerSetting);
    if (reference === undefined)
      throw errors.hostNotReady('No server image has been chosen yet.', 'Run "myaas init" as root.');
    const id = await docker.imageId(reference);
    if (id === undefined) throw errors.imageMissing(reference, 'Docker Engine does not have it any more');
    const { usual } = this;
    return usual?.reference === reference && usual.id === id ? usual : await this.prepare(log);
  }

  /**
   * Has the image of dumps that ask for nothing on this machine: the configured one, whatever product is in it, or
   * MariaDB's. Throws `MYAAS_IMAGE_MISSING` when it can't be had or has no server in it.
   */
  async prepare(log: Log, signal?: AbortSignal): Promise<ServerImage> {
    const [mariadb] = engines;
    const configured = mariadb.image.configured(this.#deps.config);
    const means = { ...this.#deps, log, signal };
    const image = configured
      ? await this.#lookInto(await bringConfigured(means, mariadb, configured), sharing(mariadb))
      : await this.#lookInto(await bringUsual(means, mariadb, mariadb.image.defaultSeries), [mariadb]);
    this.#remember(image, image.reference);
    return image;
  }

  /**
   * What serves dumps of a product (undefined: of none that is known) that ask for nothing: where the operator has named
   * one image for several products, whatever is in it.
   */
  standIn(engine: Engine | undefined): Engine {
    const usual = engineOf(this.usual?.engine ?? engines[0].name);
    if (!engine) return usual;
    const configured = engine.image.configured(this.#deps.config);
    return configured !== undefined && configured === this.usual?.reference ? usual : engine;
  }

  /** The image of an import, had now if it must be. Throws `MYAAS_IMAGE_MISSING`. */
  async obtain({ engine, series }: ServerChoice, log: Log, signal: AbortSignal): Promise<ServerImage> {
    return this.#locks.run(engine.name, async () => {
      const here = await this.#present(engine, series);
      if (here) return here;
      const means = { ...this.#deps, log, signal };
      const configured = engine.image.configured(this.#deps.config);
      if (configured !== undefined && configured !== this.usual?.reference) {
        const image = await this.#lookInto(await bringConfigured(means, engine, configured), sharing(engine));
        this.#remember(image);
        if (image.engine === engine.name && isOfSeries(image.series, series ?? image.series)) return image;
      }
      const wanted = series ?? engine.image.defaultSeries;
      const image = await this.#lookInto(await bringUsual(means, engine, wanted), [engine]);
      this.#remember(image);
      if (series === undefined || isOfSeries(image.series, series)) return image;
      throw errors.imageMissing(image.reference, `${engine.title} in it is ${image.series}, not ${series}`);
    });
  }

  /** Of those that are known and still there; the configured one first. */
  async #present(engine: Engine, series: string | undefined): Promise<ServerImage | undefined> {
    const { docker, config } = this.#deps;
    const { image: source } = engine;
    const usualSeries = source.defaultSeries;
    const references = [
      source.configured(config),
      source.official(usualSeries),
      source.debian(usualSeries)?.reference,
    ];
    const rank = ({ reference }: ServerImage) => references.indexOf(reference);
    const fitting = this.#remembered.images
      .filter((image) => image.engine === engine.name)
      .filter((image) => (series === undefined ? rank(image) !== -1 : isOfSeries(image.series, series)))
      .sort((a, b) => Number(rank(b) === 0) - Number(rank(a) === 0));
    for (const image of fitting) if ((await docker.imageId(image.reference)) === image.id) return image;
    return undefined;
  }

  /**
   * The image that clones are served from: of the series of their data, "" where that is not known, or of a newer one that
   * opens it. Throws `MYAAS_IMAGE_MISSING`.
   */
  of(engine: string, series: string): ServerImage {
    const { title, upgradesInPlace } = engineOf(engine);
    const { usual } = this;
    const all = (usual ? [usual] : [])
      .concat(this.#remembered.images)
      .filter((image) => image.engine === engine);
    const image =
      all.find((each) => each.series === series) ??
      all.find((each) => series === '' || (upgradesInPlace && isNewer(each.series, series)));
    if (image) return image;
    throw errors.imageMissing(`${title} ${series}`, 'this host has none, or not any more');
  }

  /** Throws `MYAAS_IMAGE_MISSING` when it has no server of these: a wrong image is told now, not at an import. */
  async #lookInto(choice: ImageChoice, candidates: readonly Engine[]): Promise<ServerImage> {
    const { docker, config } = this.#deps;
    const { reference } = choice;
    const id = await docker.imageId(reference);
    if (id === undefined) throw errors.imageMissing(reference, 'Docker Engine has lost it again');
    const known = this.#remembered.images.find((image) => image.reference === reference && image.id === id);
    if (known) return { ...known, reason: choice.reason };
    const failures: unknown[] = [];
    for (const engine of candidates) {
      const found = await seriesIn(config, reference, engine);
      if (found.series === undefined) {
        failures.push(found.why);
        continue;
      }
      const lacks: string[] = [];
      for (const program of engine.image.optionalPrograms)
        if ((await tryProgram(config, reference, [program, '--version'])).why !== undefined)
          lacks.push(program);
      return { engine: engine.name, series: found.series, ...choice, id, lacks };
    }
    const programs = candidates.map(({ image }) => image.versionCommand[0]).join(', ');
    const why = `no server program (${programs}) runs in it: ${messageOf(failures[0])}`;
    throw errors.imageMissing(reference, why, new AggregateError(failures));
  }

  #remember(image: ServerImage, usual = this.#remembered.usual): void {
    const others = this.#remembered.images.filter(({ reference }) => reference !== image.reference);
    this.#remembered = { usual, images: [...others, image] };
    this.#deps.registry.setSetting(setting, JSON.stringify(this.#remembered));
  }
}

/** Whether "11.8" is newer than "10.11". */
export const isNewer = (series: string, than: string): boolean =>
  series.localeCompare(than, 'en', { numeric: true }) > 0;

/** The products whose image the same variable names. */
const sharing = ({ image }: Engine): Engine[] =>
  engines.filter((engine) => engine.image.variable === image.variable);

function recall(registry: ImagesDeps['registry']): Static<typeof Remembered> {
  const stored: unknown = JSON.parse(registry.setting(setting) ?? 'null');
  return Check(Remembered, stored) ? stored : { usual: '', images: [] };
}
