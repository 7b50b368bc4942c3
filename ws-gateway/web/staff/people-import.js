// People from a workbook: the template, a preview of every row, and adding exactly what was previewed.
import { call } from '../core/api.js';
import { dialog } from '../core/dialog.js';
import { h, put } from '../core/dom.js';
import { half, number, t } from '../core/i18n.js';
import { badge, button, fileButton, notice, table, trouble, working } from '../core/parts.js';

/** Thousands of passwords take their time to be hashed. */
const COMMIT_MS = 600000;
const UPLOAD_MS = 60000;
const GOOD_SHOWN = 20;
const BAD_SHOWN = 500;

/** A word that a narrow column must not break into its characters. */
const short = (words) => h('span', { class: 'nowrap' }, words || '—');

/** `true` if people were added. */
export function importPeople() {
  let added = false;
  return dialog({ title: t('roster.title'), wide: true, build: (close) => {
    const out = h('div', { class: 'stack', 'aria-live': 'polite' });
    const { input, element: chooser } = fileButton(t('roster.file'), { accept: '.xlsx,.csv' });
    const form = (values) => {
      const body = new FormData();
      body.append('file', input.files[0]);
      Object.entries(values).forEach(([name, value]) => body.append(name, value));
      return body;
    };
    const check = async () => {
      if (!input.files.length) {
        put(out, notice('warn', t('import.choose')));
        return;
      }
      try {
        show(await call('POST', 'people/imports', form({ dry_run: 'true' }), { timeoutMs: UPLOAD_MS }));
      } catch (problem) {
        problem.errors = (problem.errors || []).map((error) => ({ pointer: '', detail: error.detail }));
        put(out, trouble(problem));
      }
    };
    input.addEventListener('change', check);
    const show = (preview) => {
      const bad = preview.rows.filter((row) => row.errors.length);
      const good = preview.rows.filter((row) => !row.errors.length);
      put(out,
        notice(bad.length ? 'warn' : 'good', h('p', { class: 'notice-title' }, t('roster.would', { n: number(preview.accepted) })), bad.length > 0 && h('p', {}, t('roster.refused', { n: number(bad.length) }))),
        bad.length > 0 && h('h3', {}, t('roster.errors')),
        bad.length > 0 && table(t('roster.errors'), [t('roster.row'), t('username'), t('people.name'), t('import.message')], bad.slice(0, BAD_SHOWN).map((row) => [
          String(row.row), short(row.username), short(row.name), h('ul', { class: 'plain-list' }, row.errors.map((error) => h('li', {}, error.column && [badge(error.column, 'bad'), ' '], half(error.detail))))])),
        bad.length > BAD_SHOWN && h('p', { class: 'quiet' }, t('import.first', { n: number(BAD_SHOWN), all: number(bad.length) })),
        good.length > 0 && h('h3', {}, t('roster.good')),
        good.length > 0 && table(t('roster.good'), [t('roster.row'), t('username'), t('people.name'), t('home.id_number'), t('home.unit'), t('home.roles')], good.slice(0, GOOD_SHOWN).map((row) => [
          String(row.row), short(row.username), short(row.name), short(row.id_number), short(row.unit), row.roles.map((role) => t(`role.${role}`)).join(t('comma'))])),
        good.length > GOOD_SHOWN && h('p', { class: 'quiet' }, t('import.first', { n: number(GOOD_SHOWN), all: number(good.length) })),
        good.length > 0 && h('p', {}, working(t('roster.go', { n: number(good.length) }), () => commit(preview.digest))));
    };
    const commit = async (digest) => {
      try {
        const response = await call('POST', 'people/imports', form({ dry_run: 'false', digest }), { timeoutMs: COMMIT_MS, raw: true });
        const created = Number(response.headers.get('x-keju-created'));
        const url = URL.createObjectURL(await response.blob());
        added = true;
        const save = h('a', { class: 'button primary', href: url, download: 'keju-passwords.xlsx' }, t('roster.passwords'));
        put(out, notice('good', h('p', { class: 'notice-title' }, t('roster.did', { n: number(created) })), h('p', {}, t('roster.once'))), h('p', {}, save));
        save.click();
      } catch (problem) {
        put(out, trouble(problem, check));
      }
    };
    return h('div', { class: 'stack' }, h('p', {}, t('roster.text')),
      h('div', { class: 'row row-start' }, h('a', { class: 'button', href: '/api/v1/templates/people.xlsx', download: '' }, t('roster.template')), chooser, working(t('import.check'), check, '')), out,
      h('div', { class: 'actions' }, button(t('close'), () => close(added))));
  } }).then((result) => result || added);
}
