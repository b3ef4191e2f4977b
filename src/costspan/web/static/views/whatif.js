/** What if: the same tokens on another model, at its list price. */

import { minor, tokens } from '../columns.js';
import { el, note } from '../dom.js';
import { change, money } from '../format.js';
import { ask, get, go } from '../state.js';
import { table } from '../table.js';

export const id = 'whatif';
export const title = 'What if: the same tokens on another model';
export const wide = 'six';
const OFFERED = 60;
const LIKE = { cache_read: 'input', cache_write: 'input', reasoning: 'output' }; // billed so where there is no own price

/** `openai/gpt-5-mini`: a provider has no slash, a model may. */
const other = () => {
  const [, provider, model] = /^([^/]+)\/(.+)$/s.exec(get('what_if')) ?? [];
  return { provider, model };
};

export const asks = () => ({
  ...(other().model ? {
    models: ask('/api/usage', { group_by: 'provider,model', 'status!': 'unpriced' }),
    prices: `/api/prices?${new URLSearchParams({ search: other().model, provider: other().provider })}`,
  } : {}),
});

export function draw({ models, prices }) {
  const { provider, model } = other();
  const found = prices?.models.find((each) => each.model === model && each.provider === provider);
  if (!found) return [picker(), note(get('what_if') ? 'No price list has this model.' : 'Choose a model: it shows what the calls of this period would have cost on it.')];
  const rows = models.rows.filter((row) => row.output_tokens > 0).map((row) => ({ ...row, then: price(row, found.prices) }));
  if (!rows.length) return [picker(), note('No call of this period has a price and an output.')];
  const total = rows.reduce((sum, row) => ({ tokens: sum.tokens + row.tokens, cost: sum.cost + Number(row.cost), then: sum.then + row.then }), { tokens: 0, cost: 0, then: 0 });
  const difference = (row) => Math.round((row.then - row.cost) * 1e12) / 1e12;
  return [
    picker(),
    table(`The same tokens on ${model}`, [
      { title: 'Now on', value: (row) => row.model },
      minor(tokens),
      { title: 'Cost', number: true, value: (row) => row.cost, text: (row) => money(row.cost) },
      { title: 'There', number: true, value: (row) => row.then, text: (row) => money(row.then) },
      { title: 'Difference', number: true, value: difference,
        cell: (row) => [el('span', { class: 'number' }, money(difference(row))), ` (${change(row.then, row.cost)})`] },
    ], rows, total),
    note(`At the list price of ${found.source}, for calls of average size; calls without a price or without output (embeddings) are left out. Another model counts tokens a little differently; whether its answers do is yours to judge.`),
  ];
}

/** USD of the row's tokens at these prices; the tier is that of its average call. */
function price(row, prices) {
  const size = row.input_tokens / row.calls;
  const rate = (bucket) => {
    const steps = prices[bucket] ?? prices[LIKE[bucket]] ?? [];
    return Number(steps.filter((each) => each.above_input_tokens === 0 || each.above_input_tokens < size).at(-1)?.usd ?? 0);
  };
  const fresh = row.input_tokens - row.cache_read_tokens - row.cache_write_tokens;
  const visible = row.output_tokens - row.reasoning_tokens;
  return fresh * rate('input') + row.cache_read_tokens * rate('cache_read') + row.cache_write_tokens * rate('cache_write')
    + visible * rate('output') + row.reasoning_tokens * rate('reasoning');
}

function picker() {
  const offers = el('datalist', { id: 'offers' });
  const input = el('input', { id: 'what-if', list: 'offers', value: get('what_if'), placeholder: 'provider/model', autocomplete: 'off', spellcheck: 'false',
    oninput: ({ target }) => offer(offers, target.value),
    onchange: ({ target }) => go({ what_if: target.value.trim() || null }) });
  return el('p', {}, el('label', { class: 'inline' }, 'Model ', input), offers);
}

/** Offers models with that text, once two letters are there; the list is too long to send as a whole. */
async function offer(offers, typed) {
  const text = typed.slice(typed.indexOf('/') + 1).trim();
  if (text.length < 2) return;
  const said = await fetch(`/api/prices?${new URLSearchParams({ search: text })}`).then((answer) => answer.json());
  const known = said.models.filter((each) => each.prices.output).slice(0, OFFERED);
  offers.replaceChildren(...known.map((each) => el('option', { value: `${each.provider}/${each.model}` })));
}
