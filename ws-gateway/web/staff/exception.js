// A personal exception to an exam's rules: more time, more attempts, another window, each with a reason.
import { all, post } from '../core/api.js';
import { toast } from '../core/dialog.js';
import { h, put } from '../core/dom.js';
import { moment, span, t } from '../core/i18n.js';
import { facts, field, notice, trouble, working } from '../core/parts.js';

const MINUTE = 60000;
const MOST = 20000;

/** The form. People are found by their username; the list is read when somebody begins to look. */
export function exceptionForm(exam, fromField) {
  const told = h('div', { 'aria-live': 'polite' });
  const names = h('datalist', { id: 'exception-people' });
  let people = null;
  const find = async () => {
    if (people) return;
    people = new Map();
    const { items } = await all('people', {}, MOST);
    people = new Map(items.map((person) => [person.username, person]));
    put(names, items.map((person) => h('option', { value: person.username }, person.name)));
  };
  const username = h('input', { list: 'exception-people', autocomplete: 'off', spellcheck: 'false', onfocus: () => find().catch((problem) => { people = null; put(told, trouble(problem)); }) });
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
      await find();
      const person = people.get(username.value.trim());
      if (!person) {
        lines['/person'].fault(t('exception.nobody'));
        username.focus();
        return;
      }
      const granted = await post(`exams/${exam}/overrides`, {
        person: person.id, extra_ms: whole(extra, MINUTE), attempts_max: whole(attempts), reason: reason.value.trim(),
        ...(opens.value ? { opens_at: fromField(opens.value) } : {}), ...(closes.value ? { closes_at: fromField(closes.value) } : {}),
      });
      toast(t('exception.granted', { name: person.name }));
      put(told, notice('good', h('p', { class: 'notice-title' }, t('exception.granted', { name: person.name })), facts([
        granted.extra_ms !== null && [t('exception.extra'), span(granted.extra_ms)],
        granted.attempts_max !== null && [t('author.attempts'), String(granted.attempts_max)],
        granted.opens_at && [t('author.opens'), moment(granted.opens_at)],
        granted.closes_at && [t('author.closes'), moment(granted.closes_at)],
        [t('act.reason'), granted.reason],
      ])));
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
