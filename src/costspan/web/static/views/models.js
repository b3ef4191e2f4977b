/** What each model cost, what a million of its tokens cost, and how that differs from the period before. */

import { calls, cost, filtering, known, minor, share, tokens } from '../columns.js';
import { note } from '../dom.js';
import { change, perMillion } from '../format.js';
import { ask } from '../state.js';
import { table } from '../table.js';

export const id = 'models';
export const title = 'Models';
export const wide = 'two';
const MOST = 20;

export const asks = () => ({ models: ask('/api/usage', { group_by: 'provider,model' }), summary: ask('/api/summary') });

export function draw({ models, summary: { previous: { rows: earlier } } }) {
  if (!models.rows.length) return [note('No calls in this period.')];
  const was = new Map(earlier.map((row) => [`${row.provider}\n${row.model}`, row.cost]));
  const trend = (row) => known(row) === null ? 'unknown' : change(row.cost, was.get(`${row.provider}\n${row.model}`) ?? 0);
  const input = (row) => row.input_tokens - row.cache_read_tokens - row.cache_write_tokens;
  const whole = (row) => Number(row.cost) > 0 && row.costs.other === row.cost; // stated without its parts
  const unit = (row, usd, tokens) => (known(row) === null || row.unpriced_calls === row.calls || whole(row) ? 'unknown' : perMillion(usd, tokens));
  const columns = [
    filtering('model', 'Model'), minor(filtering('provider', 'Provider')), calls, minor(tokens),
    { title: 'Input $/M', number: true, minor: true, value: (row) => unit(row, row.costs.input, input(row)), sum: false },
    { title: 'Output $/M', number: true, minor: true, value: (row) => unit(row, row.costs.output, row.output_tokens), sum: false },
    cost, minor(share),
    ...(earlier.length ? [{ title: 'Before', number: true, minor: true, value: trend, sum: false }] : []),
  ];
  return [
    table('Models', columns, models.rows, models.total, MOST),
    note('$/M: what a million fresh input or output tokens cost here, as billed.'),
  ];
}
