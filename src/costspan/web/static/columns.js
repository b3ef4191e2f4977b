/** Columns that several tables have. */

import { bar, el } from './dom.js';
import { compact, count, money, named, percent } from './format.js';
import { link } from './state.js';

/** A name as a link that shows only what is of that name. */
export const filtering = (name, title) => ({
  title,
  sum: false,
  value: (row) => row[name],
  cell: (row) => el('a', { href: link({ [name]: row[name] }), title: `Only ${name} ${named(row[name])}` }, named(row[name])),
});
/** The same column, but not on a phone. */
export const minor = (column) => ({ ...column, minor: true });
export const calls = { title: 'Calls', number: true, value: (row) => row.calls, text: (row) => count(row.calls) };
export const tokens = { title: 'Tokens', number: true, value: (row) => row.tokens, text: (row) => compact(row.tokens) };
export const cost = {
  title: 'Cost', number: true, value: (row) => known(row), text: (row) => money(known(row)),
};
/** USD, or null where calls have no price and the others cost nothing: unknown is not zero. */
export const known = (row) => (row.unpriced_calls > 0 && Number(row.cost) === 0 ? null : row.cost);
export const share = {
  title: 'Share', number: true, value: (row) => (known(row) === null ? null : row.share),
  cell: (row) => (known(row) === null ? '-' : el('span', { class: 'share' }, bar(row.share), percent(row.share))),
};
