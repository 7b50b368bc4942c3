// A proctor's console: the sessions of an exam, incidents first.
import { get } from '../core/api.js';
import { h, put } from '../core/dom.js';
import { clock, number, t } from '../core/i18n.js';
import { badge, button, empty, field, head, notice, select, skeleton, trouble, working } from '../core/parts.js';
import { act, actions } from '../staff/act.js';
import { Sessions, byUrgency, inPlace, isLive } from '../staff/sessions.js';
import { virtualList } from '../staff/virtual.js';

export const STATES = { open: 'info', paused: 'warn', submitted: 'good', expired: 'plain', terminated: 'bad' };

export default async function page(context) {
  const exam = await get(`exams/${context.params.exam}`);
  const wanted = { state: '', name: '', flagged: false };
  const counts = h('div', { class: 'counts' });
  const told = h('div', {});
  const body = h('div', { class: 'virtual-holder' });
  const list = virtualList(t('console.list'), (session) => row(exam, session, sessions), (session) => session.attempt);
  let order = [];
  let moved = false;
  const sessions = new Sessions(exam.id, { onchange: () => draw(), signal: context.signal });

  const fits = (session) => (!wanted.state || (wanted.state === 'live' ? isLive(session) : session.state === wanted.state))
    && (!wanted.flagged || session.flags > 0)
    && (!wanted.name || session.learner_name.includes(wanted.name));
  const draw = () => {
    const { items } = sessions;
    // Not nobody, but not known yet.
    const many = (which) => (sessions.readAt ? items.filter(which).length : null);
    put(counts,
      count(many((one) => one.state === 'open'), t('console.live')),
      count(many((one) => one.state === 'paused'), t('console.paused')),
      count(many((one) => one.flags > 0 && isLive(one)), t('console.incidents'), 'bad'),
      count(many((one) => !isLive(one)), t('console.over')),
      count(many(() => true), t('console.all')));
    put(told, sessions.problem ? trouble(sessions.problem, () => sessions.refresh())
      : h('p', { class: 'small quiet told' }, sessions.live ? badge(t('console.streaming'), 'good') : '', sessions.live ? ' ' : '',
        sessions.busy ? t('loading') : sessions.readAt ? t('console.as_of', { time: clock(sessions.readAt) }) : '',
        sessions.more ? ` ${t('console.more')}` : ''));
    const held = list.element.matches(':hover') || list.element.contains(document.activeElement);
    const shown = held && !moved ? inPlace(items.filter(fits), order) : items.filter(fits).sort(byUrgency);
    moved = false;
    order = shown.map((session) => session.attempt);
    if (!sessions.readAt) {
      put(body, sessions.problem ? null : skeleton(5));
    } else if (!shown.length) {
      put(body, items.length ? empty(t('console.none_fit'), t('console.none_fit_text')) : empty(t('console.none'), t('console.none_text')));
    } else {
      if (!body.contains(list.element)) put(body, list.element);
      list.show(shown);
    }
  };
  const filters = h('div', { class: 'filters' },
    field(t('console.state'), select([['', t('all')], ['live', t('console.live_all')], ...Object.keys(STATES).map((state) => [state, t(`attempt.${state}`)])], '',
      { onchange: (event) => { wanted.state = event.target.value; moved = true; draw(); } })),
    field(t('console.name'), h('input', { type: 'search', oninput: (event) => { wanted.name = event.target.value.trim(); moved = true; draw(); } })),
    h('label', { class: 'check' }, h('input', { type: 'checkbox', onchange: (event) => { wanted.flagged = event.target.checked; moved = true; draw(); } }), h('span', {}, t('console.flagged'))));
  list.element.addEventListener('mouseleave', () => draw());
  draw();
  return {
    title: exam.title,
    node: h('div', {},
      head(exam.title, { back: ['/proctor', t('nav.proctor')], actions: working(t('refresh'), () => sessions.refresh(), '') }),
      counts, notice('info', t('console.hint')), h('div', { class: 'section' }, filters), told, body),
  };
}

const count = (value, words, kind = '') => h('div', { class: `count ${value ? kind : ''}` }, h('strong', {}, value === null ? '—' : number(value)), h('span', {}, words));

function row(exam, session, sessions) {
  const possible = actions(session.state);
  return h('div', { class: session.flags ? 'flagged' : null },
    h('div', {}, h('a', { class: 'name', href: `/proctor/${exam.id}/${session.attempt}` }, session.learner_name),
      h('small', {}, t('console.started', { time: clock(session.started_at), n: session.number }))),
    h('div', { class: 'wide-only' }, badge(t(`attempt.${session.state}`), STATES[session.state])),
    h('div', { class: 'wide-only' }, t('console.answered', { n: session.answered, all: exam.questions }),
      h('small', {}, session.last_at ? t('console.last', { time: clock(session.last_at) }) : t('console.deadline', { time: clock(session.deadline) }))),
    h('div', {}, session.flags ? h('span', {}, badge(t('console.score', { n: session.integrity_score }), 'bad'))
      : h('span', { class: 'quiet small' }, t('console.no_flags')),
      h('small', {}, [session.flags ? t('console.flags', { n: session.flags }) : '', session.focus_losses ? t('console.focus', { n: session.focus_losses }) : ''].filter(Boolean).join(t('comma')))),
    possible.length ? button(t('console.act'), async () => { if (await act(session) && !sessions.live) sessions.refresh(); }, '', { 'aria-label': t('console.act_on', { name: session.learner_name }) })
      : h('span', {}));
}
