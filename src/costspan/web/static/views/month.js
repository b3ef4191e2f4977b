/** This month day by day: what was spent, the even pace of the budget, and where the pace of the last days leads. */

import { monthBudget } from '../budget.js';
import { entry, lines } from '../charts.js';
import { known } from '../columns.js';
import { el, note } from '../dom.js';
import { money } from '../format.js';
import { ask } from '../state.js';
import { table } from '../table.js';

export const id = 'month';
export const title = 'This month against its budget';

export const asks = () => ({
  summary: ask('/api/summary'),
  days: ask('/api/usage', { since: 'month', until: null, group_by: 'day' }),
  budgets: '/api/budgets',
});

export function draw(answers) {
  if (known(answers.summary.month) === null) return [note('What the calls of this month cost is not known.')];
  const { labels, shown } = series(answers);
  const [spent] = shown;
  return [
    el('div', { class: 'chart', role: 'img', 'aria-label': `${money(answers.summary.month.cost)} so far, forecast ${money(answers.summary.month.forecast)}` }),
    el('div', { class: 'legend' }, shown.map((each) => entry(each.paint, each.name))),
    el('details', { 'data-name': 'month' }, el('summary', {}, 'As a table'), table('This month day by day', [
      { title: 'Day', value: ([label]) => label },
      { title: 'Spent since the 1st', number: true, value: ([, usd]) => usd, text: ([, usd]) => money(usd) },
    ], labels.map((label, at) => [label, spent.values[at]]).filter(([, usd]) => usd !== null))),
  ];
}

export const after = (body, answers) => {
  const place = body.querySelector('.chart');
  if (!place) return;
  const { labels, shown } = series(answers);
  lines(place, labels, shown);
};

function series({ summary: { month, now }, days, budgets }) {
  const first = month.start.slice(0, 7);
  const length = new Date(Date.UTC(first.slice(0, 4), first.slice(5, 7), 0)).getUTCDate();
  const labels = Array.from({ length }, (_, at) => `${first}-${String(at + 1).padStart(2, '0')}`);
  const told = new Map(days.rows.map((row) => [row.day, Number(row.month_to_date)]));
  const today = Math.min(length - 1, Math.floor((Date.parse(now) - Date.parse(month.start)) / 86400e3));
  let last = 0;
  const spent = labels.map((label, at) => (at > today ? null : (last = told.get(label) ?? last)));
  const ahead = labels.map((_, at) => (at === today ? last : at === length - 1 ? Number(month.forecast) : null));
  const shown = [
    { name: 'Spent', paint: 'var(--colour-1)', values: spent, fill: true },
    { name: 'Forecast (dotted)', paint: 'var(--colour-1)', values: ahead, dash: [3, 4] },
  ];
  const budget = monthBudget(budgets);
  if (budget) {
    shown.push({ name: 'Even pace', paint: 'var(--quiet)', values: labels.map((_, at) => (budget * (at + 1)) / length), dash: [6, 4] });
    shown.push({ name: 'Budget', paint: 'var(--bad)', values: labels.map(() => budget) });
  }
  return { labels: labels.map((label) => label.slice(5)), shown };
}
