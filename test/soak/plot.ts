/** Memory and descriptors of both processes over the time of a soak, one below the other. */
import { writeFile } from 'node:fs/promises';
import { parse, View } from 'vega';
import { compile, type TopLevelSpec } from 'vega-lite';
import type { Sample } from './sample.ts';

const panels: readonly { readonly title: string; readonly series: Readonly<Record<string, keyof Sample>> }[] =
  [
    { title: 'resident MiB', series: { serve: 'serveMib', 'its heap': 'serveHeapMib', gate: 'gateMib' } },
    { title: 'file descriptors', series: { serve: 'serveDescriptors', gate: 'gateDescriptors' } },
    {
      title: 'on the host',
      series: { containers: 'containers', subvolumes: 'subvolumes', 'run directories': 'runDirectories' },
    },
    { title: 'registry, KiB', series: { registry: 'registryKib' } },
  ];

function specOf(samples: readonly Sample[]): TopLevelSpec {
  return {
    $schema: 'https://vega.github.io/schema/vega-lite/v6.json',
    background: 'white',
    padding: 12,
    vconcat: panels.map(({ title, series }) => ({
      width: 640,
      height: 120,
      data: {
        values: Object.entries(series).flatMap(([name, figure]) =>
          samples.map((sample) => ({ minutes: sample.atSeconds / 60, name, value: sample[figure] })),
        ),
      },
      mark: { type: 'line', strokeWidth: 1.5 },
      encoding: {
        x: { field: 'minutes', type: 'quantitative', title: 'minutes' },
        y: { field: 'value', type: 'quantitative', title, scale: { zero: true } },
        color: { field: 'name', type: 'nominal', title: null, scale: { scheme: 'tableau10' } },
      },
    })),
    resolve: { scale: { color: 'independent' } },
    config: { font: 'system-ui, sans-serif', view: { stroke: null } },
  };
}

export async function writePlot(file: string, samples: readonly Sample[]): Promise<void> {
  const view = new View(parse(compile(specOf(samples)).spec), { renderer: 'none' });
  await writeFile(file, `${await view.toSVG()}\n`);
  view.finalize();
}
