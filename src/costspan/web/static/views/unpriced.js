/** Models without a price, why, and what to write to give them one. */

import { calls, filtering, tokens } from '../columns.js';
import { el, note } from '../dom.js';
import { ask } from '../state.js';
import { table } from '../table.js';

export const id = 'unpriced';
export const title = 'Without a price';
const MOST = 10; // why takes several lines of each

export const asks = () => ({
  unpriced: ask('/api/usage', { group_by: 'provider,model,status', status: ['unpriced', 'partial'] }),
  latest: ask('/api/calls', { status: 'unpriced', limit: 100 }),
});

export function draw({ unpriced, latest }) {
  const rows = unpriced.rows.sort((a, b) => b.tokens - a.tokens);
  if (!rows.length) return [note('No call of this period lacks a price.')];
  const reasons = new Map(latest.calls.map((call) => [`${call.provider}\n${call.model}`, call.reason]));
  const why = (row) => (row.status === 'partial' ? 'a part of it has no price' : reasons.get(`${row.provider}\n${row.model}`) || 'no price list has it');
  const entries = rows.map((row) => ({ provider: row.provider, model: row.model, input: 0, output: 0 }));
  return [
    table('Models without a price', [filtering('model', 'Model'), filtering('provider', 'Provider'), calls, tokens, { title: 'Why', value: why }], rows, null, MOST),
    note('Not in any sum here: unknown is not zero. See ', el('code', {}, 'costspan prices check'), '; ', el('code', {}, 'costspan prices update'), ' gets the newest list.'),
    el('details', { 'data-name': 'price' }, el('summary', {}, 'Give them a price of your own'),
      note('Write what a million tokens cost into a file, name it in ', el('code', {}, 'COSTSPAN_PRICES'), ' for your programs and ', el('code', {}, 'costspan up'), ', and price what is stored:'),
      el('pre', { tabindex: '0' }, `${JSON.stringify({ models: entries }, null, 1)}\n`),
      el('pre', { tabindex: '0' }, 'COSTSPAN_PRICES=prices.json costspan ledger reprice --missing')),
  ];
}
