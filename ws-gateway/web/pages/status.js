// The operator's view: alive, ready, and what the metrics say, as it goes.
import { call } from '../core/api.js';
import { h, put, s } from '../core/dom.js';
import { clock, number, percent, t } from '../core/i18n.js';
import { badge, button, head, section, table, trouble } from '../core/parts.js';
import { growth, parse, quantile, sum } from '../staff/metrics.js';

const EVERY_MS = 2000;
const KEPT = 90;
const CLASSES = ['answer', 'submit', 'resume', 'start', 'telemetry', 'report'];

/** A balancer sends each question to another node; one that was not heard for this long is gone. */
const NODE_MS = 60000;
/** Of several nodes these are not summed: the worst counts. */
const WORST = ['latency', 'errors'];

/** Each plot: its name, its value between two readings of one node, how it is written. */
const PLOTS = [
  ['answers', (one, two, seconds) => growth(sum(one, 'keju_answers_total'), sum(two, 'keju_answers_total')) / seconds, (value) => `${number(value)} /s`],
  ['requests', (one, two, seconds) => growth(sum(one, 'keju_requests_total'), sum(two, 'keju_requests_total')) / seconds, (value) => `${number(value)} /s`],
  ['latency', (one, two) => quantile(one, two, 'keju_answer_seconds', 0.99), (value) => `${number(value * 1000)} ms`],
  ['starts', (one, two, seconds) => growth(sum(one, 'keju_starts_total'), sum(two, 'keju_starts_total')) / seconds, (value) => `${number(value)} /s`],
  ['in_work', (one, two) => sum(two, 'keju_requests_in_work'), number],
  ['queue', (one, two) => sum(two, 'keju_start_queue'), number],
  ['connections', (one, two) => sum(two, 'keju_connections'), number],
  ['shed', (one, two, seconds) => {
    const shed = (labels) => ['overloaded', 'rate_limited', 'queued'].includes(labels.code);
    return growth(sum(one, 'keju_problems_total', shed), sum(two, 'keju_problems_total', shed)) / seconds;
  }, (value) => `${number(value)} /s`],
  ['errors', (one, two) => {
    const failed = (labels) => labels.status >= '500';
    const all = growth(sum(one, 'keju_requests_total'), sum(two, 'keju_requests_total'));
    return all ? growth(sum(one, 'keju_requests_total', failed), sum(two, 'keju_requests_total', failed)) / all : 0;
  }, percent],
];

export default async function page(context) {
  const state = h('div', { class: 'row row-start', role: 'status' });
  const told = h('div', {});
  const plots = PLOTS.map(([name, , words]) => plot(t(`status.${name}`), words));
  const totals = h('div', {});
  const list = h('div', {});
  const nodes = new Map();
  let running = true;
  let timer = null;

  const round = async () => {
    timer = null;
    try {
      const [text, ready] = await Promise.all([
        call('GET', '/metrics', undefined, { raw: true, signal: context.signal }).then((response) => response.text()),
        call('GET', '/readyz', undefined, { raw: true, signal: context.signal }).then(() => true, () => false),
      ]);
      const now = { at: performance.now(), samples: parse(text), ready };
      const node = sum(now.samples, 'keju_node');
      const last = nodes.get(node);
      now.values = last ? PLOTS.map(([, value]) => value(last.samples, now.samples, (now.at - last.at) / 1000)) : null;
      nodes.set(node, now);
      for (const [number, seen] of nodes) if (now.at - seen.at > NODE_MS) nodes.delete(number);
      put(told);
      put(state, badge(t('status.alive'), 'good'), badge(t(ready ? 'status.ready' : 'status.not_ready'), ready ? 'good' : 'bad'), h('span', { class: 'quiet small' }, t('console.as_of', { time: clock(new Date()) })));
      if (now.values) PLOTS.forEach(([name], index) => plots[index].add(together(name, [...nodes.values()].map((seen) => seen.values && seen.values[index]))));
      put(totals, classTable(now.samples));
      put(list, nodeTable(nodes, now.at));
    } catch (problem) {
      if (context.signal.aborted) return;
      put(state, badge(t('status.silent'), 'bad'));
      put(told, trouble(problem));
    }
    if (running && !context.signal.aborted && !timer) timer = setTimeout(round, EVERY_MS);
  };
  // Nobody looks: nothing is asked.
  const seen = () => { if (!document.hidden && running && !timer) round(); else if (document.hidden) { clearTimeout(timer); timer = null; } };
  document.addEventListener('visibilitychange', seen);
  context.signal.addEventListener('abort', () => { clearTimeout(timer); document.removeEventListener('visibilitychange', seen); }, { once: true });
  const pause = button(t('status.pause'), () => {
    running = !running;
    put(pause, t(running ? 'status.pause' : 'status.go_on'));
    if (running) round();
    else { clearTimeout(timer); timer = null; }
  });
  await round();
  return {
    title: t('nav.status'),
    node: h('div', {}, head(t('nav.status'), { lead: t('status.lead'), actions: pause }), state, told,
      h('div', { class: 'plots section' }, plots.map((one) => one.element)),
      section(t('status.nodes'), h('p', { class: 'hint' }, t('status.nodes_text')), list),
      section(t('status.totals'), totals),
      h('p', { class: 'section small' }, h('a', { href: '/metrics', 'data-away': '' }, t('status.raw')))),
  };
}

