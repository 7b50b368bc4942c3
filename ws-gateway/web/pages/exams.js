// The exams open to me, with where I stand in each.
import { get, query } from '../core/api.js';
import { h } from '../core/dom.js';
import { moment, number, span, t } from '../core/i18n.js';
import { badge, empty, head, link, section } from '../core/parts.js';

export const STATES = { upcoming: 'plain', open: 'info', closed: 'plain', in_progress: 'warn', paused: 'warn', exhausted: 'plain', passed: 'good' };
const ORDER = [['in_progress', 'paused'], ['open'], ['upcoming'], ['passed', 'exhausted', 'closed']];

export default async function page() {
  const exams = (await get(query('exams', { limit: 500 }))).items;
  const groups = ORDER.map((states) => [states[0], exams.filter((exam) => states.includes(exam.state))]).filter(([, list]) => list.length);
  return {
    title: t('nav.exams'),
    node: h('div', {}, head(t('nav.exams'), { lead: t('exams.lead') }),
      groups.length ? groups.map(([state, list]) => section(t(`exams.group.${state}`), h('ul', { class: 'grid' }, list.map((exam) => h('li', {}, tile(exam))))))
        : empty(t('exams.none'), t('exams.none_text'), link('/courses', t('nav.courses'), 'button'))),
  };
}

function tile(exam) {
  const live = exam.open_attempt;
  return h('article', { class: 'card tile' },
    h('div', { class: 'row' }, badge(live && exam.open_mode === 'practice' ? t('exam.practising') : t(`exam.state.${exam.state}`), STATES[exam.state]), h('span', { class: 'figures' }, t('hours.n', { n: number(exam.hours) }))),
    h('h3', {}, exam.title),
    h('p', { class: 'tile-meta' },
      h('span', {}, t('exams.questions', { n: exam.questions })), h('span', {}, span(exam.duration_ms)),
      h('span', {}, t('exams.pass', { n: number(exam.pass_score), all: number(exam.max_score) })),
      exam.attempts_left !== null && h('span', {}, t('exams.left', { n: exam.attempts_left }))),
    exam.state === 'upcoming' && h('p', { class: 'small' }, t('next.opens', { time: moment(exam.opens_at) })),
    h('div', { class: 'actions' },
      live && link(`/attempts/${live}`, t(exam.open_mode === 'practice' ? 'exam.resume_practice' : 'exam.resume'), 'button primary'),
      link(`/exams/${exam.id}`, t('exam.rules'), live || exam.state !== 'open' ? 'button' : 'button primary')));
}
