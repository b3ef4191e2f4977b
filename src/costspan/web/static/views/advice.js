/** What could be saved, and how sure that is, as `costspan advise` says it. */

import { calls, minor } from '../columns.js';
import { el, note } from '../dom.js';
import { money, named } from '../format.js';
import { ask, link } from '../state.js';
import { table } from '../table.js';

export const id = 'advice';
export const title = 'What could be saved';
export const wide = 'six';
const MOST = 8;

export const asks = () => ({ said: ask('/api/advice') });

export function draw({ said: { advice } }) {
  if (!advice.length) return [note('Nothing above a cent was found in this period.')];
  return [table('What could be saved', [
    { title: 'What', value: (row) => row.kind, cell: (row) => el('a', { href: link(row.where), title: 'Only the calls behind it' }, row.kind) },
    { title: 'Of', value: of },
    { title: 'Saves', number: true, value: (row) => row.usd, text: (row) => money(row.usd) },
    { title: 'Sure', value: (row) => row.sure },
    minor(calls),
    { title: 'Because', value: (row) => row.basis },
  ], advice.slice(0, MOST))];
}

const of = (row) => Object.entries(row.where).filter(([name]) => name !== 'provider').map(([, value]) => named(value)).join(', ');
