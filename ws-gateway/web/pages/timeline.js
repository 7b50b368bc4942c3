// An attempt's whole log, in words, and the acts a proctor may do.
import { get } from '../core/api.js';
import { h, put } from '../core/dom.js';
import { clock, half, has, moment, number, t } from '../core/i18n.js';
import { badge, button, facts, head, link, notice, section, working } from '../core/parts.js';
import { act, actions } from '../staff/act.js';
import { openCase } from '../staff/case.js';
import { STATES } from './console.js';

const KINDS = {
  started: 'info', flagged: 'bad', warned: 'warn', paused: 'warn', resumed: 'info', extended: 'info', terminated: 'bad',
  submitted: 'good', expired: 'warn', graded: 'good', hours_granted: 'good', regraded: 'info',
  case_opened: 'warn', case_decided: 'info', hours_taken_back: 'bad',
};
/** What there is too much of to see the rest. */
const ORDINARY = new Set(['answered', 'signalled', 'origin']);

export default async function page(context) {
  const { exam, attempt } = context.params;
  const [log, rules] = await Promise.all([get(`attempts/${attempt}/timeline`), get(`exams/${exam}`)]);
  const list = h('ol', { class: 'timeline' });
  let whole = false;
  const draw = () => put(list, log.events.filter((event) => whole || !ORDINARY.has(event.event.t)).map(line));
  draw();
  const session = { attempt, learner_name: log.learner_name, state: log.state };
  const first = log.events[0];
  const deadline = log.events.reduce((latest, event) => event.event.deadline || latest, null);
  const toggle = h('input', { type: 'checkbox', onchange: (event) => { whole = event.target.checked; draw(); } });
  return {
    title: log.learner_name,
    node: h('div', { class: 'column' },
      head(log.learner_name, {
        back: [`/proctor/${exam}`, rules.title],
        actions: [badge(t(`attempt.${log.state}`), STATES[log.state]), working(t('refresh'), () => context.again(), '')],
      }),
      h('div', { class: 'card stack' },
        facts([
          first && [t('history.started'), moment(first.at)],
          deadline && [t('timeline.deadline'), moment(deadline)],
          [t('timeline.score'), number(log.integrity_score)],
          [t('timeline.flags'), number(log.flags)],
          [t('timeline.events'), number(log.events.length)],
        ]),
        h('div', { class: 'actions' }, actions(log.state).map((action) =>
          button(t(`act.${action}`), async () => { if (await act(session, action)) context.again(); }, action === 'terminate' ? 'danger' : '')),
        log.case ? link(`/cases/${log.attempt}`, t('case.look_state', { state: t(`case.state.${log.case}`) }), 'button')
          : log.mode === 'exam' && button(t('case.open'), async () => { if (await openCase(attempt, log.learner_name)) context.again(); }, ''))),
      h('div', { class: 'section' }, notice('info', t('timeline.hint'))),
      section(t('timeline.title'), h('label', { class: 'check' }, toggle, h('span', {}, t('timeline.all'))), list)),
  };
}

function line(event) {
  const { t: kind } = event.event;
  return h('li', { class: KINDS[kind] || '' },
    h('p', { class: 'when' }, `${clock(event.at)} · #${event.seq} · ${event.actor ? event.actor_name || t('timeline.somebody') : t('timeline.server')}`),
    h('p', {}, words(event.event)),
    event.event.reason && h('p', { class: 'quiet' }, kind === 'flagged' ? half(event.event.reason) : t('timeline.reason', { words: event.event.reason })));
}

function words(event) {
  const key = `event.${event.t}`;
  const values = {
    slot: event.slot, minutes: event.minutes, score: event.score, hours: event.hours, weight: event.weight,
    deadline: event.deadline ? clock(event.deadline) : '',
    kind: event.kind ? (has(`signal.${event.kind}`) ? t(`signal.${event.kind}`) : has(`flag.${event.kind}`) ? t(`flag.${event.kind}`) : event.kind) : '',
    address: event.address || '',
  };
  if (event.t === 'case_decided') return t(`case.decided.${event.decision}`);
  if (event.t === 'answered' && event.response === null) return t('event.cleared', values);
  if (event.t === 'answered' && event.offline) return t('event.answered_offline', values);
  if (event.t === 'graded') return t(event.passed ? 'event.graded_passed' : 'event.graded', values);
  return has(key) ? t(key, values) : event.t;
}
