// A personal exception to an exam's rules: more time, more attempts, another window, each with a reason.
import { all, get, post, query } from '../core/api.js';
import { toast } from '../core/dialog.js';
import { h, put } from '../core/dom.js';
import { moment, span, t } from '../core/i18n.js';
import { facts, field, notice, table, trouble, working } from '../core/parts.js';

const MINUTE = 60000;
const FOUND_MAX = 20;
const TYPING_MS = 250;

/** Everything that was granted at an exam, the latest first. */
export function exceptionList(exam) {
  const element = h('div', { 'aria-live': 'polite' });
  const what = (one) => [
    one.extra_ms !== null && t('exception.extra_n', { time: span(one.extra_ms) }),
    one.attempts_max !== null && (one.attempts_max ? t('exception.attempts_n', { n: one.attempts_max }) : t('exception.any')),
    one.opens_at && t('exception.opens_n', { time: moment(one.opens_at) }),
    one.closes_at && t('exception.closes_n', { time: moment(one.closes_at) }),
  ].filter(Boolean).join(t('stop'));
  const reload = async () => {
    try {
      const { items } = await all(`exams/${exam}/overrides`);
      put(element, items.length ? table(t('exception.list'), [t('exception.who'), t('exception.what'), t('act.reason'), t('exception.by'), t('audit.at')], items.map((one) => [
        h('span', {}, one.name, h('small', { class: 'quiet' }, ` ${one.username}`)), what(one), one.reason, one.by_name, moment(one.at)])) : h('p', { class: 'quiet' }, t('exception.none')));
    } catch (problem) {
      put(element, trouble(problem, reload));
    }
  };
  reload();
  return { element, reload };
}

/** The form. People are looked for as their name is written; `granted()` is called after each exception. */
export function exceptionForm(exam, fromField, granted) {
  const told = h('div', { 'aria-live': 'polite' });
  const names = h('datalist', { id: 'exception-people' });
  const people = new Map();
  let asked = 0;
  const find = async (text) => {
    asked += 1;
    const own = asked;
    const { items } = await get(query('people', { search: text, limit: FOUND_MAX }));
    items.forEach((person) => people.set(person.username, person));
    if (own === asked) put(names, items.map((person) => h('option', { value: person.username }, person.name)));
  };
  let typing;
  const username = h('input', { list: 'exception-people', autocomplete: 'off', spellcheck: 'false', oninput: (event) => {
    clearTimeout(typing);
    const text = event.target.value.trim();
    if (text) typing = setTimeout(() => find(text).catch((problem) => put(told, trouble(problem))), TYPING_MS);
  } });
  const extra = h('input', { type: 'number', min: 0, inputmode: 'numeric' });
  const attempts = h('input', { type: 'number', min: 0, inputmode: 'numeric' });
  const opens = h('input', { type: 'datetime-local' });
  const closes = h('input', { type: 'datetime-local' });
  const reason = h('input', { maxlength: 500 });
  const lines = {
    '/person': field(t('username'), username), '/extra_ms': field(t('exception.extra'), extra), '/attempts_max': field(t('author.attempts'), attempts, { hint: t('author.attempts_hint') }),
    '/opens_at': field(t('author.opens'), opens), '/closes_at': field(t('author.closes'), closes), '/reason': field(t('act.reason'), reason),
  };
  const whole = (input, unit = 1) => (input.value === '' ? undefined : Math.round(Number(input.value) * unit));
  const send = working(t('exception.grant'), async () => {
    put(told);
    Object.values(lines).forEach((line) => line.fault(''));
    try {
      const wanted = username.value.trim();
      if (wanted && !people.has(wanted)) await find(wanted);
      const person = people.get(wanted);
      if (!person) {
        lines['/person'].fault(t('exception.nobody'));
        username.focus();
        return;
      }
      const made = await post(`exams/${exam}/overrides`, {
        person: person.id, extra_ms: whole(extra, MINUTE), attempts_max: whole(attempts), reason: reason.value.trim(),
        ...(opens.value ? { opens_at: fromField(opens.value) } : {}), ...(closes.value ? { closes_at: fromField(closes.value) } : {}),
      });
      toast(t('exception.granted', { name: person.name }));
      put(told, notice('good', h('p', { class: 'notice-title' }, t('exception.granted', { name: person.name })), facts([
        made.extra_ms !== null && [t('exception.extra'), span(made.extra_ms)],
        made.attempts_max !== null && [t('author.attempts'), String(made.attempts_max)],
        made.opens_at && [t('author.opens'), moment(made.opens_at)],
        made.closes_at && [t('author.closes'), moment(made.closes_at)],
        [t('act.reason'), made.reason],
      ])));
      await granted();
    } catch (problem) {
      const left = (problem.errors || []).filter((error) => {
        const line = lines[error.pointer];
        if (line) line.fault(error.detail);
        return !line;
      });
      if (left.length || !(problem.errors || []).length) put(told, trouble(problem));
    }
  }, '');
  return h('div', { class: 'card stack' }, h('p', { class: 'hint' }, t('exception.hint')), h('div', { class: 'form-grid' }, Object.values(lines)), names, told, h('div', { class: 'actions' }, send));
}
