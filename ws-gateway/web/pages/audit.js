// The site's audit log, the latest first, a page at a time.
import { get, query } from '../core/api.js';
import { h, put } from '../core/dom.js';
import { has, moment, number, t } from '../core/i18n.js';
import { empty, field, head, link, table, trouble, working } from '../core/parts.js';

const PAGE = 200;

export default async function page(context) {
  const read = (after) => get(query('audit', { order: 'newest', limit: PAGE, after }));
  let { items: records, next } = await read();
  let text = '';
  const body = h('div', { class: 'stack' });
  const told = h('div', {});
  const act = (record) => (has(`audit.${record.act}`) ? t(`audit.${record.act}`) : record.act);
  const subject = (record) => (record.subject_name ? link(`/site/people/${record.subject}`, record.subject_name) : h('code', { class: 'small' }, record.subject));
  const detail = (record) => (record.detail ? JSON.stringify(record.detail).slice(1, -1).replace(/"(\w+)":/g, ' $1: ').trim() : '');
  const more = working(t('audit.earlier'), async () => {
    put(told);
    try {
      const page = await read(next);
      records = [...records, ...page.items];
      ({ next } = page);
      draw();
    } catch (problem) {
      put(told, trouble(problem));
    }
  }, '');
  const draw = () => {
    const shown = records.filter((record) => !text || [act(record), record.act, record.subject, record.subject_name || '', record.actor_name || '', detail(record)].some((words) => words.includes(text)));
    put(body, h('p', { class: 'small quiet', role: 'status' }, t('audit.shown', { n: number(shown.length), all: number(records.length) })),
      shown.length ? table(t('nav.audit'), ['#', t('audit.at'), t('audit.actor'), t('audit.act'), t('audit.subject')], shown.map((record) => [
        String(record.seq), moment(record.at), record.actor ? record.actor_name || h('code', { class: 'small' }, record.actor.slice(0, 8)) : t('timeline.server'),
        h('div', {}, act(record), record.detail && h('p', { class: 'small quiet' }, h('code', {}, detail(record)))), subject(record)])) : empty(t('console.none_fit'), t('console.none_fit_text')),
      told, next && h('p', {}, more));
  };
  draw();
  return {
    title: t('nav.audit'),
    node: h('div', {}, head(t('nav.audit'), { lead: t('audit.lead'), actions: working(t('refresh'), () => context.again(), '') }),
      h('div', { class: 'filters' }, field(t('audit.search'), h('input', { type: 'search', oninput: (event) => { text = event.target.value.trim(); draw(); } }))), body),
  };
}
