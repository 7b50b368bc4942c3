// The tree of units: city, district, unit. Who oversees whom follows from it.
import { all, call, putTo } from '../core/api.js';
import { dialog, sure, toast } from '../core/dialog.js';
import { h, put } from '../core/dom.js';
import { number, t } from '../core/i18n.js';
import { badge, button, empty, field, head, notice, select, table, trouble, working } from '../core/parts.js';
import { is } from '../core/session.js';
import { readRows } from '../staff/csv.js';

const MOST = 20000;
const LEVELS = ['city', 'district', 'unit'];
const STYLES = { city: 'info', district: 'good', unit: 'plain' };
const WORDS = { 市: 'city', 区县: 'district', 区: 'district', 县: 'district', 部门: 'district', 单位: 'unit', city: 'city', district: 'district', unit: 'unit' };
/** Units of one request. */
const BATCH = 5000;

export default async function page(context) {
  const { items } = await all('units', {}, MOST);
  const names = new Map(items.map((unit) => [unit.code, unit.name]));
  let text = '';
  const body = h('div', {});
  const told = h('div', {});
  const holds = new Set(items.map((unit) => unit.parent));
  const remove = async (unit) => {
    if (!(await sure({ title: t('units.remove'), text: t('units.remove_text', { name: unit.name }), yes: t('units.remove') }))) return;
    put(told);
    try {
      await call('DELETE', `units/${encodeURIComponent(unit.code)}`);
      toast(t('units.removed', { name: unit.name }));
      await context.again();
    } catch (problem) {
      put(told, trouble(problem));
      window.scrollTo(0, 0);
    }
  };
  const draw = () => {
    const shown = inOrder(items).filter(({ unit }) => !text || unit.code.includes(text) || unit.name.includes(text));
    put(body, h('p', { class: 'small quiet', role: 'status' }, t('units.shown', { n: number(Math.min(shown.length, 500)), all: number(items.length) })),
      shown.length ? table(t('nav.units'), [t('units.name'), t('code'), t('units.level'), t('units.parent'), ...(is('admin') ? [''] : [])], shown.slice(0, 500).map(({ unit, depth }) => [
        h('span', { class: `depth-${depth}` }, unit.name), h('code', {}, unit.code), badge(t(`units.level.${unit.level}`), STYLES[unit.level]), unit.parent ? names.get(unit.parent) || unit.parent : '—',
        ...(is('admin') ? [holds.has(unit.code) ? '' : button(t('remove'), () => remove(unit), 'text', { 'aria-label': t('units.remove_one', { name: unit.name }) })] : []),
      ])) : items.length ? empty(t('console.none_fit'), t('console.none_fit_text')) : empty(t('units.none'), is('admin') ? t('units.none_text') : t('units.none_own')));
  };
  draw();
  const add = async (many) => { if (await (many ? addMany() : addOne(items))) { toast(t('units.saved')); await context.again(); } };
  return {
    title: t('nav.units'),
    node: h('div', {}, head(t('nav.units'), { lead: t('units.lead'), actions: is('admin') && [button(t('units.add_many'), () => add(true)), button(t('units.add'), () => add(false), 'primary')] }),
      items.length > 0 && h('div', { class: 'filters' }, field(t('units.search'), h('input', { type: 'search', oninput: (event) => { text = event.target.value.trim(); draw(); } }))), told, body),
  };
}

/** Parents before their children, each level by code. */
function inOrder(items) {
  const below = new Map();
  const known = new Set(items.map((unit) => unit.code));
  items.forEach((unit) => {
    const parent = known.has(unit.parent) ? unit.parent : null;
    below.set(parent, [...(below.get(parent) || []), unit]);
  });
  const walk = (parent, depth) => (below.get(parent) || []).flatMap((unit) => [{ unit, depth }, ...walk(unit.code, depth + 1)]);
  return walk(null, 0);
}

function addOne(items) {
  return dialog({ title: t('units.add'), build: (close) => {
    const values = { code: '', name: '', level: 'unit', parent: '' };
    const told = h('div', {});
    const parents = h('select', { onchange: (event) => { values.parent = event.target.value; } });
    const choose = () => {
      values.parent = '';
      const fits = items.filter((unit) => LEVELS.indexOf(unit.level) < LEVELS.indexOf(values.level));
      put(parents, h('option', { value: '' }, values.level === 'city' ? '—' : t('author.choose')), fits.map((unit) => h('option', { value: unit.code }, `${unit.name}（${unit.code}）`)));
    };
    choose();
    const lines = {
      code: field(t('code'), h('input', { autocomplete: 'off', spellcheck: 'false', autofocus: true, oninput: (event) => { values.code = event.target.value.trim(); } }), { hint: t('units.code_hint') }),
      name: field(t('units.name'), h('input', { autocomplete: 'off', oninput: (event) => { values.name = event.target.value.trim(); } })),
      level: field(t('units.level'), select(LEVELS.map((one) => [one, t(`units.level.${one}`)]), 'unit', { onchange: (event) => { values.level = event.target.value; choose(); } })),
      parent: field(t('units.parent'), parents),
    };
    const send = working(t('units.add'), async () => {
      put(told);
      Object.values(lines).forEach((line) => line.fault(''));
      try {
        await putTo('units', { units: [{ ...values, parent: values.parent || null }] });
        close(true);
      } catch (problem) {
        const left = (problem.errors || []).filter((error) => {
          const line = lines[error.pointer.split('/').pop()];
          if (line) line.fault(error.detail);
          return !line;
        });
        if (left.length || !(problem.errors || []).length) put(told, trouble(problem));
      }
    });
    return h('form', { class: 'form', onsubmit: (event) => { event.preventDefault(); send.click(); } }, told, h('div', { class: 'form-grid' }, Object.values(lines)), h('div', { class: 'actions' }, send, button(t('cancel'), () => close())));
  } });
}

function addMany() {
  return dialog({ title: t('units.add_many'), wide: true, build: (close) => {
    const area = h('textarea', { rows: 10, spellcheck: 'false', placeholder: '3703,淄博市,市,\n370303,张店区,区县,3703\n370303-01,第一中学,单位,370303' });
    const told = h('div', { class: 'stack', 'aria-live': 'polite' });
    const send = working(t('units.add'), async () => {
      const units = readRows(area.value).map(([code, name, level, parent]) => ({ code: code || '', name: name || '', level: WORDS[level] || level || '', parent: parent || null }));
      const wrong = units.findIndex((unit) => !LEVELS.includes(unit.level));
      if (!units.length || wrong >= 0 || units.length > BATCH) {
        put(told, notice('warn', !units.length ? t('units.nothing') : wrong >= 0 ? t('units.bad_level', { n: wrong + 1 }) : t('units.too_many', { n: number(BATCH) })));
        return;
      }
      try {
        await putTo('units', { units }, { timeoutMs: 60000 });
        close(true);
      } catch (problem) {
        problem.errors = problem.errors.map((error) => ({ pointer: '', detail: `${t('units.row', { n: Number((/\/units\/(\d+)/.exec(error.pointer) || [0, 0])[1]) + 1 })}${t('colon')}${error.detail}` }));
        put(told, trouble(problem));
      }
    });
    return h('div', { class: 'stack' }, h('p', {}, t('units.many_text')), field(t('units.rows'), area), told, h('div', { class: 'actions' }, send, button(t('cancel'), () => close())));
  } });
}
