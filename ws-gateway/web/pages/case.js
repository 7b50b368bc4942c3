// One case: what was noticed, in words; what proctors did; what was decided; and the decision.
import { get } from '../core/api.js';
import { h } from '../core/dom.js';
import { clock, half, moment, number, t } from '../core/i18n.js';
import { badge, empty, facts, head, link, notice, section, table, working } from '../core/parts.js';
import { is } from '../core/session.js';
import { CASES, decisionForm, openCase } from '../staff/case.js';
import { STATES } from './console.js';

export default async function page(context) {
  const one = await get(`cases/${context.params.case}`);
  const decided = one.state === 'cleared' || one.state === 'confirmed';
  const log = is('proctor', 'admin') && link(`/proctor/${one.exam}/${one.attempt}`, t('case.timeline'), 'button');
  const again = decided && is('admin', 'city_admin')
    && working(t('case.reopen'), async () => { if (await openCase(one.attempt, one.learner_name, true)) context.again(); }, 'plain');
  return {
    title: one.learner_name,
    node: h('div', { class: 'column' },
      head(one.learner_name, {
        back: ['/cases', t('nav.cases')], lead: one.exam_title,
        actions: [badge(t(`case.state.${one.state}`), CASES[one.state]), working(t('refresh'), () => context.again(), '')],
      }),
      h('div', { class: 'card stack' }, facts([
        [t('case.cause'), cause(one.cause)],
        [t('case.opened'), moment(one.opened_at)],
        [t('history.started'), moment(one.started_at)],
        [t('case.attempt'), badge(t(`attempt.${one.attempt_state}`), STATES[one.attempt_state])],
        one.score !== null && [t('history.score'), `${number(one.score)} / ${number(one.max_score)}`],
        one.passed !== null && [t('history.state'), t(one.passed ? 'passed' : 'not_passed')],
        [t('hours'), number(one.hours_granted)],
        [t('timeline.score'), number(one.integrity_score)],
      ]), h('div', { class: 'actions' }, log, again)),
      h('div', { class: 'section' }, notice('info', t('case.hint'))),
      section(t('case.evidence'), one.flags.length ? groups(one.flags) : empty(t('case.no_flags'))),
      one.origins.length > 1 && section(t('case.origins'), h('p', { class: 'quiet' }, t('case.origins_text')), table(t('case.origins'),
        [t('case.from'), t('case.address'), t('case.browser'), t('case.device')],
        one.origins.map((origin) => [clock(origin.at), origin.address, sign(origin.agent), sign(origin.device)]))),
      one.acts.length > 0 && section(t('case.acts'), h('ol', { class: 'timeline' }, one.acts.map((act) => h('li', { class: 'warn' },
        h('p', { class: 'when' }, `${moment(act.at)} · ${act.by_name || t('timeline.server')}`),
        h('p', {}, t(`act.${act.action}`)), h('p', { class: 'quiet' }, t('timeline.reason', { words: act.reason })))))),
      one.decisions.length > 0 && section(t('case.decisions'), h('ol', { class: 'timeline' }, one.decisions.map(decision))),
      one.decidable ? section(t('case.decide'), h('div', { class: 'card' }, decisionForm(one, () => context.again())))
        : !decided && h('div', { class: 'section' }, notice('info', why(one)))),
  };
}

/** Why there is no form for somebody who came to decide. */
function why(one) {
  if (!one.closed_at) return t('case.still_open');
  return t(one.state === 'second_review' ? 'case.other_person' : 'case.not_yours');
}

function cause(told) {
  return told.kind === 'person' ? t('case.cause.person', { name: told.by_name || t('timeline.somebody'), words: told.reason }) : t(`case.cause.${told.kind}`);
}

/** Digests are long; their beginning tells two apart. */
const sign = (digest) => h('code', { class: 'small' }, digest.slice(0, 8));

/** Flags of a kind together: each kind once with its sum, every single one under it. */
function groups(flags) {
  const kinds = new Map();
  for (const flag of flags) kinds.set(flag.kind, [...(kinds.get(flag.kind) || []), flag]);
  const sum = (list) => list.reduce((all, flag) => all + flag.weight, 0);
  const sorted = [...kinds].sort(([, one], [, two]) => sum(two) - sum(one));
  return h('ul', { class: 'stack evidence' }, sorted.map(([kind, list]) => h('li', { class: 'card' },
    h('details', { open: sorted.length === 1 },
      h('summary', {}, h('strong', {}, t(`flag.${kind}`)), ' ', badge(t('case.kind_sum', { n: number(list.length), weight: number(sum(list)) }), 'warn')),
      h('ol', { class: 'timeline section' }, list.map((flag) => h('li', { class: 'bad' },
        h('p', { class: 'when' }, `${clock(flag.at)} · #${flag.seq} · ${t('case.weight', { n: number(flag.weight) })}${flag.slot ? ` · ${t('case.slot', { n: flag.slot })}` : ''}`),
        h('p', {}, half(flag.reason)))))))));
}

function decision(one) {
  const kind = { cleared: 'good', confirmed: 'bad', second_review: 'warn', reopened: 'info' }[one.decision];
  return h('li', { class: kind },
    h('p', { class: 'when' }, `${moment(one.at)} · #${one.seq} · ${one.by_name || t('timeline.somebody')}`),
    h('p', {}, t(`case.decided.${one.decision}`), one.hours !== 0 && [' ', badge(t(one.hours < 0 ? 'case.hours_taken' : 'case.hours_given', { n: number(Math.abs(one.hours)) }), one.hours < 0 ? 'bad' : 'good')]),
    h('p', { class: 'quiet' }, t('timeline.reason', { words: one.reason })));
}
