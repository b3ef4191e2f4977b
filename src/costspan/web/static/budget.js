/** The budget that the month is held against. */

import { filters, get } from './state.js';

const same = (one, other) => JSON.stringify(Object.entries(one).sort()) === JSON.stringify(Object.entries(other).sort());

/** USD a month for what the filters show: typed on the page, else the budget file's entry for just these; null for none. */
export function monthBudget({ budgets }) {
  const typed = Number(get('budget'));
  if (typed > 0) return typed;
  const shown = Object.fromEntries(filters());
  const entry = budgets.find((each) => each.per === 'month' && each.unit === 'USD' && same(each.who, shown));
  return entry ? Number(entry.limit) : null;
}

/** How much of the month is gone, 0 to 1. */
export const pace = ({ now, month: { start, end } }) => (Date.parse(now) - Date.parse(start)) / (Date.parse(end) - Date.parse(start));
