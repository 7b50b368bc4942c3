// One person's year, for those who oversee them: hours per bucket, every entry and where it came from.
import { get, query } from '../core/api.js';
import { h } from '../core/dom.js';
import { moment, number, t, thisYear } from '../core/i18n.js';
import { badge, empty, facts, field, head, link, section, select, subjectHours, table } from '../core/parts.js';
import { is } from '../core/session.js';

const YEARS_BACK = 8;

export default async function page(context) {
  const { person: id } = context.params;
  const year = Number(context.query.get('year')) || thisYear();
  const found = await get(query(`people/${id}/hours`, { year }));
  const { person } = found;
  const years = [...new Set([year, ...Array.from({ length: YEARS_BACK }, (_, back) => thisYear() - back)])].sort((one, two) => two - one);
  return {
    title: person.name,
    node: h('div', {},
      head(person.name, { back: ['/site/people', t('nav.people')], actions: person.disabled && badge(t('people.disabled'), 'bad') }),
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

function source(entry) {
  const words = entry.source.attempt ? t('person.attempt', { exam: entry.source_title, n: entry.number || '?' }) : `${t(`source.${entry.source.kind}`)} ${entry.source_title}`;
  return h('span', {}, words, entry.closed_at && h('small', { class: 'quiet' }, ` ${moment(entry.closed_at)}`));
}
