/** Numbers for the eye, as the terminal's tables write them (costspan/cli/tables.py). */

const whole = new Intl.NumberFormat('en-US');
const short = new Intl.NumberFormat('en-US', { notation: 'compact', maximumSignificantDigits: 3 });
const fixed = (digits) =>
  new Intl.NumberFormat('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits });
const cents = fixed(2);
const parts = fixed(4);
const small = new Intl.NumberFormat('en-US', { minimumSignificantDigits: 3, maximumSignificantDigits: 3 });

/** USD: cents from ten dollars up, else as many digits as a small sum needs. `null` is not known. */
export function money(usd) {
  if (usd === null || usd === undefined) return 'unknown';
  const value = Number(usd);
  const size = Math.abs(value);
  if (size === 0) return '$0';
  const text = size >= 10 ? cents.format(size) : size >= 0.01 ? parts.format(size) : small.format(size);
  return `${value < 0 ? '−' : ''}$${text}`;
}

/** USD on an axis, where room is short. */
export const axisMoney = (usd) => (usd >= 1000 ? `$${short.format(usd)}` : `$${Number(usd.toPrecision(3))}`);

export const count = (number) => whole.format(number);
export const compact = (number) => (number < 10_000 ? whole.format(number) : short.format(number));

/** A number with its noun: `1 call`, `1,489 calls`. */
export const counted = (number, noun, shown = count) => `${shown(number)} ${noun}${Number(number) === 1 ? '' : 's'}`;

export function percent(share) {
  if (share > 0 && share < 0.001) return '<0.1%';
  return `${(share * 100).toFixed(1)}%`;
}

/** USD for a million tokens; nothing for none. */
export const perMillion = (usd, tokens) => (tokens > 0 ? money((Number(usd) / tokens) * 1e6) : '-');

/** By how much `now` differs from `before`: `+12.0%`, `×15` if it is much more. Nothing to compare with is said so. */
export function change(now, before) {
  const [a, b] = [Number(now), Number(before)];
  if (b === 0) return a === 0 ? 'no change' : 'new';
  const share = a / b - 1;
  if (Math.abs(share) < 0.0005) return 'no change'; // 0.0%
  if (share >= 9) return `×${compact(Math.round(share + 1))}`;
  return `${share < 0 ? '−' : '+'}${Math.abs(share * 100).toFixed(Math.abs(share) < 10 ? 1 : 0)}%`;
}

export function seconds(number) {
  if (number < 1) return `${Math.round(number * 1000)} ms`;
  return number < 600 ? `${number.toFixed(1)} s` : counted(Math.round(number / 60), 'minute');
}

/** A moment in the zone of the filters: `Nov 22, 14:05:10`. */
export const moment = (iso, zone) =>
  new Intl.DateTimeFormat('en-US', {
    month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23', timeZone: zone,
  }).format(new Date(iso));

export const day = (date, zone = 'UTC') =>
  new Intl.DateTimeFormat('en-US', { month: 'short', day: 'numeric', timeZone: zone }).format(date);

/** What to show for a name; the ledger holds '' where nobody said. */
export const named = (name) => name || '(none)';
