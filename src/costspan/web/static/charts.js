/** Two charts, drawn by uPlot: what was spent step by step, by model; and the month so far against its budget. */
/* global uPlot */

import { el } from './dom.js';
import { axisMoney, money } from './format.js';

const style = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const COLOURS = 8; // --colour-1 … in page.css; the last is for all others
const given = new Map();

/** The name's colour; it keeps it for as long as the page is open, whatever is filtered. */
export function colour(name) {
  if (!given.has(name)) given.set(name, (given.size % (COLOURS - 1)) + 1);
  return `var(--colour-${given.get(name)})`;
}
export const OTHER = `var(--colour-${COLOURS})`;

const resolve = (colour) => style(colour.slice(4, -1));

function options(place, height, labels, series, hooks) {
  const axis = { stroke: style('--quiet'), grid: { stroke: style('--line'), width: 1 }, ticks: { show: false }, font: '12px system-ui' };
  return {
    width: Math.max(260, place.clientWidth), height, padding: [8, 20, 0, 0],
    legend: { show: false },
    cursor: { y: false, drag: { setScale: false, x: false }, points: { show: false } },
    scales: { x: { time: false, range: [-0.6, labels.length - 0.4] }, y: { range: (_, __, most) => [0, most > 0 ? most * 1.08 : 1] } },
    axes: [
      { ...axis, size: 30, grid: { show: false }, incrs: [1, 2, 3, 4, 6, 7, 10, 14, 24, 30, 60, 120],
        values: (_, splits) => splits.map((at) => (Number.isInteger(at) ? labels[at] ?? '' : '')), space: 24 + 8 * (labels[0]?.length ?? 0) },
      { ...axis, size: 64, values: (_, splits) => splits.map(axisMoney) },
    ],
    series: [{}, ...series],
    hooks,
  };
}

/** Draws into `place` and follows its width. `told(index)` says in lines what is at a place on the x axis. */
function draw(place, height, labels, series, data, told) {
  const tip = el('div', { class: 'tip', 'aria-hidden': 'true' });
  const show = (plot) => {
    const { idx, left } = plot.cursor;
    tip.hidden = idx === null || idx === undefined || left < 0;
    if (tip.hidden) return;
    tip.replaceChildren(...told(idx));
    const right = left > plot.over.clientWidth / 2;
    tip.style.insetInlineStart = right ? '' : `${left + 14}px`;
    tip.style.insetInlineEnd = right ? `${plot.over.clientWidth - left + 14}px` : '';
  };
  const plot = new uPlot(options(place, height, labels, series, { setCursor: [show] }), data, place);
  tip.hidden = true;
  plot.over.append(tip);
  const watch = new ResizeObserver(() => {
    if (!place.isConnected) watch.disconnect();
    else if (place.clientWidth) plot.setSize({ width: place.clientWidth, height });
  });
  watch.observe(place);
}

/** A line of a tip or legend: a patch of colour, a name, an amount. */
export const entry = (paint, name, amount = '') => {
  const patch = el('span', { class: 'patch' });
  patch.style.background = paint;
  return el('span', { class: 'entry' }, patch, el('span', { class: 'name' }, name), amount && el('b', {}, amount));
};

/** Bars at `labels`, stacked: `stacks` are {name, paint, values}, the first at the bottom. */
export function stackedBars(place, labels, stacks) {
  const sums = labels.map(() => 0);
  const layers = stacks.map((each) => ({ ...each, top: each.values.map((value, at) => (sums[at] += value)) })).reverse();
  const bars = uPlot.paths.bars({ size: [0.72, 44] });
  const series = layers.map((each) => ({ fill: resolve(each.paint), stroke: style('--card'), width: 1, paths: bars, points: { show: false } }));
  const data = [labels.map((_, at) => at), ...layers.map((each) => each.top)];
  draw(place, 240, labels, series, data, (at) => [
    el('strong', {}, `${labels[at]}: ${money(sums[at])}`),
    ...layers.filter((each) => each.values[at] > 0).map((each) => entry(each.paint, each.name, money(each.values[at]))),
  ]);
}

/** Lines at `labels`: {name, paint, values, dash?, fill?}; null where there is nothing. */
export function lines(place, labels, shown) {
  const series = shown.map((each) => ({
    stroke: resolve(each.paint), width: each.fill ? 2.5 : 1.5, dash: each.dash, spanGaps: true, points: { show: false },
    fill: each.fill ? `${resolve(each.paint)}22` : undefined,
  }));
  draw(place, 240, labels, series, [labels.map((_, at) => at), ...shown.map((each) => each.values)], (at) => [
    el('strong', {}, labels[at]),
    ...shown.filter((each) => each.values[at] !== null).map((each) => entry(each.paint, each.name, money(each.values[at]))),
  ]);
}
