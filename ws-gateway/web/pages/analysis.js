// Item analysis of a published exam: its scores, every item by difficulty and discrimination, and what was chosen.
import { get, query } from '../core/api.js';
import { dialog } from '../core/dialog.js';
import { h, plain, put, rich } from '../core/dom.js';
import { moment, number, t } from '../core/i18n.js';
import { badge, button, empty, facts, field, head, kindName, notice, section, select } from '../core/parts.js';
import { choices, histogram, scatter } from '../staff/plots.js';
import { virtualList } from '../staff/virtual.js';

/** A large exam is read from its first attempt on. */
const ANALYSIS_MS = 600000;
const MOST = 20000;
/** Below them the server gives no figures. */
const PAPERS_MIN = 30;
const SERIOUS = ['key_in_doubt', 'negative_discrimination'];

const figure = (value) => (value === null ? '—' : number(value));

export default async function page(context) {
  const id = context.params.exam;
  const attempts = context.query.get('attempts') === 'all' ? 'all' : 'first';
  const [exam, analysis] = await Promise.all([get(`authored/exams/${id}`), whole(id, attempts, context.signal)]);
  const file = (format) => query(`/api/v1/authored/exams/${id}/analysis/export`, { attempts, format });
  const chosen = select(['first', 'all'].map((one) => [one, t(`analysis.attempts.${one}`)]), attempts, { onchange: (event) => context.go(query(context.path, { attempts: event.target.value }), { replace: true }) });
  return {
    title: t('analysis.title'),
    node: h('div', {},
      head(t('analysis.title'), { back: [`/author/exams/${id}`, exam.title], lead: t('analysis.lead', { time: moment(analysis.as_of) }), actions: analysis.papers > 0 && [
        h('a', { class: 'button', href: file('xlsx'), download: '' }, t('download.xlsx')), h('a', { class: 'button', href: file('csv'), download: '' }, t('download.csv')),
      ] }),
      h('div', { class: 'filters' }, field(t('analysis.attempts'), chosen, { hint: t('analysis.attempts_hint') })),
      analysis.papers === 0 ? empty(t('analysis.none'), t('analysis.none_text')) : body(analysis)),
  };
}

async function whole(id, attempts, signal) {
  const items = [];
  let page;
  do {
    page = await get(query(`authored/exams/${id}/analysis`, { attempts, limit: 500, after: page && page.next }), { timeoutMs: ANALYSIS_MS, signal });
    items.push(...page.items);
  } while (page.next && items.length < MOST);
  return { ...page, items };
}

function body(analysis) {
  const { scores, reliability } = analysis;
  return [
    analysis.papers < PAPERS_MIN && notice('warn', t('analysis.few', { n: number(analysis.papers), least: number(PAPERS_MIN) })),
    section(t('analysis.exam'), h('div', { class: 'card stack' }, facts([
      [t('analysis.papers'), number(analysis.papers)], [t('analysis.mean'), figure(scores.mean)], [t('analysis.sd'), figure(scores.sd)],
      [t('analysis.spread'), `${figure(scores.lowest)} / ${figure(scores.median)} / ${figure(scores.highest)}`],
      [t('analysis.alpha'), reliability.alpha === null ? '—' : figure(reliability.alpha)],
      [t('analysis.dependability'), figure(reliability.dependability)], [t('analysis.sem'), figure(reliability.sem)],
      [t('analysis.items'), number(analysis.items_shown)],
    ]),
    reliability.no_alpha && h('p', { class: 'hint' }, t(`analysis.no_alpha.${reliability.no_alpha}`)),
    histogram(scores))),
    analysis.papers >= PAPERS_MIN && section(t('analysis.map'), h('div', { class: 'card' }, scatter(analysis.items, open))),
    section(t('analysis.all'), list(analysis.items)),
  ];
}

const ORDERS = {
  flags: (one, other) => weight(other) - weight(one) || other.shown - one.shown,
  facility: (one, other) => (one.facility === null) - (other.facility === null) || one.facility - other.facility,
  discrimination: (one, other) => (one.discrimination === null) - (other.discrimination === null) || one.discrimination - other.discrimination,
  exposure: (one, other) => other.exposure - one.exposure,
  code: (one, other) => (one.code < other.code ? -1 : 1),
};

