import type { Import, Template } from '../contract/templates.ts';
import type { Context } from './command.ts';
import { connect } from './connection.ts';
import type { Output } from './output.ts';
import { poolText } from './pool.ts';
import { progressText } from './progress.ts';
import { relative, size } from './units.ts';

/** `myaas templates`: all templates, or one with its versions. */
export async function showTemplates(context: Context, [name]: readonly [string?]): Promise<number> {
  const { output, json } = context;
  const api = await connect(context);
  if (name !== undefined) {
    const template = await api.template(name);
    if (json) output.json(template);
    else showOne(output, template);
    return 0;
  }
  const templates = await api.templates();
  if (json) output.json({ templates });
  else if (templates.length === 0)
    output.note('There are no templates. Put a dump into the dumps directory and run "myaas update".');
  else showAll(output, templates);
  return 0;
}

function showAll(output: Output, templates: readonly Template[]): void {
  output.table(
    ['TEMPLATE', 'ENGINE', 'SIZE', 'IMPORTED', 'DATA FROM', 'POOL', 'DATABASES', 'LAST IMPORT'],
    templates.map((template) => {
      const current = template.versions.find(({ version }) => version === template.current);
      return [
        template.name,
        template.engine,
        current ? size(template.sizeBytes) : '-',
        template.importedAt === null ? '-' : relative(template.importedAt),
        current ? relative(current.dumpModifiedAt) : '-',
        poolText(template.pool),
        String(template.versions.reduce((sum, { instances }) => sum + instances, 0)),
        template.import ? importText(output, template.import) : '-',
      ];
    }),
  );
}

function showOne(output: Output, template: Template): void {
  output.facts({
    template: output.style('bold', template.name),
    engine: template.engine,
    current: template.current ?? 'none: it was not imported yet',
    pool: `${poolText(template.pool)} (${template.pool.target} wanted)`,
    import: template.import ? importText(output, template.import) : undefined,
    failure: template.import?.error?.message,
    hint: template.import?.error?.hint,
  });
  if (template.versions.length === 0) return;
  output.line();
  output.table(
    ['VERSION', 'SIZE', 'IMPORTED', 'DATA FROM', 'DUMP', 'SERVER', 'SCHEMAS', 'DATABASES'],
    template.versions.map((version) => [
      version.version,
      size(version.sizeBytes),
      relative(version.importedAt),
      relative(version.dumpModifiedAt),
      version.dump,
      version.engineVersion,
      version.databases.join(', '),
      String(version.instances),
    ]),
  );
}

function importText(output: Output, { state, progress }: Import): string {
  switch (state) {
    case 'running':
      return output.style('cyan', progress ? progressText(progress) : 'running');
    case 'failed':
      return output.style('red', state);
    case 'queued':
    case 'imported':
    case 'unchanged':
    case 'cancelled':
      return state;
  }
}
