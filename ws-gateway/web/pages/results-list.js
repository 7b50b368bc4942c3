// Exams whose results one may see, and the hours of a year as a file.
import { get, query } from '../core/api.js';
import { h } from '../core/dom.js';
import { moment, t, thisYear } from '../core/i18n.js';
import { empty, field, head, link, section, select } from '../core/parts.js';

const YEARS_BACK = 8;

export default async function page() {
  const exams = (await get(query('exams', { limit: 500 }))).items;
  const year = select(Array.from({ length: YEARS_BACK }, (_, back) => String(thisYear() - back)).map((one) => [one, one]), String(thisYear()), { onchange: () => point() });
  const file = (format, label) => h('a', { class: 'button', data: { format }, download: '' }, label);
  const links = [file('xlsx', t('download.xlsx')), file('csv', t('download.csv'))];
  const point = () => links.forEach((one) => { one.href = query('/api/v1/hours/export', { year: year.value, format: one.dataset.format }); });
  point();
  return {
    title: t('nav.results'),
    node: h('div', {}, head(t('nav.results'), { lead: t('results.lead') }),
      section(t('results.hours'), h('div', { class: 'card' }, h('p', {}, t('results.hours_text')), h('div', { class: 'filters section' }, field(t('credit_year'), year), ...links))),
      section(t('nav.exams'), exams.length ? h('ul', { class: 'grid' }, exams.map((exam) => h('li', {}, h('article', { class: 'card tile' },
        h('h3', {}, exam.title), h('p', { class: 'tile-meta' }, h('span', {}, exam.course_title)), h('p', { class: 'small quiet' }, `${moment(exam.opens_at)} – ${moment(exam.closes_at)}`),
        h('div', { class: 'actions' }, link(`/site/results/${exam.id}`, t('results.open'), 'button primary')))))) : empty(t('proctor.none'), t('exams.none_text')))),
  };
}
