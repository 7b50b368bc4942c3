// What a person is here: name, unit, roles. Used for those who are there already.
import { all, putTo } from '../core/api.js';
import { dialog } from '../core/dialog.js';
import { h, put } from '../core/dom.js';
import { t } from '../core/i18n.js';
import { button, field, notice, trouble, working } from '../core/parts.js';
import { me } from '../core/session.js';

export const ROLES = ['learner', 'author', 'proctor', 'unit_admin', 'district_admin', 'city_admin', 'admin', 'operator'];
const UNITS_MOST = 20000;

/** Boxes to tick, one for each role; `change(roles)` is told all that are ticked. `locked` ones stay as they are. */
export function roleChoice(chosen, change, locked = []) {
  let roles = ROLES.filter((role) => chosen.includes(role));
  return h('fieldset', {}, h('legend', {}, t('home.roles')), h('div', { class: 'form-grid' }, ROLES.map((role) => h('label', { class: 'check' },
    h('input', { type: 'checkbox', value: role, checked: roles.includes(role), disabled: locked.includes(role), onchange: (event) => {
      roles = ROLES.filter((one) => (one === role ? event.target.checked : roles.includes(one)));
      change(roles);
    } }), h('span', {}, t(`role.${role}`))))));
}

/** `true` when it was changed. */
export async function editPerson(person) {
  const { items } = await all('units', {}, UNITS_MOST);
  return (await dialog({ title: t('person.edit_title', { name: person.name }), build: (close) => form(person, items, close) })) === true;
}

function form(person, units, close) {
  const values = { name: person.name, unit: person.unit || '', roles: person.roles };
  const told = h('div', {});
  const codes = new Set(units.map((unit) => unit.code));
  const choice = h('select', { onchange: (event) => { values.unit = event.target.value; } },
    h('option', { value: '' }, t('person.no_unit')),
    // A code that is in no tree was given when the person was added; it may stay.
    values.unit && !codes.has(values.unit) && h('option', { value: values.unit, selected: true }, values.unit),
    units.map((unit) => h('option', { value: unit.code, selected: unit.code === values.unit }, `${unit.name}（${unit.code}）`)));
  const lines = {
    name: field(t('people.name'), h('input', { autocomplete: 'off', value: values.name, autofocus: true, oninput: (event) => { values.name = event.target.value.trim(); } })),
    unit: field(t('home.unit'), choice),
  };
  const own = person.id === me().id;
  const roles = roleChoice(values.roles, (next) => { values.roles = next; }, own && person.roles.includes('admin') ? ['admin'] : []);
  const send = working(t('person.save'), async () => {
    put(told);
    Object.values(lines).forEach((line) => line.fault(''));
    try {
      await putTo(`people/${person.id}`, { ...values, unit: values.unit || null });
      close(true);
    } catch (problem) {
      const left = (problem.errors || []).filter((error) => {
        const line = lines[error.pointer.slice(1)];
        if (line) line.fault(error.detail);
        return !line;
      });
      if (left.length) put(told, notice('bad', left.map((error) => h('p', {}, error.detail))));
      else if (!(problem.errors || []).length) put(told, trouble(problem));
    }
  });
  return h('form', { class: 'form', onsubmit: (event) => { event.preventDefault(); send.click(); } }, told,
    h('div', { class: 'form-grid' }, Object.values(lines)), roles,
    h('p', { class: 'hint' }, t(own ? 'person.own_hint' : 'person.edit_hint')),
    h('div', { class: 'actions' }, send, button(t('cancel'), () => close())));
}
