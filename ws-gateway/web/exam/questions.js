// One question as the learner answers it, by kind. A control says what the learner said and never what is right;
// marks of right and wrong are laid over it where the server has released a key.
import { say } from '../core/dialog.js';
import { h, plain, put, rich, uid } from '../core/dom.js';
import { t } from '../core/i18n.js';

export const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ';

/** Whether there is an answer. */
export const given = (response) => response !== null && response !== undefined;

/**
 * The control of a question. `said` is the response so far; `tell(response, slow)` is called with every change,
 * `slow` where the person is still typing. `locked` only shows. `key` marks what is right.
 */
export function control(slot, said, tell, { locked = false, key, labelledby } = {}) {
  const make = { single_choice: choices, true_false: choices, multiple_choice: choices, numeric, short_text: shortText, ordering, matching }[slot.kind];
  return make ? make(slot, said, tell, { locked, key, labelledby }) : h('p', { class: 'notice warn' }, t('kind.unknown'));
}

function choices(slot, said, tell, { locked, key, labelledby }) {
  const many = slot.kind === 'multiple_choice';
  const name = uid('choice');
  const chosen = new Set(given(said) ? said.choices : []);
  const right = key ? new Set(key.choices) : null;
  const rows = slot.options.map((option, index) => {
    const input = h('input', {
      type: many ? 'checkbox' : 'radio', name, checked: chosen.has(option.id), disabled: locked,
      onchange: () => {
        if (!many) chosen.clear();
        if (input.checked) chosen.add(option.id);
        else chosen.delete(option.id);
        rows.forEach((row) => row.classList.toggle('chosen', row.querySelector('input').checked));
        // In the order shown, whatever the order of ticking.
        const ids = slot.options.map((one) => one.id).filter((id) => chosen.has(id));
        tell(ids.length ? { choices: ids } : null);
      },
    });
    const state = right && (right.has(option.id) ? 'right' : chosen.has(option.id) ? 'wrong' : '');
    return h('label', { class: `option${chosen.has(option.id) ? ' chosen' : ''}${state ? ` ${state}` : ''}` },
      input,
      slot.kind !== 'true_false' && h('span', { class: 'letter' }, LETTERS[index]),
      rich(option.text, 'span'),
      state && h('span', { class: 'verdict' }, t(state === 'wrong' ? 'review.your_option' : chosen.has(option.id) ? 'review.right_chosen' : 'review.right_option')));
  });
  return h('div', { class: 'options', role: many ? 'group' : 'radiogroup', 'aria-labelledby': labelledby }, rows);
}

/** A number as people type it: full-width digits, a comma, blanks. `undefined` is none. */
export function readNumber(text) {
  const ascii = text.replace(/[０-９．－＋，]/g, (char) => String.fromCharCode(char.charCodeAt(0) - 0xfee0)).replace(/[\s,]/g, '').replace(/。/g, '.').replace(/−/g, '-');
  if (!/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(ascii)) return undefined;
  const value = Number(ascii);
  return Number.isFinite(value) ? value : undefined;
}

function numeric(slot, said, tell, { locked, labelledby }) {
  const [hint, error] = [hinted('numeric.hint'), h('p', { class: 'field-error', id: uid('error'), role: 'alert', hidden: true })];
  const check = (slow) => {
    const text = input.value.trim();
    const value = readNumber(text);
    const wrong = text !== '' && value === undefined;
    error.hidden = !wrong || slow;
    error.textContent = wrong && !slow ? t('numeric.wrong') : '';
    input.setAttribute('aria-invalid', String(wrong && !slow));
    if (!wrong) tell(text === '' ? null : { number: value }, slow);
  };
  const input = h('input', {
    type: 'text', inputmode: 'decimal', autocomplete: 'off', value: given(said) ? String(said.number) : '', disabled: locked,
    'aria-labelledby': labelledby, 'aria-describedby': `${hint.id} ${error.id}`, oninput: () => check(true), onchange: () => check(false),
  });
  return h('div', { class: 'answer-line stack-tight' }, hint, input, error);
}

/** What stands beside a field and is read with it. */
const hinted = (key) => h('p', { class: 'hint', id: uid('hint') }, t(key));

function shortText(slot, said, tell, { locked, labelledby }) {
  const hint = hinted('short_text.hint');
  const input = h('input', {
    type: 'text', autocomplete: 'off', maxlength: 500, value: given(said) ? said.text : '', disabled: locked, 'aria-labelledby': labelledby, 'aria-describedby': hint.id,
    oninput: () => tell(input.value.trim() ? { text: input.value } : null, true),
    onchange: () => tell(input.value.trim() ? { text: input.value } : null),
  });
  return h('div', { class: 'answer-line stack-tight' }, hint, input);
}

