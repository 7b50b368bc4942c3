// A result: passed or not, the hours, what may be reviewed, and what makes the draw verifiable.
import { get } from '../core/api.js';
import { h, rich } from '../core/dom.js';
import { moment, number, t } from '../core/i18n.js';
import { drawer } from '../core/keep.js';
import { badge, facts, head, kindName, link, notice, ring, section, working } from '../core/parts.js';
import { me } from '../core/session.js';
import { control, given, words } from '../exam/questions.js';

const CLOSING_MS = 2000;

export default async function page(context) {
  const id = context.params.attempt;
  const [result, attempt] = await Promise.all([get(`attempts/${id}/result`), get(`attempts/${id}`)]);
  const exam = await get(`exams/${attempt.exam}`).catch((problem) => {
    if (problem.status === 404) return { id: attempt.exam, title: t('exam'), state: 'closed' };
    throw problem;
  });
  if (result.state === 'open' || result.state === 'paused') return stillOpen(context, attempt, exam, result);
  const own = drawer(`sitting:${me().id}:${id}:`);
  const lost = own.get('lost');
  const slots = new Map(attempt.paper.sections.flatMap((part) => part.slots).map((slot) => [slot.slot, slot]));
  const again = exam.state === 'open' && result.mode === 'exam' && !result.passed;
  return {
    title: t('result.title'),
    node: h('div', { class: 'column' },
      head(exam.title, { back: ['/history', t('nav.history')], lead: t('history.number', { mode: t(`mode.${result.mode}`), n: attempt.number }) }),
      lost && notice('bad', h('p', { class: 'notice-title' }, t('result.lost_title')), h('p', {}, t('result.lost', { list: lost.join(t('comma')) }))),
      verdict(result),
      h('div', { class: 'actions section' },
        result.mode === 'practice' && link(`/exams/${exam.id}`, t('result.to_exam'), 'button primary'),
        again && link(`/exams/${exam.id}`, t('result.again'), 'button primary'),
        link('/', t('nav.year'), 'button'),
        result.mode === 'practice' && link('/mistakes', t('nav.mistakes'), 'button')),
      result.review && section(t('result.review'), h('ol', { class: 'review' }, result.review.map((one) => reviewed(one, slots.get(one.slot), result)))),
      section(t('result.details'), h('div', { class: 'card stack' }, facts([
        [t('history.state'), t(`attempt.${result.state}`)],
        [t('history.started'), moment(attempt.started_at)],
        result.graded_at && [t('result.graded_at'), moment(result.graded_at)],
      ]), seed(result, attempt)))),
  };
}

function verdict(result) {
  if (result.invalidated) {
    return h('div', { class: 'card stack' }, h('p', { class: 'verdict-word bad' }, t('result.invalidated')),
      notice('bad', h('p', {}, t('result.invalidated_reason', { words: result.invalidated.reason })),
        h('p', {}, t('result.invalidated_text', { time: moment(result.invalidated.at) }))));
  }
  if (!result.release.released) {
    return h('div', { class: 'card' }, h('p', { class: 'verdict-word' }, t('result.handed_in')),
      h('p', {}, result.release.at ? t('result.release_at', { time: moment(result.release.at) }) : t('result.release_later')));
  }
  const practice = result.mode === 'practice';
  const share = result.score !== null && result.max_score ? result.score / result.max_score : result.passed ? 1 : 0;
  const kind = practice ? '' : result.passed ? 'good' : 'bad';
  return h('div', { class: 'card verdict-card' },
    result.score !== null && ring(share, t('result.score_text', { n: number(result.score), all: number(result.max_score) }),
      { size: 144, big: number(result.score), small: t('result.of', { n: number(result.max_score) }), kind }),
    h('div', { class: 'stack-tight' },
      h('p', { class: `verdict-word ${kind}` }, practice ? t('result.practised') : t(result.passed ? 'passed' : 'not_passed')),
      !practice && h('p', { class: 'quiet' }, t('result.pass_score', { n: number(result.pass_score) })),
      !practice && (result.hours_granted > 0 ? h('p', {}, badge(t('hours.plus', { n: number(result.hours_granted) }), 'good'), ' ', t('result.credited'))
        : h('p', { class: 'quiet' }, result.passed ? t('result.no_hours_passed') : t('result.no_hours'))),
      result.state === 'terminated' && notice('warn', t('result.terminated')),
      result.state === 'expired' && h('p', { class: 'quiet' }, t('result.expired'))));
}

function reviewed(one, slot, result) {
  const full = one.points >= one.max;
  const mark = full ? ['good', t('review.full')] : one.points > 0 ? ['warn', t('review.part')] : ['bad', t('review.none')];
  const keys = given(one.key);
  const withKeys = keys && ['single_choice', 'multiple_choice', 'true_false'].includes(slot.kind);
  return h('li', { class: 'card stack' },
    h('div', { class: 'row' }, h('h3', { class: 'quiet small' }, t('question.head_short', { n: one.slot, kind: kindName(slot.kind) })),
      h('span', { class: 'figures' }, `${number(one.points)} / ${number(one.max)} `, badge(mark[1], mark[0]))),
    rich(slot.stem),
    withKeys ? control(slot, one.response || null, () => {}, { locked: true, key: one.key })
      : h('div', { class: 'stack-tight' },
        (given(one.response) || result.release.review === 'full') && h('p', {}, h('span', { class: 'quiet' }, t('review.yours')), words(slot, one.response)),
        keys && h('p', {}, h('span', { class: 'quiet' }, t('review.key')), words(slot, one.key))),
    withKeys && !given(one.response) && h('p', { class: 'quiet' }, t('review.unanswered')),
    one.explanation && h('div', { class: 'explain' }, h('p', { class: 'label' }, t('review.explanation')), rich(one.explanation)));
}

function seed(result, attempt) {
  return h('details', {}, h('summary', {}, t('seed.title')), h('div', { class: 'hashes' },
    h('p', {}, t('seed.text')),
    h('p', {}, t('seed.commitment'), ' ', h('code', {}, result.seed_commitment)),
    h('p', {}, t('seed.seed'), ' ', result.seed ? h('code', {}, result.seed) : t('seed.later')),
    h('p', {}, t('seed.bank'), ' ', h('code', {}, attempt.paper.bank_version)),
    h('p', {}, t('seed.algorithm'), ' ', h('code', {}, attempt.paper.algorithm))));
}

/** Its time may be over without the server having closed it yet: within the grace. */
function stillOpen(context, attempt, exam, result) {
  const over = attempt.remaining_ms === 0;
  if (over) {
    const timer = setTimeout(() => context.again(), CLOSING_MS);
    context.signal.addEventListener('abort', () => clearTimeout(timer), { once: true });
  }
  return {
    title: t('result.title'),
    node: h('div', { class: 'column' }, head(exam.title, { back: ['/history', t('nav.history')] }),
      over ? notice('info', h('p', { role: 'status' }, t('result.closing')))
        : notice('info', h('p', {}, t(`result.still_${result.state}`)), h('p', {}, link(`/attempts/${attempt.id}`, t('exam.resume'), 'button primary'))),
      over && h('p', { class: 'section' }, working(t('retry'), () => context.again()))),
  };
}