const weight = (item) => item.flags.reduce((sum, flag) => sum + (SERIOUS.includes(flag.code) ? 10 : 1), 0);
const flagWords = (flag) => t(`flag.${flag.code}`, { option: flag.option === null ? '' : String.fromCharCode(65 + flag.option) });
const flagBadges = (item) => item.flags.map((flag) => badge(flagWords(flag), SERIOUS.includes(flag.code) ? 'bad' : 'warn'));

function list(items) {
  const wanted = { text: '', flag: '', order: 'flags' };
  const told = h('p', { class: 'small quiet', role: 'status' });
  const holder = h('div', {});
  const rows = virtualList(t('analysis.all'), (item) => h('a', { href: '#', class: 'figures-row', onclick: (event) => { event.preventDefault(); open(item); } },
    h('div', {}, h('span', { class: 'name' }, plain(item.stem).slice(0, 80)), h('small', {}, `${item.code} · ${kindName(item.kind)}`)),
    h('div', { class: 'small figures' }, t('analysis.row_p', { p: figure(item.facility) }), h('small', {}, t('analysis.row_r', { r: figure(item.discrimination) }))),
    h('div', { class: 'wide-only small' }, t('analysis.row_shown', { n: number(item.shown) }), h('small', {}, `${number(item.exposure * 100)} %`)),
    h('div', { class: 'flags' }, item.flags.length > 0 && flagBadges(item).slice(0, 2))));
  const draw = () => {
    const shown = items.filter((item) => (!wanted.text || item.code.includes(wanted.text) || item.stem.includes(wanted.text) || item.topic.includes(wanted.text))
      && (!wanted.flag || item.flags.some((flag) => wanted.flag === 'any' || flag.code === wanted.flag))).sort(ORDERS[wanted.order]);
    put(told, t('analysis.shown', { n: number(shown.length), all: number(items.length) }));
    if (!shown.length) put(holder, empty(t('console.none_fit'), t('console.none_fit_text')));
    else {
      if (!holder.contains(rows.element)) put(holder, rows.element);
      rows.show(shown);
    }
  };
  const flags = [...new Set(items.flatMap((item) => item.flags.map((flag) => flag.code)))];
  const filters = h('div', { class: 'filters' },
    field(t('analysis.search'), h('input', { type: 'search', oninput: (event) => { wanted.text = event.target.value.trim(); draw(); } })),
    field(t('analysis.flags'), select([['', t('all')], ['any', t('analysis.any_flag')], ...flags.map((code) => [code, t(`flag.${code}`, { option: '' })])], '', { onchange: (event) => { wanted.flag = event.target.value; draw(); } })),
    field(t('analysis.order'), select(Object.keys(ORDERS).map((one) => [one, t(`analysis.order.${one}`)]), 'flags', { onchange: (event) => { wanted.order = event.target.value; draw(); } })));
  draw();
  return h('div', {}, filters, told, holder);
}

function open(item) {
  return dialog({ title: item.code, wide: true, build: (close) => h('div', { class: 'stack' },
    rich(item.stem),
    item.flags.length > 0 && h('ul', { class: 'flag-list' }, item.flags.map((flag) => h('li', {}, badge(flagWords(flag), SERIOUS.includes(flag.code) ? 'bad' : 'warn'), ' ', h('span', { class: 'small' }, t(`flag.${flag.code}.text`))))),
    facts([
      [t('analysis.facility'), figure(item.facility)], [t('analysis.discrimination'), figure(item.discrimination)], [t('analysis.upper_lower'), figure(item.upper_lower)],
      [t('analysis.sd'), figure(item.sd)], [t('analysis.shown_times'), `${number(item.shown)}（${number(item.exposure * 100)} %）`], [t('analysis.omitted'), number(item.omitted)],
      [t('analysis.seconds'), item.seconds === null ? '—' : t('analysis.seconds_n', { n: number(item.seconds), m: number(item.timed) })],
      [t('analysis.kind'), kindName(item.kind)], [t('item.topic'), item.topic || '—'],
    ]),
    item.options.length > 0 && choices(item.options, (text) => rich(text, 'span')),
    item.options.length > 0 && h('p', { class: 'hint' }, t('analysis.ticks')),
    item.facility === null && notice('info', t('analysis.item_few', { least: number(PAPERS_MIN) })),
    h('div', { class: 'actions' }, button(t('close'), () => close()))) });
}
