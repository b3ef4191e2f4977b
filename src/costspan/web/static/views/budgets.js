/** Budgets of the budget file, and what is left of each; and a budget for the month typed here. */

import { bar, el, note } from '../dom.js';
import { compact, money, percent } from '../format.js';
import { get, go } from '../state.js';
import { table } from '../table.js';

export const id = 'budgets';
export const title = 'Budgets';

export const asks = () => ({ budgets: '/api/budgets' });

export function draw({ budgets: { budgets, problem } }) {
  return [
    typed(),
    problem && el('p', { class: 'note bad-text' }, problem),
    budgets.length
      ? table('Budgets', COLUMNS, budgets)
      : note('A file with lines such as ', el('code', {}, '{"budgets": [{"team": "search", "usd": 100, "per": "month"}]}'),
        ' named by ', el('code', {}, 'COSTSPAN_BUDGETS'), ' where ', el('code', {}, 'costspan up'), ' starts shows here what is left of each.'),
  ].filter(Boolean);
}

const amount = (row, value) => (row.unit === 'USD' ? money(value) : `${compact(Number(value))} tok`);
const COLUMNS = [
  { title: 'For', value: who, cell: (row) => el('span', { title: row.name }, who(row)) },
  { title: 'Limit', number: true, value: (row) => row.limit, text: (row) => amount(row, row.limit) },
  { title: 'Per', value: (row) => row.per },
  { title: 'Left', number: true, value: (row) => row.left, text: (row) => amount(row, row.left) },
  { title: 'Used', number: true, value: (row) => row.used,
    cell: (row) => el('span', { class: 'share' }, bar(row.used, row.used >= 1 ? 'bad' : row.used >= 0.8 ? 'warn' : 'good'), percent(row.used)) },
];

function who(row) {
  return Object.entries(row.who).map(([name, value]) => `${name} ${value}`).join(', ') || 'everyone';
}

function typed() {
  const input = el('input', { id: 'budget', type: 'number', min: '0', step: 'any', value: get('budget'), placeholder: 'none',
    onchange: ({ target }) => go({ budget: Number(target.value) > 0 ? target.value : null }) });
  return el('p', {}, el('label', { class: 'inline' }, 'USD a month for what is shown ', input));
}
