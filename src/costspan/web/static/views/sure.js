/** How sure the figures are: counted by the provider or here, priced or not, by a list of which day. */

import { known } from '../columns.js';
import { bar, el, note } from '../dom.js';
import { count, counted, money, percent } from '../format.js';
import { ask } from '../state.js';
import { table } from '../table.js';

export const id = 'sure';
export const title = 'How sure';
const OLD_DAYS = 45;

export const asks = () => ({
  sources: ask('/api/usage', { group_by: 'source' }),
  summary: ask('/api/summary'),
  prices: '/api/prices?provider=none', // its date only
});

const NAMES = { provider: 'reported by the provider', tokenizer: 'counted here, by tokenizer', heuristic: 'estimated here, by length' };

export function draw({ sources: { rows }, summary: { sure }, prices }) {
  const all = Math.max(1, sure.calls);
  const days = Math.max(0, Math.floor((Date.now() - Date.parse(prices.list_date)) / 86400e3));
  const shown = [
    ...rows.map((row) => ({ name: NAMES[row.source] ?? 'no usage known', calls: row.calls, cost: known(row), kind: row.source === 'provider' ? 'good' : 'warn' })),
    { name: 'of these without a price, or with only a part of it', calls: sure.unpriced_calls, cost: null, kind: 'bad' },
  ].filter((row) => row.calls > 0);
  return [
    !shown.length ? note('No calls in this period.') : table('How sure the figures are', [
      { title: 'Tokens of calls', value: (row) => row.name },
      { title: 'Calls', number: true, value: (row) => row.calls, text: (row) => count(row.calls) },
      { title: 'Cost', number: true, value: (row) => row.cost, text: (row) => money(row.cost) },
      { title: 'Of calls', number: true, value: (row) => row.calls / all,
        cell: (row) => el('span', { class: 'share' }, bar(row.calls / all, row.kind), percent(row.calls / all)) },
    ], shown),
    note(`Prices: the list of ${prices.list_date}, ${counted(days, 'day')} old.`, days > OLD_DAYS ? ' costspan prices update gets a newer one.' : ''),
  ];
}
