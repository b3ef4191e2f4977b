/** Spend step by step, stacked by model. */

import { OTHER, colour, entry, stackedBars } from '../charts.js';
import { cost, known } from '../columns.js';
import { el, note } from '../dom.js';
import { count, money, named } from '../format.js';
import { ask, unit } from '../state.js';
import { table } from '../table.js';

export const id = 'spend';
export const title = 'Spend by model';
const MOST = 7; // models with a colour of their own
const COMMAND = `OTEL_EXPORTER_OTLP_ENDPOINT=${location.origin} opentelemetry-instrument python app.py`;
const STEP = { hour: 3600e3, day: 86400e3, week: 7 * 86400e3 };

export const asks = () => ({
  steps: ask('/api/usage', { group_by: `${unit()},model` }),
  models: ask('/api/usage', { group_by: 'provider,model' }),
  summary: ask('/api/summary'),
});

export function draw({ steps, models, summary }) {
  if (!summary.first_day) return [note('Nothing has arrived yet. This sends the calls of a program here:'), el('pre', {}, COMMAND)];
  if (!steps.rows.length) return [note('No calls in this period.')];
  if (known(steps.total) === null) return [note('What the calls of this period cost is not known.')];
  const { stacks } = stacked(steps, models);
  return [
    el('div', { class: 'chart', role: 'img', 'aria-label': `${money(steps.total.cost)} by ${unit()} and model; the table below has the figures` }),
    el('div', { class: 'legend' }, stacks.map((each) => entry(each.paint, each.name))),
    el('details', { 'data-name': 'spend' }, el('summary', {}, 'As a table'), table(`Spend by ${unit()} and model`, [
      { title: unit()[0].toUpperCase() + unit().slice(1), value: (row) => row[unit()] },
      { title: 'Model', value: (row) => row.model, text: (row) => named(row.model) },
      { title: 'Calls', number: true, value: (row) => row.calls, text: (row) => count(row.calls) },
      cost,
    ], steps.rows)),
  ];
}

export function after(body, { steps, models }) {
  const place = body.querySelector('.chart');
  if (!place) return;
  const { labels, stacks } = stacked(steps, models);
  stackedBars(place, labels, stacks);
}

function stacked(steps, models) {
  const times = every(steps);
  const at = new Map(times.map((time, place) => [time, place]));
  const first = [...new Set(models.rows.map((row) => row.model))].slice(0, MOST);
  const stacks = new Map(first.map((name) => [name, { name: named(name), paint: colour(name), values: times.map(() => 0) }]));
  const rest = { name: 'others', paint: OTHER, values: times.map(() => 0) };
  for (const row of steps.rows) {
    if (at.has(row[unit()])) (stacks.get(row.model) ?? rest).values[at.get(row[unit()])] += Number(row.cost);
  }
  const shown = [...stacks.values(), rest].filter((each) => each.values.some((value) => value > 0));
  return { labels: times.map((time) => (unit() === 'hour' ? time.slice(5).replace('T', ' ') : time.slice(5))), stacks: shown };
}

/** All steps of the period, those without calls too, as the API writes them. */
function every({ rows, since }) {
  const read = (text) => Date.parse(`${text.slice(0, 10)}T${text.slice(11, 16) || '00:00'}Z`);
  const write = (ms) => new Date(ms).toISOString().slice(0, unit() === 'hour' ? 16 : 10);
  const step = STEP[unit()];
  const told = rows.map((row) => read(row[unit()]));
  const [first, last] = [told[0], told.at(-1)];
  const start = since && unit() !== 'week' ? Math.min(first, Math.floor(read(since) / step) * step) : first;
  return Array.from({ length: Math.round((last - start) / step) + 1 }, (_, place) => write(start + place * step));
}
