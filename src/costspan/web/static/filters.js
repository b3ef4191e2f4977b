/** The row of filters. What it offers is what the period holds, the dearest first. */

import { el, refill } from './dom.js';
import { named } from './format.js';
import { NAMES, OFFERED, PERIODS, ask, filters, get, go, knownZone, link, period, read, zone } from './state.js';

const ownZone = Intl.DateTimeFormat().resolvedOptions().timeZone;

export async function drawFilters(form, once) {
  if (!form.hasChildNodes()) fill(form, NAMES.map(() => [])); // what is chosen shows at once
  const others = Object.fromEntries(NAMES.flatMap((name) => [[name, null], [`${name}!`, null]]));
  const offers = await Promise.all(NAMES.map(async (name) => {
    const said = await once(ask('/api/usage', { ...others, group_by: name, top: OFFERED }));
    return said.rows.map((row) => row[name]);
  }));
  fill(form, offers);
}

const fill = (form, offers) =>
  refill(form, periods(), dates(), ...NAMES.map((name, place) => choice(name, offers[place])), zones(), ...chips());

function field(id, title, input) {
  input.id = id;
  return el('label', {}, el('span', {}, title), input);
}

function select(options, chosen, changed) {
  const made = el('select', { onchange: (event) => changed(event.target.value) },
    options.map(([value, text]) => el('option', { value }, text)));
  made.value = chosen;
  return made;
}

function periods() {
  const own = !(period() in PERIODS) || get('until');
  const options = [...Object.entries(PERIODS), ['custom', 'From … to']];
  return field('period', 'Period', select(options, own ? 'custom' : period(), (value) => {
    if (value !== 'custom') return go({ since: value, until: null });
    const days = new Intl.DateTimeFormat('sv', { timeZone: knownZone() }); // Sweden writes 2026-11-23
    const today = Date.parse(days.format(Date.now())); // as if of UTC: a day of a zone can have 25 hours
    const day = (ago) => new Date(today - ago * 86400e3).toISOString().slice(0, 10);
    return go({ since: day(6), until: day(-1) });
  }));
}

function dates() {
  if (period() in PERIODS && !get('until')) return '';
  const date = (name, value) => el('input', { type: 'date', value, onchange: (event) => go({ [name]: event.target.value || null }) });
  return el('span', { class: 'dates' }, field('since', 'From', date('since', period().slice(0, 10))),
    field('until', 'To, not included', date('until', get('until').slice(0, 10))));
}

/** A list of values; '' is a value too (nobody said which), so that all of them is a place and not a text. */
function choice(name, values) {
  const chosen = read().getAll(name);
  const made = el('select', { onchange: ({ target }) =>
    go({ [name]: target.selectedIndex === 0 ? null : values[target.selectedIndex - 1] }) },
    el('option', {}, 'all'), values.map((value) => el('option', {}, named(value))));
  const place = values.indexOf(chosen[0]);
  if (chosen.length > 1 || (chosen.length === 1 && place < 0)) made.append(el('option', {}, chosen.map(named).join(', ')));
  made.selectedIndex = chosen.length === 0 ? 0 : chosen.length > 1 || place < 0 ? values.length + 1 : place + 1;
  return field(`filter-${name}`, name[0].toUpperCase() + name.slice(1), made);
}

function zones() {
  const known = [...new Set(['UTC', ownZone, zone()])];
  return field('zone', 'Days of', select(known.map((each) => [each, each]), zone(), (value) => go({ tz: value === 'UTC' ? null : value })));
}

function chips() {
  return filters().map(([name, value]) => {
    const rest = read().getAll(name).filter((each) => each !== value);
    return el('a', { class: 'chip', href: link({ [name]: rest }) }, `${name.replace('!', ' not')}: ${named(value)} `,
      el('span', { 'aria-hidden': 'true' }, '×'), el('span', { class: 'hidden' }, 'remove this filter'));
  });
}

/** The command that shows the same in a terminal. */
export function command() {
  const quote = (text) => (/^[\w.,:@%+/=-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`);
  const values = (name) => read().getAll(name).map((value) => value.replaceAll(',', '\\,'));
  const where = [...new Set(filters().map(([name]) => name))].map((name) => `--where ${quote(`${name}=${values(name)}`)}`);
  const until = get('until') && `--until ${quote(get('until'))}`;
  const tz = zone() !== 'UTC' && `--tz ${quote(zone())}`;
  return ['costspan report --by model', `--since ${quote(period())}`, until, tz, ...where].filter(Boolean).join(' ');
}
