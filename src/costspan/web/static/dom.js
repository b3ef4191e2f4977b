/** Elements. Text goes in as text nodes only, so that no model name or tag can become markup. */

/** An element: `el('a', {href: '/', class: 'x', onclick: f}, 'text', other)`. Null and false are left out. */
export function el(name, properties = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith('on')) made.addEventListener(key.slice(2), value);
    else made.setAttribute(key, value === true ? '' : value);
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return made;
}

/** A bar of `share` (0 to 1) of the room there is; its length is also in the text beside it, so it says nothing. */
export function bar(share, kind = '') {
  const fill = el('span', { class: `fill ${kind}` });
  fill.style.inlineSize = `${Math.max(0, Math.min(1, share || 0)) * 100}%`;
  return el('span', { class: 'bar', 'aria-hidden': 'true' }, fill);
}

/** A note below or instead of figures. */
export const note = (...text) => el('p', { class: 'note' }, ...text);

/** Replaces what is in `place`, and puts the focus and open details back where they were. */
export function refill(place, ...children) {
  const focused = place.contains(document.activeElement) ? mark(document.activeElement) : null;
  const open = new Set([...place.querySelectorAll('details[open]')].map((each) => each.dataset.name));
  place.replaceChildren(...children);
  for (const each of place.querySelectorAll('details')) each.open = open.has(each.dataset.name);
  if (focused) [...place.querySelectorAll('a, button, input, select, summary')].find((each) => mark(each) === focused)?.focus();
}

const mark = (each) => [each.tagName, each.id, each.getAttribute('href'), each.textContent].join('\n');
