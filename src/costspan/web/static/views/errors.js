/** What failed calls cost. A retry is a call of its own, so it is paid for again. */

import { calls, cost, filtering, tokens } from '../columns.js';
import { note } from '../dom.js';
import { count, money, percent, seconds } from '../format.js';
import { ask } from '../state.js';
import { table } from '../table.js';

export const id = 'errors';
export const title = 'Errors and retries';

export const asks = () => ({
  failed: ask('/api/usage', { group_by: 'error,model', 'error!': '' }),
  summary: ask('/api/summary'),
});

export function draw({ failed: { rows, total }, summary: { period } }) {
  if (!rows.length) return [note('No call of this period failed.')];
  return [
    note(`${count(total.calls)} of ${count(period.total.calls)} calls failed (${percent(total.calls / period.total.calls)}). They were billed ${money(total.cost)}; `
      + `what was tried again was paid again, and took ${seconds(total.average_seconds * total.calls)} more.`),
    table('Errors', [{ title: 'Error', value: (row) => row.error }, filtering('model', 'Model'), calls, tokens, cost], rows, total),
  ];
}
