// The attempts that people have to look at, those of the newest attempts first.
import { get, query } from '../core/api.js';
import { h, put } from '../core/dom.js';
import { moment, number, t } from '../core/i18n.js';
import { badge, button, empty, field, head, link, notice, select, table, working } from '../core/parts.js';
import { CASES } from '../staff/case.js';

export default async function page(context) {
  let state = context.query.get('state') ?? 'open';
  let found;
  let items;
  const body = h('div', { class: 'stack' });
  const read = async (after) => {
    found = await get(query('cases', { limit: 50, state, after }));
    items = after ? [...items, ...found.items] : found.items;
    put(body,
      items.length ? table(t('nav.cases'),
        [t('case.learner'), t('exam'), t('case.state'), t('timeline.score'), t('case.opened'), t('history.state'), ''],
        items.map(row)) : empty(t('case.none'), t('case.none_text')),
      found.next && button(t('more'), () => read(found.next)));
  };
  await read();
  const states = [['', t('all')], ...Object.keys(CASES).map((one) => [one, t(`case.state.${one}`)])];
  return {
    title: t('nav.cases'),
    node: h('div', {},
      head(t('nav.cases'), { lead: t('case.lead'), actions: working(t('refresh'), () => context.again(), '') }),
      notice('info', t('case.hint')),
      h('div', { class: 'filters section' }, field(t('case.state'),
        select(states, state, { onchange: (event) => { state = event.target.value; read(); } }))),
      body),
  };
}

function row(one) {
  return [
    one.learner_name, one.exam_title, badge(t(`case.state.${one.state}`), CASES[one.state]),
    t('case.score', { n: number(one.integrity_score), flags: number(one.flags) }), moment(one.opened_at),
    one.passed === null ? t(`attempt.${one.attempt_state}`) : t(one.passed ? 'passed' : 'not_passed'),
    link(`/cases/${one.case}`, t('case.look')),
  ];
}
