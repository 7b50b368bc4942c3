// People: who may sign in, as what; for administrators adding one or many, and letting somebody in or not.
import { all, post, putTo } from '../core/api.js';
import { dialog, sure, toast } from '../core/dialog.js';
import { h, put } from '../core/dom.js';
import { half, number, t } from '../core/i18n.js';
import { badge, button, empty, field, fileButton, head, notice, select, table, trouble, working } from '../core/parts.js';
import { is, me } from '../core/session.js';
import { download, readPeople } from '../staff/csv.js';
import { importPeople } from '../staff/people-import.js';
import { ROLES, roleChoice } from '../staff/person-editor.js';
import { virtualList } from '../staff/virtual.js';

const MOST = 20000;

export default async function page() {
  let { items, more } = await all('people', {}, MOST);
  const wanted = { text: '', role: '', disabled: '' };
  const told = h('div', { role: 'status' });
  const body = h('div', {});
  const list = virtualList(t('nav.people'), (person) => h('div', {},
    h('div', {}, h('a', { class: 'name', href: `/site/people/${person.id}` }, person.name), h('small', {}, person.username)),
    h('div', {}, person.disabled ? badge(t('people.disabled'), 'bad') : badge(t('people.enabled'), 'good')),
    h('div', { class: 'wide-only small' }, person.roles.map((role) => t(`role.${role}`)).join(t('comma'))),
    h('div', { class: 'wide-only small quiet' }, person.unit_name || person.unit || '', h('small', {}, person.id_number || '')),
    !is('admin') ? h('a', { href: `/site/people/${person.id}`, class: 'button' }, t('people.open')) : person.id === me().id ? h('span', {}) : button(t(person.disabled ? 'people.enable' : 'people.disable'), () => toggle(person), '', { 'aria-label': t(person.disabled ? 'people.enable_one' : 'people.disable_one', { name: person.name }) })));

  const reload = async () => {
    ({ items, more } = await all('people', {}, MOST));
    draw();
  };
  const toggle = async (person) => {
    const disabled = !person.disabled;
    if (disabled && !(await sure({ title: t('people.disable'), text: t('people.disable_text', { name: person.name }), yes: t('people.disable') }))) return;
    try {
      await putTo(`people/${person.id}/disabled`, { disabled });
      toast(t(disabled ? 'people.disabled_now' : 'people.enabled_now', { name: person.name }));
      await reload();
    } catch (problem) {
      put(told, trouble(problem));
    }
  };
  const draw = () => {
    const shown = items.filter((person) => (!wanted.role || person.roles.includes(wanted.role))
      && (!wanted.disabled || String(person.disabled) === wanted.disabled)
      && (!wanted.text || person.name.includes(wanted.text) || person.username.includes(wanted.text) || (person.unit || '').includes(wanted.text) || (person.unit_name || '').includes(wanted.text)));
    put(told, h('p', { class: 'small quiet' }, t('people.shown', { n: number(shown.length), all: number(items.length) }), more ? ` ${t('people.more')}` : ''));
    if (!shown.length) put(body, empty(t('console.none_fit'), t('console.none_fit_text')));
    else {
      if (!body.contains(list.element)) put(body, list.element);
      list.show(shown);
    }
  };
  const filters = h('div', { class: 'filters' },
    field(t('people.search'), h('input', { type: 'search', oninput: (event) => { wanted.text = event.target.value.trim(); draw(); } })),
    field(t('home.roles'), select([['', t('all')], ...ROLES.map((role) => [role, t(`role.${role}`)])], '', { onchange: (event) => { wanted.role = event.target.value; draw(); } })),
    field(t('people.state'), select([['', t('all')], ['false', t('people.enabled')], ['true', t('people.disabled')]], '', { onchange: (event) => { wanted.disabled = event.target.value; draw(); } })));
  draw();
  return {
    title: t('nav.people'),
    node: h('div', {},
      head(t('nav.people'), { lead: t('people.lead'), actions: [
        h('a', { class: 'button', href: '/api/v1/people/export', download: '' }, t('download.xlsx')),
        is('admin') && button(t('people.import'), async () => { if (await importPeople()) await reload(); }),
        is('admin') && button(t('people.add_many'), async () => { if (await addMany()) await reload(); }),
        is('admin') && button(t('people.add'), async () => { if (await addOne()) await reload(); }, 'primary'),
      ] }), filters, told, body),
  };
}

