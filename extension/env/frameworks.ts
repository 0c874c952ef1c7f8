/** Which framework a project uses, and by which variables that finds its database. */

import { dialectOf, type Dialect } from './dialects.ts';

/** Reads a file of the workspace folder; undefined if it is not there or cannot be read. */
export type Read = (path: string) => Promise<string | undefined>;

export type Framework =
  | 'bedrock'
  | 'laravel'
  | 'symfony'
  | 'django'
  | 'rails'
  | 'strapi'
  | 'prisma'
  | 'drizzle'
  | 'typeorm'
  | 'unknown';

/** Names and templates of values, in the order they are written. */
export type Variables = Readonly<Record<string, string>>;

const typeOrm = {
  DB_HOST: '${host}',
  DB_PORT: '${port}',
  DB_USERNAME: '${user}',
  DB_PASSWORD: '${password}',
  DB_DATABASE: '${database}',
};

/** `mysql2://…` of `mysql://…`: what Ruby calls its drivers. */
const withScheme = (scheme: string, { url }: Dialect): string => url.replace(/^\w+/, scheme);

/** What each framework's own documentation and skeletons have. */
function conventionOf(framework: Framework, dialect: Dialect): Variables {
  const { url } = dialect;
  const laravel = {
    DB_CONNECTION: dialect.laravelDriver,
    DB_HOST: '${host}',
    DB_PORT: '${port}',
    DB_DATABASE: '${database}',
    DB_USERNAME: '${user}',
    DB_PASSWORD: '${password}',
  };
  switch (framework) {
    case 'bedrock':
      return {
        DB_NAME: '${database}',
        DB_USER: '${user}',
        DB_PASSWORD: '${password}',
        DB_HOST: '${host}:${port}',
      };
    case 'laravel':
      return laravel;
    case 'symfony':
    case 'django':
    case 'prisma':
    case 'drizzle':
      return { DATABASE_URL: url };
    case 'rails':
      return { DATABASE_URL: dialect.driver === 'mysql' ? withScheme('mysql2', dialect) : url };
    case 'strapi':
      return {
        DATABASE_CLIENT: dialect.driver,
        DATABASE_HOST: '${host}',
        DATABASE_PORT: '${port}',
        DATABASE_NAME: '${database}',
        DATABASE_USERNAME: '${user}',
        DATABASE_PASSWORD: '${password}',
      };
    case 'typeorm':
      return typeOrm;
    case 'unknown':
      return { ...laravel, DATABASE_URL: url };
  }
}

export interface Project {
  readonly framework: Framework;
  readonly dialect: Dialect;
  readonly convention: Variables;
  /** Names that its configuration is known to read: written whatever else the files have. */
  readonly required: readonly string[];
}

/** PHP, Python and Ruby first: their projects often have a package.json too, for the browser's part. */
export async function examineProject(read: Read, engine: string | undefined): Promise<Project> {
  const dialect = dialectOf(engine);
  if (dialect.convention)
    return { framework: 'unknown', dialect, convention: dialect.convention, required: [] };
  const framework =
    (await phpFramework(read)) ??
    (await pythonFramework(read)) ??
    (await rubyFramework(read)) ??
    (await nodeFramework(read)) ??
    'unknown';
  const convention = conventionOf(framework, dialect);
  if (framework === 'prisma') {
    const name = await prismaVariable(read);
    if (name !== undefined)
      return { framework, dialect, convention: { [name]: dialect.url }, required: [name] };
  }
  const isMysql = dialect.driver === 'mysql';
  if (isMysql && framework === 'rails' && /^\s*gem\s+["']trilogy["']/m.test((await read('Gemfile')) ?? '')) {
    return { framework, dialect, convention: { DATABASE_URL: withScheme('trilogy', dialect) }, required: [] };
  }
  return { framework, dialect, convention, required: [] };
}

async function phpFramework(read: Read): Promise<Framework | undefined> {
  const packages = packagesIn(await read('composer.json'), ['require', 'require-dev']);
  if (packages.some((name) => name.startsWith('roots/'))) return 'bedrock';
  if (packages.includes('laravel/framework')) return 'laravel';
  if (packages.includes('symfony/framework-bundle') || packages.includes('symfony/symfony')) return 'symfony';
  return undefined;
}

async function pythonFramework(read: Read): Promise<Framework | undefined> {
  return /\bDJANGO_SETTINGS_MODULE\b/.test((await read('manage.py')) ?? '') ? 'django' : undefined;
}

async function rubyFramework(read: Read): Promise<Framework | undefined> {
  return /^\s*gem\s+["']rails["']/m.test((await read('Gemfile')) ?? '') ? 'rails' : undefined;
}

async function nodeFramework(read: Read): Promise<Framework | undefined> {
  const packages = packagesIn(await read('package.json'), ['dependencies', 'devDependencies']);
  const has = (...names: readonly string[]) => names.some((name) => packages.includes(name));
  if (has('@strapi/strapi', 'strapi')) return 'strapi';
  if (has('prisma', '@prisma/client')) return 'prisma';
  if (has('drizzle-orm')) return 'drizzle';
  if (has('typeorm', '@nestjs/typeorm', '@nestjs/core')) return 'typeorm';
  return undefined;
}

/** The variable that `url = env("…")` of Prisma's schema names. */
async function prismaVariable(read: Read): Promise<string | undefined> {
  const schema = (await read('prisma/schema.prisma')) ?? (await read('schema.prisma')) ?? '';
  return /^\s*url\s*=\s*env\(\s*["'](\w+)["']\s*\)/m.exec(schema)?.[1];
}

/** The names of the packages in a manifest; none if it is not one. */
function packagesIn(manifest: string | undefined, sections: readonly string[]): readonly string[] {
  if (manifest === undefined) return [];
  let parsed: unknown;
  try {
    parsed = JSON.parse(manifest.replace(/^\ufeff/, ''));
  } catch (error) {
    // Half-edited: then the project tells nothing.
    if (error instanceof SyntaxError) return [];
    throw error;
  }
  return sections.flatMap((section) => {
    const packages: unknown = isObject(parsed) ? parsed[section] : undefined;
    return isObject(packages) ? Object.keys(packages) : [];
  });
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