function ordering(slot, said, tell, { locked, labelledby }) {
  let order = given(said) ? [...said.order] : slot.options.map((option) => option.id);
  let answered = given(said);
  const texts = new Map(slot.options.map((option) => [option.id, option.text]));
  const list = h('ol', { class: 'order', 'aria-labelledby': labelledby });
  const status = h('p', { class: 'hint' });
  const settle = h('button', { type: 'button', class: 'button', onclick: () => { answered = true; tell({ order: [...order] }); draw(); } }, t('ordering.keep'));
  const move = (from, by) => {
    const to = from + by;
    if (to < 0 || to >= order.length) return;
    [order[from], order[to]] = [order[to], order[from]];
    answered = true;
    tell({ order: [...order] });
    draw({ at: to, by });
    say(t('ordering.place', { words: plain(texts.get(order[to]) || ''), n: to + 1 }));
  };
  const draw = (focus) => {
    put(list, order.map((id, index) => {
      const words = plain(texts.get(id) || '');
      const arrow = (by, sign, label) => h('button', {
        type: 'button', class: 'icon-button', disabled: locked || index + by < 0 || index + by >= order.length,
        'aria-label': t(label, { words }), data: { by: String(by) }, onclick: () => move(index, by),
        onkeydown: (event) => {
          const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
          if (!step) return;
          event.preventDefault();
          move(index, step);
        },
      }, sign);
      return h('li', { class: focus && focus.at === index ? 'moved' : null }, rich(texts.get(id) || '', 'span'),
        !locked && [arrow(-1, '↑', 'ordering.up'), arrow(1, '↓', 'ordering.down')]);
    }));
    status.textContent = locked ? '' : t(answered ? 'ordering.answered' : 'ordering.hint');
    settle.hidden = locked || answered;
    if (focus) {
      const row = list.children[focus.at];
      const wanted = row.querySelector(`[data-by="${focus.by}"]:not([disabled])`) || row.querySelector('button:not([disabled])');
      if (wanted) wanted.focus();
    }
  };
  draw();
  return h('div', { class: 'stack-tight' }, status, list, settle);
}

function matching(slot, said, tell, { locked, key, labelledby }) {
  const pairs = new Map(given(said) ? said.pairs : []);
  const right = key ? new Map(key.pairs) : null;
  const letter = new Map(slot.targets.map((target, index) => [target.id, LETTERS[index]]));
  const words = new Map(slot.targets.map((target) => [target.id, plain(target.text)]));
  const rows = slot.options.map((option) => {
    const id = uid('pair');
    const chosen = pairs.get(option.id) || '';
    const input = h('select', { 'aria-labelledby': id, disabled: locked, onchange: () => {
      if (input.value) pairs.set(option.id, input.value);
      else pairs.delete(option.id);
      const all = slot.options.map((one) => one.id).filter((one) => pairs.has(one)).map((one) => [one, pairs.get(one)]);
      tell(all.length ? { pairs: all } : null);
    } },
      h('option', { value: '' }, t('matching.none')),
      slot.targets.map((target) => h('option', { value: target.id, selected: target.id === chosen }, `${letter.get(target.id)}  ${words.get(target.id)}`)));
    const state = right && chosen && (right.get(option.id) === chosen ? 'right' : 'wrong');
    return h('div', { class: `pair option ${state || ''}` }, h('span', { id }, rich(option.text, 'span')), input);
  });
  return h('div', { class: 'stack-tight', role: 'group', 'aria-labelledby': labelledby },
    h('p', { class: 'hint' }, t('matching.hint')),
    h('ul', { class: 'targets' }, slot.targets.map((target) => h('li', {}, h('span', { class: 'letter' }, letter.get(target.id)), rich(target.text, 'span')))),
    h('div', { class: 'pairs' }, rows));
}

/** A response in words, for reviews. */
export function words(slot, response) {
  if (!given(response)) return t('review.unanswered');
  const text = (list, id) => {
    const index = (list || []).findIndex((one) => one.id === id);
    if (index < 0) return id;
    const label = plain(list[index].text);
    return slot.kind === 'true_false' || slot.kind === 'ordering' ? label : `${LETTERS[index]} ${label}`;
  };
  if (response.choices) return response.choices.map((id) => text(slot.options, id)).join('；');
  if (response.number !== undefined) return String(response.number);
  if (response.text !== undefined) return response.text;
  if (response.order) return response.order.map((id) => text(slot.options, id)).join(' → ');
  if (response.pairs) return response.pairs.map(([one, two]) => `${plain((slot.options.find((option) => option.id === one) || { text: one }).text)} — ${text(slot.targets, two)}`).join('；');
  return '';
}
