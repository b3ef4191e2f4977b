/** Who spends: by team, user, service or feature. */

import { calls, cost, filtering, share, tokens } from '../columns.js';
import { el, note } from '../dom.js';
import { OFFERED, ask, get, link } from '../state.js';
import { table } from '../table.js';

export const id = 'groups';
export const title = 'Who spends';
const BY = { team: 'Teams', user: 'Users', service: 'Services', feature: 'Features' };
const MOST = 15; // shown; as many are asked for as the filters offer, so that both can be one question

const by = () => (get('by') in BY ? get('by') : 'team');
export const asks = () => ({ groups: ask('/api/usage', { group_by: by(), top: OFFERED }) });

export function draw({ groups: { rows, total } }) {
  const tabs = el('nav', { class: 'tabs', 'aria-label': 'Spend by' }, Object.entries(BY).map(([name, text]) =>
    el('a', { href: link({ by: name === 'team' ? null : name }) || '?', 'aria-current': name === by() && 'true' }, text)));
  if (!rows.length) return [tabs, note('No calls in this period.')];
  return [
    tabs,
    table(BY[by()], [filtering(by(), BY[by()].slice(0, -1)), calls, tokens, cost, share], rows, total, MOST),
  ];
}
