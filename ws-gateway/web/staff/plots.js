// Plots of figures that stand still, drawn by hand. What is in them stands beside them in words or a table.
import { h, s } from '../core/dom.js';
import { number, t } from '../core/i18n.js';

const BINS = 20;

/** How many papers have which score, as bars, with the pass line. `counts` are `{score, papers}`. */
export function histogram({ counts, max, pass }) {
  const bins = Math.max(1, Math.min(BINS, max));
  const heights = new Array(bins).fill(0);
  counts.forEach(({ score, papers }) => { heights[Math.min(bins - 1, Math.floor((score / max) * bins))] += papers; });
  const most = Math.max(...heights, 1);
  const width = 100 / bins;
  const at = (pass / max) * 100;
  const words = t('analysis.scores_plot', { n: number(counts.reduce((sum, one) => sum + one.papers, 0)), pass: number(pass) });
  return h('figure', { class: 'figure' },
    h('div', { class: 'figure-box' },
      s('svg', { class: 'histogram', viewBox: '0 0 100 40', preserveAspectRatio: 'none', role: 'img', 'aria-label': words },
        heights.map((papers, index) => papers > 0 && s('rect', { class: (index + 1) * (max / bins) > pass ? 'bar-good' : 'bar-plain', x: index * width + width * 0.08, width: width * 0.84, y: 39 - (papers / most) * 37, height: (papers / most) * 37 })),
        s('line', { class: 'plot-base', x1: 0, x2: 100, y1: 39.5, y2: 39.5 }),
        s('line', { class: 'plot-mark', x1: at, x2: at, y1: 0, y2: 39.5 }))),
    h('figcaption', { class: 'scale small quiet' }, h('span', {}, '0'), h('span', {}, t('analysis.pass_line', { n: number(pass) })), h('span', {}, number(max))));
}

/** Every item by how hard it is and how well it tells people apart; a dot leads to its item. */
export function scatter(items, open) {
  const known = items.filter((item) => item.facility !== null && item.discrimination !== null);
  const x = (facility) => 6 + facility * 92;
  const y = (value) => 58 - ((Math.max(-0.4, Math.min(1, value)) + 0.4) / 1.4) * 54;
  const line = (value) => s('line', { class: value === 0 ? 'plot-zero' : 'plot-base', x1: 6, x2: 98, y1: y(value), y2: y(value) });
  return h('figure', { class: 'figure' },
    h('div', { class: 'figure-box scatter-box' },
      s('svg', { class: 'scatter', viewBox: '-4 0 108 64', role: 'img', 'aria-label': t('analysis.scatter', { n: number(known.length) }) },
        [0, 0.2, 0.4].map(line),
        [0, 0.2, 0.4].map((value) => s('text', { class: 'plot-words', x: 5, y: y(value) + 1, 'text-anchor': 'end' }, String(value))),
        [0, 0.3, 0.95].map((value) => s('line', { class: 'plot-base', x1: x(value), x2: x(value), y1: 4, y2: 58 })),
        [0, 0.3, 0.95].map((value) => s('text', { class: 'plot-words', x: x(value), y: 62, 'text-anchor': 'middle' }, String(value))),
        known.map((item) => s('circle', { class: `dot${item.flags.length ? ' flagged' : ''}`, cx: x(item.facility), cy: y(item.discrimination), r: 1.1, onclick: () => open(item) }, s('title', {}, `${item.code} · ${number(item.facility)} · ${number(item.discrimination)}`))))),
    h('figcaption', { class: 'small quiet' }, t('analysis.scatter_text')));
}

/** What was chosen of one item, the key marked; two ticks for the upper and the lower group. */
export function choices(options, render) {
  return h('ul', { class: 'choices' }, options.map((option, index) => {
    const letter = String.fromCharCode(65 + index);
    const tick = (share, style) => share !== null && s('line', { class: style, x1: share * 100, x2: share * 100, y1: 0, y2: 10 });
    const share = `${number(option.share * 100)} %`;
    const groups = option.upper !== null && option.lower !== null ? t('analysis.groups', { upper: number(option.upper * 100), lower: number(option.lower * 100) }) : '';
    return h('li', { class: option.key ? 'key' : null },
      h('div', { class: 'choice-words' }, h('span', { class: 'letter' }, letter), render(option.text), option.key && h('span', { class: 'badge good' }, t('analysis.key'))),
      s('svg', { viewBox: '0 0 100 10', preserveAspectRatio: 'none', role: 'img', 'aria-label': `${letter} ${share}` },
        s('rect', { class: 'choice-rest', x: 0, y: 0, width: 100, height: 10 }),
        s('rect', { class: option.key ? 'bar-good' : 'bar-plain', x: 0, y: 0, width: option.share * 100, height: 10 }),
        tick(option.lower, 'tick-lower'), tick(option.upper, 'tick-upper')),
      h('div', { class: 'small quiet' }, `${share} · ${t('analysis.chosen', { n: number(option.chosen) })}`, groups && ` · ${groups}`,
        option.discrimination !== null && ` · ${t('analysis.option_r', { r: number(option.discrimination) })}`));
  }));
}
