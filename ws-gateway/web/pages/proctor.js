// Which exam to watch.
import { get, query } from '../core/api.js';
import { h } from '../core/dom.js';
import { moment, span, t } from '../core/i18n.js';
import { empty, head, link } from '../core/parts.js';

export default async function page() {
  const exams = (await get(query('exams', { limit: 500 }))).items;
  return {
    title: t('nav.proctor'),
    node: h('div', {}, head(t('nav.proctor'), { lead: t('proctor.lead') }),
      exams.length ? h('ul', { class: 'grid' }, exams.map((exam) => h('li', {}, h('article', { class: 'card tile' },
        h('h2', {}, exam.title),
        h('p', { class: 'tile-meta' }, h('span', {}, exam.course_title), h('span', {}, span(exam.duration_ms)), h('span', {}, t('exams.questions', { n: exam.questions }))),
        h('p', { class: 'small quiet' }, `${moment(exam.opens_at)} – ${moment(exam.closes_at)}`),
        h('div', { class: 'actions' }, link(`/proctor/${exam.id}`, t('proctor.open'), 'button primary'))))))
        : empty(t('proctor.none'), t('exams.none_text'))),
  };
}