function addOne() {
  return dialog({ title: t('people.add'), build: (close) => {
    const values = { username: '', name: '', unit: '', id_number: '', roles: ['learner'] };
    const bind = (name) => (event) => { values[name] = event.target.value.trim(); };
    const told = h('div', { class: 'stack' });
    const lines = {
      username: field(t('username'), h('input', { autocomplete: 'off', autocapitalize: 'none', spellcheck: 'false', autofocus: true, oninput: bind('username') })),
      name: field(t('people.name'), h('input', { autocomplete: 'off', oninput: bind('name') })),
      unit: field(t('home.unit'), h('input', { autocomplete: 'off', oninput: bind('unit') })),
      id_number: field(t('home.id_number'), h('input', { autocomplete: 'off', inputmode: 'text', maxlength: 18, oninput: bind('id_number') })),
    };
    const roles = roleChoice(values.roles, (next) => { values.roles = next; });
    const form = h('form', { class: 'form', onsubmit: (event) => { event.preventDefault(); send.click(); } });
    const send = working(t('people.add'), async () => {
      put(told);
      Object.values(lines).forEach((line) => line.fault(''));
      try {
        const result = await post('people', { people: [clean(values)] });
        if (result.refused.length) {
          const left = [];
          result.refused[0].errors.forEach((error) => {
            const line = lines[error.pointer.split('/').pop()];
            if (line) line.fault(half(error.detail));
            else left.push(half(error.detail));
          });
          if (left.length) put(told, notice('bad', left.join(t('stop'))));
          return;
        }
        const [made] = result.people;
        put(form, notice('good', h('p', { class: 'notice-title' }, t('people.added', { name: values.name })),
          made.password && h('p', {}, t('people.password'), h('code', {}, made.password)), made.password && h('p', {}, t('people.password_once'))),
        h('div', { class: 'actions' }, button(t('close'), () => close(true), 'primary')));
      } catch (problem) {
        put(told, trouble(problem));
      }
    });
    form.append(told, h('div', { class: 'form-grid' }, Object.values(lines)), roles, h('p', { class: 'hint' }, t('people.password_hint')), h('div', { class: 'actions' }, send, button(t('cancel'), () => close())));
    return form;
  } });
}

const clean = ({ username, name, roles, unit, id_number: idNumber, password }) => ({
  username, name, roles, ...(unit ? { unit } : {}), ...(idNumber ? { id_number: idNumber } : {}), ...(password ? { password } : {}),
});

function addMany() {
  let added = false;
  return dialog({ title: t('people.add_many'), wide: true, build: (close) => {
    const text = h('textarea', { rows: 8, spellcheck: 'false', placeholder: 'zhang3,张三,learner,单位A' });
    const { input: file, element: chooser } = fileButton(t('people.file'), { accept: '.csv,.txt' });
    file.addEventListener('change', async () => { if (file.files.length) { text.value = await file.files[0].text(); preview(); } });
    const out = h('div', { class: 'stack', 'aria-live': 'polite' });
    let people = [];
    const preview = () => {
      people = readPeople(text.value);
      put(out, people.length ? [
        h('p', {}, t('people.read', { n: number(people.length) })),
        table(t('people.preview'), [t('username'), t('people.name'), t('home.roles'), t('home.unit')], people.slice(0, 20).map((one) => [one.username, one.name, one.roles.join(' '), one.unit || ''])),
        people.length > 20 && h('p', { class: 'quiet' }, t('import.first', { n: 20, all: number(people.length) })),
        h('p', {}, working(t('people.add_n', { n: number(people.length) }), send)),
      ] : notice('warn', t('people.nothing')));
    };
    const send = async () => {
      try {
        const result = await post('people', { people: people.map(clean) }, { timeoutMs: 120000 });
        added = added || result.created > 0;
        const names = new Map(people.map((one) => [one.username, one.name]));
        put(out, notice(result.refused.length ? 'warn' : 'good', h('p', { class: 'notice-title' }, t('people.result', { n: number(result.created), m: number(result.refused.length) })),
          result.people.some((one) => one.password) && h('p', {}, t('people.password_once'))),
        result.people.some((one) => one.password) && h('p', {}, button(t('people.download'), () => download('keju-passwords.csv', [
          [t('username'), t('people.name'), t('password')], ...result.people.map((one) => [one.username, names.get(one.username), one.password])]), 'primary')),
        result.refused.length > 0 && table(t('people.refused'), [t('import.place'), t('username'), t('import.message')],
          result.refused.map((one) => [String(one.index + 1), one.username, one.errors.map((error) => half(error.detail)).join(t('stop'))])));
      } catch (problem) {
        put(out, trouble(problem));
      }
    };
    return h('div', { class: 'stack' }, h('p', {}, t('people.many_text')), h('p', { class: 'hint' }, t('people.columns')),
      field(t('people.rows'), text), h('div', { class: 'row row-start' }, chooser, working(t('people.check'), async () => preview(), '')), out,
      h('div', { class: 'actions' }, button(t('close'), () => close(added))));
  } }).then((result) => result || added);
}
