// The site's audit log, the latest first.
import { all } from '../core/api.js';
import { h, put } from '../core/dom.js';
import { has, moment, number, t } from '../core/i18n.js';
import { empty, field, head, notice, table, working } from '../core/parts.js';
import { is } from '../core/session.js';

const MOST = 10000;
const SHOWN = 200;

export default async function page(context) {
  const [log, people] = await Promise.all([all('audit', {}, MOST), is('admin') ? all('people', {}, 20000) : { items: [] }]);
  const names = new Map(people.items.map((person) => [person.id, person.name]));
  const records = [...log.items].reverse();
  let text = '';
  const body = h('div', { class: 'stack' });
  const act = (record) => (has(`audit.${record.act}`) ? t(`audit.${record.act}`) : record.act);
  const draw = () => {
    const shown = records.filter((record) => !text || act(record).includes(text) || record.act.includes(text) || record.subject.includes(text) || (names.get(record.actor) || '').includes(text));
    put(body, h('p', { class: 'small quiet', role: 'status' }, t('audit.shown', { n: number(Math.min(shown.length, SHOWN)), all: number(shown.length) })),
      shown.length ? table(t('nav.audit'), ['#', t('audit.at'), t('audit.actor'), t('audit.act'), t('audit.subject')], shown.slice(0, SHOWN).map((record) => [
        String(record.seq), moment(record.at), record.actor ? names.get(record.actor) || h('code', { class: 'small' }, record.actor.slice(0, 8)) : t('timeline.server'),
        act(record), h('code', { class: 'small' }, record.subject)])) : empty(t('console.none_fit'), t('console.none_fit_text')));
  };
  draw();
  return {
    title: t('nav.audit'),
    node: h('div', {}, head(t('nav.audit'), { lead: t('audit.lead'), actions: working(t('refresh'), () => context.again(), '') }),
      log.more && notice('warn', t('audit.more', { n: number(MOST) })),
      h('div', { class: 'filters' }, field(t('audit.search'), h('input', { type: 'search', oninput: (event) => { text = event.target.value.trim(); draw(); } }))), body),
  };
}
