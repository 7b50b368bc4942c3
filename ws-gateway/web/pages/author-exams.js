// All exams with their state, for those who make them.
import { all } from '../core/api.js';
import { h } from '../core/dom.js';
import { moment, number, span, t } from '../core/i18n.js';
import { badge, empty, head, link } from '../core/parts.js';
import { is } from '../core/session.js';

export default async function page() {
  const { items } = await all('authored/exams');
  const drafts = items.filter((exam) => exam.state === 'draft');
  const list = [...drafts, ...items.filter((exam) => exam.state !== 'draft')];
  return {
    title: t('nav.author_exams'),
    node: h('div', {},
      head(t('nav.author_exams'), { lead: t('author.lead'), actions: link('/author/exams/new', t('author.create'), 'button primary') }),
      list.length ? h('ul', { class: 'grid' }, list.map((exam) => h('li', {}, tile(exam))))
        : empty(t('author.none'), t('author.none_text'), link('/author/exams/new', t('author.create'), 'button primary'))),
  };
}

function tile(exam) {
  const { sections } = exam.blueprint;
  const questions = sections.reduce((sum, one) => sum + one.count, 0);
  const points = sections.reduce((sum, one) => sum + one.count * one.points, 0);
  const draft = exam.state === 'draft';
  return h('article', { class: 'card tile' },
    h('div', { class: 'row' }, badge(t(`author.${exam.state}`), draft ? 'warn' : 'good'), h('code', { class: 'quiet' }, exam.code)),
    h('h2', {}, exam.title),
    h('p', { class: 'tile-meta' }, h('span', {}, t('exams.questions', { n: questions })), h('span', {}, span(exam.duration_ms)),
      h('span', {}, t('exams.pass', { n: number(exam.pass_score), all: number(points) }))),
    h('p', { class: 'small quiet' }, `${moment(exam.opens_at)} – ${moment(exam.closes_at)}`),
    exam.results_at && h('p', { class: 'small quiet' }, `${t('exam.results_at')} ${moment(exam.results_at)}`),
    h('div', { class: 'actions' }, link(`/author/exams/${exam.id}`, t(draft ? 'author.edit' : 'author.look'), 'button'),
      !draft && is('proctor', 'admin') && link(`/proctor/${exam.id}`, t('nav.proctor'), 'button')));
}
