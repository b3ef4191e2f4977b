/** What is looked at. It is in the page's address and nowhere else, so that a link or a bookmark shows the same. */

export const NAMES = ['model', 'team', 'user', 'provider', 'service', 'feature'];
export const PERIODS = {
  today: 'Today', '24h': '24 hours', '7d': '7 days', '30d': '30 days', month: 'This month', '90d': '90 days',
  '365d': 'A year', all: 'All',
};
export const OFFERED = 200; // entries of a filter; names beyond are reached from the tables
const FILTERS = [...NAMES, 'environment', 'operation', 'status', 'source', 'error']; // all that the API knows
const PERIOD = ['since', 'until', 'tz'];
const UNITS = { today: 'hour', '24h': 'hour', '7d': 'day', '30d': 'day', month: 'day', '90d': 'day', '365d': 'week' };

export const read = () => new URLSearchParams(location.search);

/** One of the page's own settings, or of the period. */
export const get = (name, otherwise = '') => read().get(name) ?? otherwise;
export const period = () => get('since', '30d');
export const zone = () => get('tz', 'UTC');

/** The zone in which times are written here: UTC where the browser does not know that of the address. */
export function knownZone() {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: zone() }).resolvedOptions().timeZone;
  } catch {
    return 'UTC';
  }
}

/** The address with `changes`: a value, several values, or null to drop it. */
export function link(changes) {
  const query = read();
  for (const [name, value] of Object.entries(changes)) {
    query.delete(name);
    for (const each of value === null ? [] : [value].flat()) query.append(name, each);
  }
  return query.size ? `?${query}` : location.pathname;
}

/** Looks at something else; the browser's Back brings this back. */
export function go(changes) {
  history.pushState(null, '', link(changes));
  dispatchEvent(new Event('state'));
}

/**
 * The API's address for a question about the period and calls that are looked at; `more` is added or replaces. What else
 * the address holds is the page's own, or nobody's.
 */
export function ask(path, more = {}) {
  const query = read();
  for (const name of new Set(query.keys())) if (!PERIOD.includes(name) && !isFilter(name)) query.delete(name);
  for (const [name, value] of Object.entries(more)) {
    query.delete(name);
    for (const each of value === null ? [] : [value].flat()) query.append(name, each);
  }
  return query.size ? `${path}?${query}` : path;
}

const isFilter = (name) => FILTERS.includes(name.replace(/!$/, '')) || name.startsWith('tag.');

/** The filters as [name, value]; a name with `!` is one that leaves calls out. */
export const filters = () => [...read()].filter(([name]) => isFilter(name));

/** Hours for a short period, days for a longer one, weeks beyond. */
export function unit() {
  const known = UNITS[period()];
  if (known) return known;
  const days = (Date.parse(get('until') || new Date().toISOString()) - Date.parse(period())) / 86400e3;
  if (Number.isNaN(days)) return 'week';
  return days <= 2 ? 'hour' : days <= 120 ? 'day' : 'week';
}
