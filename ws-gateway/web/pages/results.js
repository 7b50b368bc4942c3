// Results of one exam, of the people whom one oversees.
import { all, get, query } from '../core/api.js';
import { h, put } from '../core/dom.js';
import { moment, number, t } from '../core/i18n.js';
import { badge, empty, field, head, link, notice, select } from '../core/parts.js';
import { is } from '../core/session.js';
import { virtualList } from '../staff/virtual.js';

const MOST = 20000;
const STATES = { open: 'info', paused: 'warn', submitted: 'plain', expired: 'plain', terminated: 'bad' };

export default async function page(context) {
  const { exam: id } = context.params;
  const [exam, found, units] = await Promise.all([get(`exams/${id}`), all(`exams/${id}/results`, {}, MOST), all('units', {}, MOST)]);
  const names = new Map(units.items.map((unit) => [unit.code, unit.name]));
  const unitOf = (row) => names.get(row.unit) || row.unit || '';
  const { items, more } = found;
  const wanted = { text: '', passed: '' };
  const file = (format) => query(`/api/v1/exams/${id}/results/export`, { format });
  const told = h('p', { class: 'small quiet', role: 'status' });
  const body = h('div', {});
  const list = virtualList(t('nav.results'), (row) => h('a', { class: 'result-row', href: `/site/people/${row.learner}` },
    h('div', {}, h('span', { class: 'name' }, row.name), h('small', {}, row.username)),
    h('div', {}, row.passed === null ? badge(t(`attempt.${row.state}`), STATES[row.state]) : badge(t(row.passed ? 'results.passed' : 'results.failed'), row.passed ? 'good' : 'bad')),
    h('div', { class: 'wide-only small quiet' }, unitOf(row), h('small', {}, row.closed_at ? moment(row.closed_at) : moment(row.started_at))),
    h('div', { class: 'wide-only figures' }, row.hours_granted === null ? '' : t('hours.n', { n: number(row.hours_granted) })),
    h('div', { class: 'figures' }, row.score === null ? '—' : t('results.score', { n: number(row.score), all: number(exam.max_score) }), h('small', {}, t('results.number', { n: row.number })))));
  const draw = () => {
    const shown = items.filter((row) => (!wanted.passed || String(row.passed) === wanted.passed)
      && (!wanted.text || row.name.includes(wanted.text) || row.username.includes(wanted.text) || unitOf(row).includes(wanted.text) || (row.unit || '').includes(wanted.text)));
    put(told, t('results.shown', { n: number(shown.length), all: number(items.length) }), more ? ` ${t('results.more')}` : '');
    if (!items.length) put(body, empty(t('results.none'), t('results.none_text')));
    else if (!shown.length) put(body, empty(t('console.none_fit'), t('console.none_fit_text')));
    else {
      if (!body.contains(list.element)) put(body, list.element);
      list.show(shown);
    }
  };
  const hidden = !is('admin') && items.some((row) => row.closed_at && row.passed === null);
  draw();
  return {
    title: exam.title,
    node: h('div', {}, head(exam.title, { back: ['/site/results', t('nav.results')], actions: items.length > 0 && [
      h('a', { class: 'button', href: file('xlsx'), download: '' }, t('download.xlsx')), h('a', { class: 'button', href: file('csv'), download: '' }, t('download.csv')),
    ] }),
    hidden && notice('info', t('results.hidden')),
    h('div', { class: 'filters' },
      field(t('people.search'), h('input', { type: 'search', oninput: (event) => { wanted.text = event.target.value.trim(); draw(); } })),
      field(t('results.passed_or'), select([['', t('all')], ['true', t('results.passed')], ['false', t('results.failed')]], '', { onchange: (event) => { wanted.passed = event.target.value; draw(); } }))),
    told, body, h('p', { class: 'section' }, link('/site/results', t('results.back')))),
  };
}
