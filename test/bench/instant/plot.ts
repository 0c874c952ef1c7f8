/** The latencies of a record as cumulative distributions: how many of all were answered within so many milliseconds. */
import { writeFile } from 'node:fs/promises';
import { parse, View } from 'vega';
import { compile, type TopLevelSpec } from 'vega-lite';
import type { Results } from './record.ts';

const plotFile = 'test/bench/instant.svg';

/** What the plot shows, of all that was measured. */
const shown: readonly { readonly part: string; readonly series: string }[] = [
  { part: 'claim', series: 'bare: connect and query, socket' },
  { part: 'claim', series: 'claim: POST to first query' },
  { part: 'reset', series: 'reset from the pool' },
  { part: 'wake', series: 'wake on connect' },
  { part: 'wake', series: 'floor: docker start, query' },
  { part: 'empty', series: 'create, pool empty: POST answered' },
  { part: 'empty', series: 'floor: snapshot, docker run, query' },
];

function specOf(record: Results): TopLevelSpec {
  const measured = shown.flatMap(({ part, series }) =>
    (record[part]?.series[series] ?? []).map((ms) => ({ series, ms })),
  );
  return {
    $schema: 'https://vega.github.io/schema/vega-lite/v6.json',
    title: { text: 'From the request to the first answered query', anchor: 'start', offset: 12 },
    background: 'white',
    padding: 12,
    width: 640,
    height: 320,
    data: { values: measured },
    transform: [
      {
        window: [{ op: 'cume_dist', as: 'share' }],
        groupby: ['series'],
        sort: [{ field: 'ms', order: 'ascending' }],
      },
    ],
    mark: { type: 'line', interpolate: 'step-after', strokeWidth: 2 },
    encoding: {
      x: { field: 'ms', type: 'quantitative', title: 'milliseconds', scale: { type: 'log', nice: false } },
      y: { field: 'share', type: 'quantitative', title: 'answered', axis: { format: '%' } },
      color: {
        field: 'series',
        type: 'nominal',
        title: null,
        scale: { domain: shown.map(({ series }) => series), scheme: 'tableau10' },
        legend: { labelLimit: 320, symbolStrokeWidth: 3 },
      },
      // Floors are what others are compared with.
      strokeDash: {
        condition: {
          test: "indexof(datum.series, 'floor') === 0 || indexof(datum.series, 'bare') === 0",
          value: [4, 3],
        },
        value: [1, 0],
      },
    },
    config: { font: 'system-ui, sans-serif', view: { stroke: null } },
  };
}

export async function writePlot(record: Results): Promise<void> {
  const view = new View(parse(compile(specOf(record)).spec), { renderer: 'none' });
  await writeFile(plotFile, `${await view.toSVG()}\n`);
  view.finalize();
}
