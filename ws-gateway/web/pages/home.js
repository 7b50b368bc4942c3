// One's own account: who one is here, and one's password.
import { h } from '../core/dom.js';
import { t } from '../core/i18n.js';
import { facts, head, link, notice, section } from '../core/parts.js';
import { me } from '../core/session.js';
import { entries } from '../core/shell.js';

export default async function page() {
  const person = me();
  const list = entries();
  return {
    title: t('home.title'),
    node: h('div', { class: 'column' },
      head(person.name),
      h('div', { class: 'card' }, facts([
        [t('username'), person.username],
        [t('home.roles'), person.roles.map((role) => t(`role.${role}`)).join(t('comma'))],
        person.unit && [t('home.unit'), person.unit],
        person.id_number && [t('home.id_number'), person.id_number],
      ])),
      list.length
        ? section(t('home.tasks'), h('div', { class: 'actions' }, list.map(([href, words]) => link(href, words, 'button'))))
        : h('div', { class: 'section' }, notice('info', t('home.nothing_yet'))),
      section(t('home.security'), h('p', {}, link('/password', t('password.change'), 'button')))),
  };
}
