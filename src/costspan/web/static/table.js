/** Tables, and the same as CSV. */

import { el, note } from './dom.js';
import { count } from './format.js';

/**
 * A table of `rows`. Columns are {title, value(row), text(row)?, cell(row)?, number?}: `value` is what a CSV gets, `text`
 * is what is read, `cell` an element instead of text. A phone has no room for what is `minor`. Only the first `most` rows
 * are laid out; the CSV has all.
 */
export function table(caption, columns, rows, total = null, most = rows.length) {
  const head = el('tr', {}, columns.map((each) => el('th', { scope: 'col', class: kinds(each) }, each.title)));
  const lines = rows.slice(0, most).map((row) => el('tr', {}, columns.map((each, place) => cell(each, row, place === 0 ? 'th' : 'td'))));
  const foot = total && el('tfoot', {}, el('tr', {}, columns.map((each, place) => place === 0
    ? el('th', { scope: 'row' }, 'Total') : cell(each, total, 'td', each.sum !== false))));
  const made = el('table', {}, el('caption', { class: 'hidden' }, caption), el('thead', {}, head), el('tbody', {}, lines), foot);
  made.csv = () => csv(columns, rows);
  return el('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': caption }, made,
    rows.length > most && note(`The first ${most} of ${count(rows.length)}; the CSV has all of them.`));
}

const kinds = (column) => ['number', 'minor'].filter((each) => column[each]).join(' ') || false;

function cell(column, row, kind, shown = true) {
  const content = shown ? (column.cell?.(row) ?? (column.text ?? column.value)(row)) : '';
  return el(kind, { scope: kind === 'th' && 'row', class: kinds(column) }, content);
}

/** A cell that begins so is a formula to a spreadsheet. */
const DANGEROUS = /^[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]/;

function csv(columns, rows) {
  const shown = columns.filter((each) => each.value);
  const quote = (value) => {
    const text = String(value ?? '');
    const tame = typeof value === 'string' && DANGEROUS.test(text) && Number.isNaN(Number(text)) ? `'${text}` : text;
    return /[",\n\r]/.test(tame) ? `"${tame.replaceAll('"', '""')}"` : tame;
  };
  const lines = rows.map((row) => shown.map((each) => quote(each.value(row))));
  return [shown.map((each) => quote(each.title)), ...lines].map((line) => line.join(',')).join('\r\n') + '\r\n';
}

/** Hands the text to the browser as a file. */
export function save(name, text) {
  const url = URL.createObjectURL(new Blob([text], { type: 'text/csv' }));
  el('a', { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
