/** The page: asks what its views want to know, draws them, and does so again when the ledger or the address changes. */

import { el, refill } from './dom.js';
import { drawFilters, command } from './filters.js';
import * as state from './state.js';
import { save } from './table.js';
import { showTrace } from './trace.js';
import * as advice from './views/advice.js';
import * as budgets from './views/budgets.js';
import * as calls from './views/calls.js';
import * as errors from './views/errors.js';
import * as glance from './views/glance.js';
import * as groups from './views/groups.js';
import * as models from './views/models.js';
import * as month from './views/month.js';
import * as spend from './views/spend.js';
import * as sure from './views/sure.js';
import * as tokens from './views/tokens.js';
import * as unpriced from './views/unpriced.js';
import * as whatif from './views/whatif.js';

/**
 * A view has `id`, `title`, `asks()` with the API addresses that it needs by name, `draw(body, answers)`, which gives the
 * elements to show, and perhaps `after(body, answers)` for what needs its place on the page. `wide` is of its layout.
 */
const VIEWS = [glance, month, spend, models, tokens, groups, budgets, sure, calls, errors, unpriced, advice, whatif];
const LANES = 3;
const LOOK_SECONDS = 3; // how often the ledger is asked whether anything has arrived
const REFRESH_SECONDS = 60; // how often to draw anyway: time passes, and other programs may write to the ledger

const byId = (id) => document.getElementById(id);
const drawn = new Map(); // view id: what it was drawn from
let round = 0;
let took = 0; // milliseconds that all answers took the last time
let seen = { counts: '', at: 0 };

async function fetchJson(address) {
  const answer = await fetch(address);
  const said = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(said.error ?? `the ledger answered ${answer.status}`);
  return said;
}

/**
 * Asks a few at a time, in order: what is at the top of the page is there first, however large the ledger is. Asks
 * nothing more once `isWanted()` is false.
 */
function queue(isWanted) {
  const asked = new Map();
  const waiting = [];
  let free = LANES;
  const next = async () => {
    if (!free || !waiting.length) return;
    free -= 1;
    await waiting.shift()();
    free += 1;
    next();
  };
  const ask = (address) => (isWanted() ? fetchJson(address) : Promise.reject(new Error('no longer asked for')));
  return (address) => {
    if (!asked.has(address)) {
      asked.set(address, new Promise((resolve, reject) => waiting.push(() => ask(address).then(resolve, reject))));
      next();
    }
    return asked.get(address);
  };
}

/**
 * Asks for everything, each address once, and draws each view as soon as it has what it needs. Quietly: for a change of
 * the ledger and not of the person, whose list of filters stays as it is while it is used.
 */
async function refresh({ fresh = false, quietly = false } = {}) {
  const mine = ++round;
  const started = performance.now();
  const once = queue(() => mine === round);
  const failures = new Set();
  const one = async (view) => {
    try {
      const names = Object.entries(view.asks());
      const answers = Object.fromEntries(await Promise.all(names.map(async ([name, path]) => [name, await once(path)])));
      if (mine === round) show(view, answers, fresh);
    } catch (error) {
      failures.add(error.message === 'Failed to fetch' ? 'The ledger does not answer. Is `costspan up` still running?' : error.message);
    }
  };
  const form = byId('filters');
  const views = VIEWS.map(one);
  const offers = quietly && form.contains(document.activeElement) ? null : drawFilters(form, once).catch(() => {});
  await Promise.all([...views, offers]);
  if (mine !== round) return;
  tell([...failures].join(' '));
  byId('updated').textContent = `updated ${new Date().toLocaleTimeString('en-GB')}`;
  byId('command').textContent = command();
  document.documentElement.dataset.ready = String(mine);
  took = performance.now() - started;
}

function tell(problem) {
  byId('problem').hidden = !problem;
  byId('problem').textContent = problem;
}

/** Draws a view, unless it shows just that already, or somebody is typing into it. */
function show(view, answers, fresh) {
  const from = [location.search, JSON.stringify(answers)];
  const before = drawn.get(view.id) ?? [];
  const body = byId(view.id).querySelector('.body');
  const typing = body.contains(document.activeElement) && document.activeElement.matches('input');
  if (!fresh && before[0] === from[0] && (before[1] === from[1] || typing)) return;
  drawn.set(view.id, from);
  refill(body, ...view.draw(answers));
  view.after?.(body, answers);
  const button = byId(view.id).querySelector('.csv');
  if (button) button.hidden = !body.querySelector('table');
}

function frame(view) {
  const csv = el('button', { type: 'button', class: 'csv', hidden: true, title: `Save "${view.title}" as CSV`,
    onclick: () => save(`costspan-${view.id}.csv`, byId(view.id).querySelector('table').csv()) }, 'CSV');
  return el('section', { id: view.id, class: view.wide ?? '', 'aria-labelledby': `${view.id}-title` },
    el('div', { class: 'head' }, el('h2', { id: `${view.id}-title` }, view.title), csv),
    el('div', { class: 'body' }, el('p', { class: 'note' }, '…')));
}

/** Links within the page change what is looked at, without loading it anew. */
function follow(event) {
  const link = event.target.closest?.('a[href^="?"]');
  if (!link || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  history.pushState(null, '', link.getAttribute('href'));
  dispatchEvent(new Event('state'));
}

async function look() {
  if (document.hidden || byId('live').getAttribute('aria-pressed') !== 'true') return;
  try {
    const counts = JSON.stringify((await fetchJson('/healthz')).counts);
    const now = Date.now();
    if (counts === seen.counts && now - seen.at < REFRESH_SECONDS * 1000) return;
    const first = seen.at === 0;
    seen = { counts, at: now };
    if (!first) await refresh({ quietly: true });
  } catch {
    tell('The ledger does not answer. Is `costspan up` still running?');
  }
}

async function watch() {
  await look();
  setTimeout(watch, Math.max(LOOK_SECONDS * 1000, 5 * took)); // a large ledger has other work too
}

function changed() {
  refresh().then(() => { byId('said').textContent = `Figures for ${command().replace('costspan report', '') || 'everything'}`; });
  showTrace(byId('trace'));
}

byId('views').append(...VIEWS.map(frame));
document.addEventListener('click', follow);
addEventListener('state', changed);
addEventListener('popstate', changed);
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => refresh({ fresh: true }));
byId('live').addEventListener('click', ({ target }) =>
  target.setAttribute('aria-pressed', String(target.getAttribute('aria-pressed') !== 'true')));
refresh();
showTrace(byId('trace'));
watch();
