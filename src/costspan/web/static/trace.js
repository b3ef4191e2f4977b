/** A trace as a waterfall: when each span ran, what it cost, and what all below it cost. */

import { el, note } from './dom.js';
import { compact, counted, moment, money, named, seconds } from './format.js';
import { get, go, knownZone } from './state.js';
import { table } from './table.js';

/** Opens the trace that the address names in `dialog`, or closes it. */
export async function showTrace(dialog) {
  const id = get('trace');
  if (!id) return dialog.close();
  const body = el('div', { class: 'body' }, note('…')); // filled by itself: the focus stays on the button above
  dialog.replaceChildren(heading(id), body);
  if (!dialog.open) dialog.showModal();
  dialog.onclose = () => leave(id);
  try {
    const answer = await fetch(`/api/traces/${encodeURIComponent(id)}`);
    const said = await answer.json();
    if (get('trace') !== id) return undefined;
    body.replaceChildren(...(answer.ok ? waterfall(said) : [note(said.error)]));
  } catch {
    body.replaceChildren(note('The ledger does not answer.'));
  }
  return undefined;
}

/** The focus goes back to the link, which the page may have drawn anew meanwhile: the browser would not find it. */
function leave(id) {
  if (get('trace')) go({ trace: null });
  [...document.querySelectorAll('#calls a[aria-label]')].find((each) => each.getAttribute('href').includes(id))?.focus();
}

function heading(id) {
  const close = el('button', { type: 'button', onclick: () => go({ trace: null }) }, 'Close');
  return el('div', { class: 'head' }, el('h2', { id: 'trace-title' }, `Trace ${id.slice(0, 32)}`), close);
}

function waterfall({ start, cost, calls, spans }) {
  const whole = Math.max(1, ...spans.map((each) => each.offset_us + each.duration_us));
  return [
    el('p', { class: 'figure' }, money(cost), el('span', { class: 'small' }, ` ${counted(calls, 'call')}, ${seconds(whole / 1e6)}, from ${moment(start, knownZone())}`)),
    table('Spans of the trace', [
      { title: 'Span', value: (row) => row.name, cell: name },
      { title: 'When', minor: true, value: (row) => row.offset_us, cell: (row) => time(row, whole) },
      { title: 'Took', number: true, value: (row) => row.duration_us / 1e6, text: (row) => seconds(row.duration_us / 1e6) },
      { title: 'Tokens', number: true, minor: true, value: tokens, text: (row) => (row.call ? compact(tokens(row)) : '') },
      { title: 'Cost', number: true, minor: true, value: (row) => row.call?.cost ?? '', text: (row) => (row.call ? money(row.call.cost) : '') },
      { title: 'With all below', number: true, value: (row) => row.subtree_cost, text: (row) => money(row.subtree_cost) },
    ], spans),
  ];
}

const tokens = (row) => (row.call ? row.call.input_tokens + row.call.output_tokens : '');

function name(row) {
  const made = el('span', { class: row.failed ? 'bad-text' : '' }, named(row.name), row.failed ? ' (failed)' : '',
    el('span', { class: 'small' }, ` ${row.call ? [row.call.team, row.call.user].filter(Boolean).join(', ') : row.service}`));
  made.style.paddingInlineStart = `${row.depth * 16}px`;
  return made;
}

function time(row, whole) {
  const piece = el('span', { class: `fill ${row.failed ? 'bad' : row.call ? '' : 'quiet'}` });
  piece.style.insetInlineStart = `${(row.offset_us / whole) * 100}%`;
  piece.style.inlineSize = `max(2px, ${(row.duration_us / whole) * 100}%)`;
  return el('span', { class: 'lane', title: `from ${seconds(row.offset_us / 1e6)}` }, piece);
}
