// An exam before it is started: its rules, whether this device is fit for it, and the start; and the waiting room
// where the house is full.
import { get, post } from '../core/api.js';
import { sure } from '../core/dialog.js';
import { h, put, uuid } from '../core/dom.js';
import { moment, number, span, t } from '../core/i18n.js';
import { drawer, durable } from '../core/keep.js';
import { badge, button, facts, head, kindName, link, notice, section, table, trouble, working } from '../core/parts.js';
import { me } from '../core/session.js';
import { STATES } from './exams.js';
import { rows } from './history.js';

const WAITING = new Set(['queued', 'overloaded', 'rate_limited', 'unavailable', 'network', 'timeout']);
const NETWORK_SLOW_MS = 1500;
const CLOCK_OFF_MS = 60000;

export default async function page(context) {
  const id = context.params.exam;
  const [exam, attempts] = await Promise.all([get(`exams/${id}`), get('me/attempts?limit=500')]);
  const own = attempts.items.filter((attempt) => attempt.exam === id);
  const heard = Date.now();
  const node = h('div', { class: 'column' });
  const draw = () => put(node,
    head(exam.title, { back: ['/exams', t('nav.exams')], lead: `${exam.course_title} · ${t('year.n', { year: exam.credit_year })}`, actions: badge(t(`exam.state.${exam.state}`), STATES[exam.state]) }),
    state(exam),
    section(t('exam.rules'), h('div', { class: 'card stack' }, facts([
      [t('exam.duration'), span(exam.duration_ms)],
      [t('exam.questions'), number(exam.questions)],
      [t('exam.pass'), t('exams.pass', { n: number(exam.pass_score), all: number(exam.max_score) })],
      [t('exam.hours'), t('hours.n', { n: number(exam.hours) })],
      [t('exam.attempts'), exam.attempts_left === null ? t('exam.any') : t('exam.attempts_text', { used: exam.attempts_used, left: exam.attempts_left })],
      [t('exam.window'), `${moment(exam.opens_at)} – ${moment(exam.closes_at)}`],
      exam.cooldown_ms > 0 && [t('exam.cooldown'), span(exam.cooldown_ms)],
      [t('exam.review'), t(`review.policy.${exam.review}`)],
      exam.results_at && [t('exam.results_at'), moment(exam.results_at)],
    ]),
    table(t('exam.sections'), [t('exam.section'), t('exam.kind'), t('exam.count'), t('exam.points')], exam.sections.map((part) => [
      part.title, part.kind ? kindName(part.kind) : t('exam.mixed'), number(part.count), number(part.points)])))),
    section(t('exam.good_to_know'), h('ul', { class: 'checks' }, ['saved', 'clock', 'leave', 'watched', 'verify'].map((key) =>
      h('li', {}, h('span', { class: 'mark', 'aria-hidden': 'true' }, '·'), h('span', {}, t(`know.${key}`)))))),
    begin(),
    own.length > 0 && section(t('exam.own'), rows(own)));

  function begin() {
    const live = exam.open_attempt;
    const practising = live && exam.open_mode === 'practice';
    const practice = exam.practice !== 'off' && exam.state === 'open' && button(t('exam.practise'), () => start('practice'), '');
    const resume = live && section(t('exam.go_on'), h('div', { class: 'card row' }, h('p', {}, t(practising ? 'exam.practice_open' : 'next.running_text')),
      link(`/attempts/${live}`, t(practising ? 'exam.resume_practice' : 'exam.resume'), `button${practising ? '' : ' primary'}`)));
    const topics = practice && button(t('exam.practise_topics'), byTopic, '');
    if (exam.state !== 'open' && !(practising && startable(exam, own))) return resume;
    const agreed = h('input', { type: 'checkbox' });
    const go = working(t('exam.start'), () => start('exam'), 'primary', { disabled: true });
    agreed.addEventListener('change', () => { go.disabled = !agreed.checked; });
    const blocked = exam.practice === 'required' && !exam.practised;
    if (blocked && practising) return resume;
    return [resume, section(t('exam.begin'), h('div', { class: 'card stack' },
      h('h3', {}, t('device.title')), device(exam, heard),
      blocked && notice('info', t('exam.practice_required')),
      !blocked && h('label', { class: 'check' }, agreed, h('span', {}, t('exam.agree', { time: span(exam.duration_ms) }))),
      h('div', { class: 'actions' }, !blocked && go, practice && blocked ? button(t('exam.practise'), () => start('practice'), 'primary') : practice, topics)))];
  }

  async function byTopic() {
    const { choose } = await import('../exam/topics.js');
    const chosen = await choose(id);
    if (chosen) await start('practice', chosen);
  }

  /** The same command however often it is tried, so that one start makes one attempt. */
  async function start(mode, chosen) {
    const kept = drawer(`start:${me().id}:${id}:`);
    // Another choice is another command.
    const command = (!chosen && kept.get(mode)) || uuid();
    if (!chosen) kept.set(mode, command);
    const enter = async (place) => {
      const attempt = await post(`exams/${id}/attempts`, { command_id: command, mode, ...chosen }, place ? { headers: { 'Keju-Queue': place } } : {});
      kept.remove(mode);
      await context.go(`/attempts/${attempt.id}`);
    };
    try {
      await enter();
    } catch (problem) {
      if (!problem.code) throw problem;
      if (WAITING.has(problem.code)) {
        put(node, waiting(exam, problem, enter, context, draw));
        return;
      }
      kept.remove(mode);
      if (problem.code === 'attempt_open' && problem.attempt) {
        const on = await sure({ title: t('attempt_open.title'), text: t('attempt_open.text'), yes: t('exam.resume'), danger: false });
        if (on) await context.go(`/attempts/${problem.attempt}`);
        return;
      }
      const told = trouble(problem);
      node.querySelectorAll('.start-trouble').forEach((old) => old.remove());
      told.classList.add('start-trouble');
      node.children[0].after(told);
      told.setAttribute('tabindex', '-1');
      told.focus();
    }
  }
  draw();
  return { node, title: exam.title };
}

