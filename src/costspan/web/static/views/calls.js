/** The dearest calls, each with the way to its trace. */

import { cost, filtering, minor } from '../columns.js';
import { el, note } from '../dom.js';
import { compact, moment, seconds } from '../format.js';
import { ask, link, zone } from '../state.js';
import { table } from '../table.js';

export const id = 'calls';
export const title = 'Dearest calls';
export const wide = 'six';

export const asks = () => ({ dearest: ask('/api/calls', { order: 'dearest', limit: 15 }) });

export function draw({ dearest: { calls } }) {
  if (!calls.length) return [note('No single calls are kept of this period.')];
  return [table('Dearest calls', [
    { title: 'Start', value: (row) => row.start, text: (row) => moment(row.start, zone()) },
    filtering('model', 'Model'), minor(filtering('team', 'Team')), minor(filtering('user', 'User')),
    { title: 'Input', number: true, minor: true, value: (row) => row.input_tokens, text: (row) => compact(row.input_tokens) },
    { title: 'Output', number: true, minor: true, value: (row) => row.output_tokens, text: (row) => compact(row.output_tokens) },
    { title: 'Took', number: true, minor: true, value: (row) => row.duration_ms / 1000, text: (row) => seconds(row.duration_ms / 1000) },
    cost,
    { title: 'Trace', value: (row) => row.trace_id,
      cell: (row) => el('a', { href: link({ trace: row.trace_id }), 'aria-label': `Trace of the call of ${moment(row.start, zone())}` }, 'trace') },
  ], calls)];
}
