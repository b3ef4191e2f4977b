/** What kinds of tokens the money went to, and what prompt caches saved. */

import { OTHER, entry } from '../charts.js';
import { known } from '../columns.js';
import { el, note } from '../dom.js';
import { compact, money, perMillion, percent } from '../format.js';
import { ask } from '../state.js';
import { table } from '../table.js';

export const id = 'tokens';
export const title = 'Token mix and cache';

export const asks = () => ({ summary: ask('/api/summary') });

export function draw({ summary: { period: { total }, cache } }) {
  if (!total.calls) return [note('No calls in this period.')];
  if (known(total) === null) return [note('What the calls of this period cost is not known.')];
  const rows = kinds(total);
  const all = Number(total.cost);
  const saved = cache.saved - cache.write_premium;
  const strip = el('div', { class: 'strip', 'aria-hidden': 'true' }, rows.filter((row) => row.cost > 0).map((row) => {
    const piece = el('span', { title: row.name });
    piece.style.flexGrow = row.cost / all;
    piece.style.background = row.paint;
    return piece;
  }));
  return [
    el('p', { class: 'figure' }, money(saved), el('span', { class: 'small' }, ' saved by prompt caches')),
    note(cache.read_tokens + cache.write_tokens === 0 ? 'Nothing was read from them, or written to them.'
      : `${money(cache.saved)} by reading ${compact(cache.read_tokens)} tokens from them`
        + (cache.write_tokens > 0 ? `, less ${money(cache.write_premium)} extra for writing ${compact(cache.write_tokens)}.` : '.')),
    strip,
    table('Kinds of tokens', [
      { title: 'Kind', value: (row) => row.name, cell: (row) => entry(row.paint, row.name) },
      { title: 'Tokens', number: true, value: (row) => row.tokens ?? '', text: (row) => (row.tokens === null ? '-' : compact(row.tokens)) },
      { title: 'Cost', number: true, value: (row) => row.cost, text: (row) => money(row.cost) },
      { title: '$/M', number: true, value: (row) => perMillion(row.cost, row.tokens ?? 0) },
      { title: 'Share', number: true, value: (row) => (all ? row.cost / all : 0), text: (row) => percent(all ? row.cost / all : 0) },
    ], rows),
    total.reasoning_tokens > 0 && note(`${compact(total.reasoning_tokens)} of the output tokens (${percent(total.reasoning_tokens / total.output_tokens)}) were reasoning.`),
  ].filter(Boolean);
}

function kinds({ costs, ...total }) {
  const fresh = total.input_tokens - total.cache_read_tokens - total.cache_write_tokens;
  return [
    { name: 'input', tokens: fresh, cost: costs.input, paint: 'var(--colour-1)' },
    { name: 'cache read', tokens: total.cache_read_tokens, cost: costs.cache_read, paint: 'var(--colour-2)' },
    { name: 'cache write', tokens: total.cache_write_tokens, cost: costs.cache_write, paint: 'var(--colour-3)' },
    { name: 'output', tokens: total.output_tokens, cost: costs.output, paint: 'var(--colour-5)' },
    { name: 'tools and other', tokens: null, cost: costs.other, paint: OTHER },
  ];
}
