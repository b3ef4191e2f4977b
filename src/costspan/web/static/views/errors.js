/** What failed calls cost. A retry is a call of its own, so it is paid for again. */

import { calls, cost, filtering, minor, tokens } from '../columns.js';
import { note } from '../dom.js';
import { count, counted, money, percent, seconds } from '../format.js';
import { ask } from '../state.js';
import { table } from '../table.js';

export const id = 'errors';
export const title = 'Errors and retries';
export const wide = 'two';
const MOST = 20;

export const asks = () => ({
  failed: ask('/api/usage', { group_by: 'error,model', 'error!': '' }),
  summary: ask('/api/summary'),
  again: ask('/api/retries'),
});

function retries({ looked_at: looked, retries: rows }) {
  if (!rows.length) return [note(`None of the latest ${counted(looked, 'call')} tried a failed one again.`)];
  const number = (title, name, shown) => ({ title, value: (row) => row[name], text: (row) => shown(Number(row[name])), number: true });
  return [
    note(`Of the latest ${counted(looked, 'call')}, these failed and were tried again within a minute, in the same trace.`),
    table('Retries', [{ title: 'Error', value: (row) => row.error }, filtering('model', 'Model'), number('Tried again', 'calls', count),
      minor(number('Then succeeded', 'succeeded', count)), minor(number('Billed for the failed', 'cost', money)),
      number('Billed for the retries', 'again_cost', money)], rows, null, MOST),
  ];
}

export function draw({ failed: { rows, total }, summary: { period }, again }) {
  if (!rows.length) return [note('No call of this period failed.')];
  return [
    note(`${count(total.calls)} of ${counted(period.total.calls, 'call')} failed (${percent(total.calls / period.total.calls)}). They were billed ${money(total.cost)}; `
      + `they took ${seconds(total.average_seconds * total.calls)}.`),
    table('Errors', [{ title: 'Error', value: (row) => row.error }, filtering('model', 'Model'), calls, minor(tokens), cost], rows, total, MOST),
    ...retries(again),
  ];
}
