// One person's year, for those who oversee them: hours per bucket, every entry and where it came from; and, for
// administrators, what the person is here.
import { get, post, query } from '../core/api.js';
import { dialog, sure, toast } from '../core/dialog.js';
import { h, put } from '../core/dom.js';
import { moment, number, t, thisYear } from '../core/i18n.js';
import { badge, button, empty, facts, field, head, link, notice, section, select, subjectHours, table, trouble } from '../core/parts.js';
import { is, me } from '../core/session.js';
import { editPerson } from '../staff/person-editor.js';

const YEARS_BACK = 8;

export default async function page(context) {
  const { person: id } = context.params;
  const year = Number(context.query.get('year')) || thisYear();
  const found = await get(query(`people/${id}/hours`, { year }));
  const { person } = found;
  const told = h('div', {});
  const years = [...new Set([year, ...Array.from({ length: YEARS_BACK }, (_, back) => thisYear() - back)])].sort((one, two) => two - one);
  return {
    title: person.name,
    node: h('div', {},
      head(person.name, { back: ['/site/people', t('nav.people')], actions: [person.disabled && badge(t('people.disabled'), 'bad'), ...manage(person, context, told)] }),
      told,
      h('div', { class: 'card' }, facts([
        [t('username'), person.username], [t('home.roles'), person.roles.map((role) => t(`role.${role}`)).join(t('comma'))],
        [t('home.unit'), person.unit_name ? `${person.unit_name}（${person.unit}）` : person.unit || '—'], [t('home.id_number'), person.id_number || '—'],
      ])),
      section(t('person.hours', { year }),
        h('div', { class: 'filters' }, field(t('credit_year'), select(years.map((one) => [String(one), String(one)]), String(year), { onchange: (event) => context.go(query(context.path, { year: event.target.value }), { replace: true }) }))),
        h('div', { class: 'card' },
          h('p', {}, found.qualified ? badge(t('year.qualified'), 'good') : badge(t('year.not_qualified'), 'warn'), ' ',
            h('span', { class: 'figures' }, t('person.total', { done: number(found.earned.total), all: number(found.required.total) }))),
          h('div', { class: 'year-subjects section' }, ['public', 'professional'].map((subject) => subjectHours(subject, found.earned[subject], found.required[subject]))))),
      section(t('year.entries'), found.entries.length ? table(t('year.entries'),
        [t('course'), t('year.bucket'), t('hours'), t('year.at'), t('year.source'), t('person.by')],
        found.entries.map((entry) => [
          h('span', {}, entry.course_title, !entry.released && [' ', badge(t('person.unreleased'), 'warn')]), h('span', { class: 'nowrap' }, t(`bucket.${entry.subject}.${entry.bucket}`)), number(entry.hours), moment(entry.at), source(entry),
          entry.by || t('person.by_rules')])) : empty(t('year.no_entries'), t('person.no_entries'))),
      is('admin') && h('p', { class: 'hint section' }, t('person.hint'))),
  };
}

/** What an administrator may do with a person; with themselves, what cannot shut them out. */
function manage(person, context, told) {
  if (!is('admin')) return [];
  const edit = button(t('person.edit'), async () => {
    if (!(await editPerson(person))) return;
    // What one may do oneself is in the frame as well.
    if (person.id === me().id) {
      location.reload();
      return;
    }
    toast(t('person.changed', { name: person.name }));
    await context.again();
  }, 'primary');
  const renew = async () => {
    if (!(await sure({ title: t('person.renew'), text: t('person.renew_text', { name: person.name }), yes: t('person.renew') }))) return;
    put(told);
    try {
      const { password } = await post(`people/${person.id}/password`);
      await dialog({ title: t('person.renew'), body: notice('good', h('p', {}, t('people.password'), h('code', {}, password)), h('p', {}, t('people.password_once'))), actions: [{ label: t('close'), value: true, style: 'primary' }] });
    } catch (problem) {
      put(told, trouble(problem));
    }
  };
  return person.id === me().id ? [edit] : [button(t('person.renew'), renew), edit];
}

function source(entry) {
  const words = entry.source.attempt ? t('person.attempt', { exam: entry.source_title, n: entry.number || '?' }) : `${t(`source.${entry.source.kind}`)} ${entry.source_title}`;
  return h('span', {}, words, entry.closed_at && h('small', { class: 'quiet' }, ` ${moment(entry.closed_at)}`));
}