/** One value of all nodes: the sum, or the worst. */
function together(name, values) {
  const known = values.filter((value) => value !== null && value !== undefined);
  if (!known.length) return null;
  return WORST.includes(name) ? Math.max(...known) : known.reduce((all, one) => all + one, 0);
}

const NODE_PLOTS = ['answers', 'latency', 'in_work', 'queue', 'connections'];

function nodeTable(nodes, now) {
  const cells = ([node, seen]) => [
    h('span', {}, String(node), ' ', badge(t(seen.ready ? 'status.ready' : 'status.not_ready'), seen.ready ? 'good' : 'bad')),
    ...NODE_PLOTS.map((name) => {
      const index = PLOTS.findIndex(([one]) => one === name);
      const value = seen.values && seen.values[index];
      return value === null || value === undefined ? '—' : PLOTS[index][2](value);
    }),
    t('status.ago', { n: number(Math.round((now - seen.at) / 1000)) }),
  ];
  return table(t('status.nodes'), [t('status.node'), ...NODE_PLOTS.map((name) => t(`status.${name}`)), t('status.heard')], [...nodes].sort(([one], [other]) => one - other).map(cells));
}

/** A line over the last minutes. */
function plot(name, words) {
  const values = [];
  const value = h('p', { class: 'value' }, '—');
  const line = s('polyline', { class: 'plot-line' });
  const area = s('polygon', { class: 'plot-area' });
  const drawing = s('svg', { viewBox: '0 0 100 40', preserveAspectRatio: 'none', role: 'img', 'aria-label': name },
    area, s('line', { class: 'plot-base', x1: 0, x2: 100, y1: 39.5, y2: 39.5 }), line);
  const top = h('p', { class: 'small quiet' }, '');
  return {
    element: h('div', { class: 'card plot' }, h('h2', { class: 'small quiet' }, name), value, drawing, top),
    add(next) {
      values.push(next);
      if (values.length > KEPT) values.shift();
      const known = values.filter((one) => one !== null);
      const most = Math.max(...known, 0);
      const points = values.map((one, index) => [100 - (values.length - 1 - index) * (100 / (KEPT - 1)), 38 - (most ? ((one || 0) / most) * 36 : 0)]);
      const text = points.map(([x, y]) => `${x.toFixed(2)},${y.toFixed(2)}`).join(' ');
      line.setAttribute('points', text);
      area.setAttribute('points', points.length ? `${points[0][0].toFixed(2)},39.5 ${text} 100,39.5` : '');
      put(value, next === null ? '—' : words(next));
      put(top, t('status.most', { n: known.length ? words(most) : '—' }));
      drawing.setAttribute('aria-label', `${name}${next === null ? '' : ` ${words(next)}`}`);
    },
  };
}

function classTable(samples) {
  const counted = (name, fits) => number(sum(samples, 'keju_requests_total', (labels) => labels.class === name && fits(labels.status)));
  return table(t('status.by_class'), [t('status.class'), t('status.good'), t('status.refused'), t('status.failed'), 'p50', 'p99'], CLASSES.map((name) => {
    const time = (q) => {
      const value = quantile(new Map(), samples, `keju_${name}_seconds`, q);
      return value === null ? '—' : `${number(value * 1000)} ms`;
    };
    return [t(`status.class.${name}`), counted(name, (status) => status < '400'), counted(name, (status) => status >= '400' && status < '500'), counted(name, (status) => status >= '500'), time(0.5), time(0.99)];
  }));
}
