// Courses with one's own state in each; exams and lessons are the ways to their hours.
import { get, query } from '../core/api.js';
import { h } from '../core/dom.js';
import { current, number, span, t } from '../core/i18n.js';
import { badge, empty, field, head, link, select } from '../core/parts.js';

const STATES = { not_started: 'plain', in_progress: 'info', passed: 'good', completed: 'good' };

export default async function page(context) {
  const [year, subject] = [context.query.get('year') || '', context.query.get('subject') || ''];
  const [found, exams, lessons, every] = await Promise.all([
    get(query('courses', { year, subject, limit: 500 })),
    get(query('exams', { limit: 500 })),
    // A server without lessons answers 404: then there are none.
    get(query('lessons', { limit: 500 })).catch((problem) => {
      if (problem.status === 404) return { items: [] };
      throw problem;
    }),
    year || subject ? get(query('courses', { limit: 500 })) : null,
  ]);
  const years = [...new Set((every || found).items.map((course) => course.credit_year))].sort((one, two) => two - one);
  const change = (name, value) => context.go(query('/courses', { year, subject, [name]: value }));
  const filters = h('div', { class: 'filters' },
    field(t('credit_year'), select([['', t('all')], ...years.map((one) => [String(one), String(one)])], year, { onchange: (event) => change('year', event.target.value) })),
    field(t('subject'), select([['', t('all')], ['public', t('subject.public')], ['professional', t('subject.professional')]], subject, { onchange: (event) => change('subject', event.target.value) })));
  return {
    title: t('nav.courses'),
    node: h('div', {}, head(t('nav.courses'), { lead: t('courses.lead') }), filters,
      found.items.length ? h('ul', { class: 'grid' }, found.items.map((course) => h('li', {}, tile(course, exams.items, lessons.items))))
        : empty(t('courses.none'), t('courses.none_text'))),
  };
}

function tile(course, exams, lessons) {
  const own = exams.filter((exam) => course.exams.includes(exam.id));
  const watched = lessons.filter((lesson) => (lesson.course.id || lesson.course) === course.id);
  return h('article', { class: 'card tile' },
    h('div', { class: 'row' }, badge(t(`course.${course.state}`), STATES[course.state]), h('span', { class: 'figures' }, t('hours.n', { n: number(course.hours) }))),
    h('h2', {}, course.title),
    h('p', { class: 'tile-meta' }, h('span', {}, t(`bucket.${course.subject}.${course.bucket}`)), h('span', {}, t('year.n', { year: course.credit_year }))),
    watched.length > 0 && h('ul', { class: 'list' }, watched.map(lessonRow)),
    own.length === 0 && watched.length === 0 && h('p', { class: 'quiet small' }, t('courses.nothing_yet')),
    own.length > 0 && h('div', { class: 'actions' }, own.map((exam) => link(`/exams/${exam.id}`, exam.title, 'button'))));
}

/** The player has a page of its own, outside this application, in the language at hand. */
function lessonRow(lesson) {
  const share = lesson.duration_ms > 0 ? lesson.covered_ms / lesson.duration_ms : 0;
  return h('li', { class: 'stack-tight' },
    h('a', { href: query('/lesson/', { id: lesson.id, lang: current() === 'en' ? 'en' : '' }), 'data-away': '' }, lesson.title),
    h('span', { class: 'quiet small figures' }, `${span(lesson.covered_ms)} / ${span(lesson.duration_ms)} `,
      badge(t(`course.${lesson.state}`), STATES[lesson.state] || (share >= 1 ? 'good' : 'plain'))));
}
