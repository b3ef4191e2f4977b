/** The figures at a glance: the period, the month and where it ends, the last hour. */

import { known } from '../columns.js';
import { bar, el } from '../dom.js';
import { change, compact, counted, day, money, percent } from '../format.js';
import { PERIODS, ask, period } from '../state.js';
import { monthBudget, pace } from '../budget.js';

export const id = 'glance';
export const title = 'At a glance';
export const wide = 'all';

export const asks = () => ({ summary: ask('/api/summary'), budgets: '/api/budgets' });

const WEEK = 7 * 86400e3;

const tile = (name, value, ...rest) => el('div', { class: 'tile' }, el('h3', {}, name), el('p', { class: 'figure' }, value), rest);
const small = (...text) => el('p', { class: 'small' }, ...text);

export function draw({ summary, budgets }) {
  return [el('div', { class: 'tiles' }, spent(summary), today(summary), soFar(summary, budgets), forecast(summary, budgets), hour(summary))];
}

function spent({ period: { total }, previous: { total: previous } }) {
  return tile(PERIODS[period()] ?? 'Period', money(known(total)),
    small(`${counted(total.calls, 'call', compact)}, ${counted(total.tokens, 'token', compact)}`),
    small(previous.calls ? `${change(total.cost, previous.cost)} against the period before (${money(previous.cost)})` : 'no calls in the period before'));
}

function today({ today }) {
  return tile('Today', money(known(today)), small(counted(today.calls, 'call')),
    small(known(today) === null ? 'some have no price' : today.calls ? `${money(today.cost / today.calls)} a call` : 'nothing yet'));
}

function soFar(summary, budgets) {
  const { month } = summary;
  const budget = monthBudget(budgets);
  const gone = pace(summary);
  if (!budget) return tile('This month', money(known(month)), small(counted(month.calls, 'call')), small('no budget for what is shown: see Budgets'));
  const used = month.cost / budget;
  return tile('This month', money(month.cost), el('p', {}, bar(used, used > 1 ? 'bad' : used > gone ? 'warn' : 'good')),
    small(`${percent(used)} of ${money(budget)} used, ${percent(gone)} of the month gone: `,
      el('b', {}, used > 1 ? 'over budget' : used > gone ? 'ahead of pace' : 'within pace')));
}

/** Whose pace the forecast goes on with: before a week is full, that of what there is. */
const trend = (now, first) =>
  (Date.parse(now) - Date.parse(first) < WEEK ? `since ${day(new Date(first))}` : 'of the last 7 days');

function forecast({ now, month, first_day: first }, budgets) {
  const budget = monthBudget(budgets);
  const perMs = (month.forecast - month.cost) / (Date.parse(month.end) - Date.parse(now));
  const spentOn = new Date(Date.parse(now) + (budget - month.cost) / perMs);
  const end = small(`by ${day(new Date(Date.parse(month.end) - 1))}, at the pace ${trend(now, first)}`);
  if (!budget) return tile('Month-end forecast', money(known(month) && month.forecast), end);
  const over = month.forecast - budget;
  const verdict = month.cost >= budget ? 'the budget is spent'
    : over > 0 ? `the budget is spent on ${day(spentOn)}` : `${money(-over)} below the budget`;
  return tile('Month-end forecast', money(month.forecast), end, small(el('b', {}, verdict)));
}

function hour({ last_hour: now, same_hour_last_week: before }) {
  return tile('Last hour', money(known(now)), small(counted(now.calls, 'call')),
    small(before.calls ? `same hour last week: ${money(before.cost)} (${change(now.cost, before.cost)})` : 'no calls in the same hour last week'));
}