/** With a practice open the exam may begin: the practice gives way. */
function startable(exam, own) {
  const now = Date.parse(exam.server_time);
  return now >= Date.parse(exam.opens_at) && now < Date.parse(exam.closes_at) && exam.attempts_left !== 0
    && !own.some((attempt) => attempt.mode === 'exam' && attempt.passed);
}

function state(exam) {
  if (exam.state === 'passed') return notice('good', t('exam.passed_text', { n: number(exam.hours) }));
  if (exam.state === 'upcoming') return notice('info', t('next.opens', { time: moment(exam.opens_at) }));
  if (exam.state === 'closed') return notice('warn', t('exam.closed_text', { time: moment(exam.closes_at) }));
  if (exam.state === 'exhausted') return notice('warn', t('exam.exhausted_text'));
  return null;
}

/** Looked at here and told in words; nothing of it forbids the start. */
function device(exam, heard) {
  const list = h('ul', { class: 'checks', 'aria-live': 'polite' });
  const line = (kind, words) => h('li', { class: kind }, h('span', { class: 'mark', 'aria-hidden': 'true' }, { good: '✓', warn: '!', bad: '✕', wait: '…' }[kind]), h('span', {}, words));
  const network = line('wait', t('device.network_wait'));
  const off = Math.abs(heard - Date.parse(exam.server_time));
  list.append(network,
    durable() ? line('good', t('device.storage_good')) : line('warn', t('device.storage_bad')),
    off > CLOCK_OFF_MS ? line('warn', t('device.clock_off', { time: span(off) })) : line('good', t('device.clock_good')),
    Math.min(window.innerWidth, window.innerHeight) < 320 ? line('warn', t('device.screen_small')) : line('good', t('device.screen_good')));
  (async () => {
    try {
      const times = [];
      for (let round = 0; round < 3; round += 1) {
        const before = performance.now();
        await get('/healthz', { timeoutMs: 8000 });
        times.push(performance.now() - before);
      }
      const ms = Math.round(Math.min(...times));
      network.replaceWith(ms > NETWORK_SLOW_MS ? line('warn', t('device.network_slow', { ms })) : line('good', t('device.network_good', { ms })));
    } catch {
      network.replaceWith(line('bad', t('device.network_bad')));
    }
  })();
  return list;
}

/** The house is full: the same start is tried again when the server said, until it is let in or the person leaves. */
function waiting(exam, first, enter, context, back) {
  const big = h('p', { class: 'big', role: 'timer', 'aria-live': 'off' });
  const words = h('p', { role: 'status' });
  const place = h('p', { class: 'quiet' });
  let stopped = false;
  context.signal.addEventListener('abort', () => { stopped = true; }, { once: true });
  let round = 0;
  // The place in the line; it holds at another server and after a restart.
  let ticket;
  const wait = async (problem) => {
    round += 1;
    ticket = problem.ticket || ticket;
    put(words, t(`wait.${problem.code}`));
    put(place, Number.isInteger(problem.position) ? t('wait.position', { n: problem.position }) : t('wait.rounds', { n: round }));
    const until = Date.now() + (problem.retryAfterMs || 2000);
    while (Date.now() < until && !stopped) {
      put(big, String(Math.max(1, Math.ceil((until - Date.now()) / 1000))));
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
    if (stopped) return;
    put(big, '…');
    try {
      await enter(ticket);
    } catch (next) {
      if (stopped) return;
      if (WAITING.has(next.code)) {
        await wait(next);
      } else {
        back();
        document.querySelector('.page-head').after(trouble(next));
      }
    }
  };
  wait(first);
  return h('div', { class: 'wait card' }, h('h1', { tabindex: '-1' }, t('wait.title')), h('p', {}, exam.title), big, words, place,
    h('p', { class: 'small quiet' }, t('wait.text')),
    button(t('wait.leave'), () => { stopped = true; back(); }));
}

