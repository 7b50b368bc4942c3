// All my attempts, the latest first.
import { get, query } from '../core/api.js';
import { h } from '../core/dom.js';
import { moment, number, t } from '../core/i18n.js';
import { badge, button, empty, head, link, table } from '../core/parts.js';

export default async function page() {
  let found = await get('me/attempts?limit=50');
  const items = [...found.items];
  const node = h('div', {});
  const draw = () => {
    node.textContent = '';
    node.append(head(t('nav.history'), { lead: t('history.lead') }),
      items.length ? rows(items, true) : empty(t('history.none'), t('history.none_text'), link('/exams', t('nav.exams'), 'button')));
    if (found.next) node.append(h('p', { class: 'section' }, button(t('more'), more)));
  };
  const more = async () => {
    found = await get(query('me/attempts', { limit: 50, after: found.next }));
    items.push(...found.items);
    draw();
  };
  draw();
  return { node, title: t('nav.history') };
}

/** Attempts as a table. */
export function rows(attempts, named = false) {
  return table(t('nav.history'),
    [named && t('exam'), t('history.kind'), t('history.started'), t('history.state'), t('history.score'), ''].filter((words) => words !== false),
    attempts.map((attempt) => [
      ...(named ? [attempt.exam_title] : []),
      t('history.number', { mode: t(`mode.${attempt.mode}`), n: attempt.number }),
      moment(attempt.started_at), outcome(attempt), score(attempt), way(attempt),
    ]));
}

function outcome(attempt) {
  if (attempt.state === 'open' || attempt.state === 'paused') return badge(t(`attempt.${attempt.state}`), 'warn');
  if (attempt.state === 'terminated') return badge(t('attempt.terminated'), 'bad');
  if (attempt.invalidated) return badge(t('history.invalidated'), 'bad');
  if (!attempt.released) return badge(t('history.not_released'), 'plain');
  if (attempt.mode === 'practice') return badge(t(`attempt.${attempt.state}`), 'plain');
  return attempt.passed ? badge(t('passed'), 'good') : badge(t('not_passed'), 'bad');
}

function score(attempt) {
  if (attempt.score === null) return '—';
  const words = attempt.max_score === null ? t('history.points', { n: number(attempt.score) }) : `${number(attempt.score)} / ${number(attempt.max_score)}`;
  return attempt.hours_granted ? h('span', {}, words, ' ', badge(t('hours.plus', { n: number(attempt.hours_granted) }), 'good')) : words;
}

function way(attempt) {
  const live = attempt.state === 'open' || attempt.state === 'paused';
  return live ? link(`/attempts/${attempt.attempt}`, t('exam.resume')) : link(`/attempts/${attempt.attempt}/result`, t('year.result'));
}
