// Writing one item by hand: a form by kind, with the item as the learner sees it beside it. What is sent is the bank's
// own JSON (docs/bank-json.md); what the form has no field for travels along unchanged.
import { call } from '../core/api.js';
import { dialog } from '../core/dialog.js';
import { h, put, rich } from '../core/dom.js';
import { t } from '../core/i18n.js';
import { button, field, kindName, notice, select, trouble, working } from '../core/parts.js';
import { control } from '../exam/questions.js';
import { KINDS } from './blueprint.js';

/** A fraction as it is stored, and 100 per cent of it. */
const FULL = 10000000;
const OPTIONS_MAX = 26;
const PREVIEW_MS = 250;

/** A fresh item of a kind. */
export function fresh(kind = 'single_choice') {
  const body = {
    single_choice: { options: [{ text: '', correct: true }, { text: '' }, { text: '' }, { text: '' }] },
    multiple_choice: { options: [{ text: '', correct: true }, { text: '', correct: true }, { text: '' }, { text: '' }] },
    true_false: { correct: true },
    numeric: { accepted: [{ value: 0 }] },
    short_text: { accepted: [{ text: '' }] },
    ordering: { entries: ['', '', ''] },
    matching: { pairs: [{ left: '', right: '' }, { left: '', right: '' }], distractors: [] },
  }[kind];
  return { kind, stem: '', difficulty: 3, ...body };
}

/** An item as the bank keeps it, in the bank's JSON. */
export function toJson(item) {
  const { interaction } = item.prompt;
  const { key, feedback, explanation } = item.solution;
  const share = (value) => (value === undefined || value === FULL ? {} : { fraction: (value / FULL) * 100 });
  const said = (index) => (feedback[index] ? { feedback: feedback[index] } : {});
  const body = {
    choice: () => ({
      options: interaction.options.map((text, index) => ({
        text, correct: key.correct.includes(index), ...(key.weights ? { fraction: (key.weights[index] / FULL) * 100 } : {}), ...said(index),
      })),
      ...(interaction.fixed_order ? { fixed_order: true } : {}),
    }),
    true_false: () => ({
      correct: key.correct,
      ...(feedback.some(Boolean) ? { feedback: { ...(feedback[0] ? { true: feedback[0] } : {}), ...(feedback[1] ? { false: feedback[1] } : {}) } } : {}),
    }),
    numeric: () => ({ accepted: key.accepted.map(({ value, tolerance, fraction }, index) => ({ value, ...(tolerance ? { tolerance } : {}), ...share(fraction), ...said(index) })) }),
    short_text: () => ({
      accepted: key.accepted.map(({ text, fraction }, index) => ({ text, ...share(fraction), ...said(index) })),
      ...(key.case_sensitive ? { case_sensitive: true } : {}), ...(key.wildcards ? { wildcards: true } : {}),
    }),
    ordering: () => ({ entries: key.order.map((index) => interaction.entries[index]) }),
    matching: () => ({
      pairs: interaction.left.map((left, index) => ({ left, right: interaction.right[key.targets[index]] })),
      distractors: interaction.right.filter((_, index) => !key.targets.includes(index)),
    }),
  }[key.type]();
  return {
    code: item.code, kind: item.kind, stem: item.prompt.stem, difficulty: item.difficulty, ...(item.topic ? { topic: item.topic } : {}),
    ...(item.tags.length ? { tags: item.tags } : {}), ...(item.enemies.length ? { enemies: item.enemies } : {}),
    ...(item.points !== null ? { points: item.points } : {}), ...(explanation ? { explanation } : {}), ...body,
  };
}

/** The item in work as a slot of a paper, with its key. */
export function asSlot(json) {
  const ids = (texts, letter) => texts.map((text, index) => ({ id: `${letter}${index + 1}`, text }));
  const slot = { kind: json.kind, stem: json.stem };
  let key = null;
  if (json.options) {
    slot.options = ids(json.options.map((option) => option.text), 'o');
    key = { choices: slot.options.filter((_, index) => json.options[index].correct).map((option) => option.id) };
  } else if (json.kind === 'true_false') {
    slot.options = ids([t('true'), t('false')], 'o');
    key = { choices: [json.correct ? 'o1' : 'o2'] };
  } else if (json.entries) {
    slot.options = ids(json.entries, 'o');
  } else if (json.pairs) {
    slot.options = ids(json.pairs.map((pair) => pair.left), 'o');
    slot.targets = ids([...new Set([...json.pairs.map((pair) => pair.right), ...(json.distractors || [])])], 't');
  }
  return { slot, key };
}

/** Opens the editor. `true` when the item was kept. `topics` are suggested. */
export async function editItem(bank, item, topics) {
  let json = item ? toJson(item) : fresh();
  const kept = await dialog({ title: t(item ? 'editor.change' : 'editor.add'), wide: true, build: (close) => {
    const told = h('div', { 'aria-live': 'polite' });
    const preview = h('div', { class: 'card stack', role: 'region', 'aria-label': t('editor.preview') });
    const body = h('div', { class: 'stack' });
    let timer;
    const show = () => {
      const { slot, key } = asSlot(json);
      put(preview, h('p', { class: 'small quiet' }, t('editor.preview')), rich(json.stem || '…'), control(slot, null, () => {}, { locked: true, key: key || undefined }),
        json.explanation && h('div', { class: 'explain' }, rich(json.explanation)));
    };
    const changed = () => { clearTimeout(timer); timer = setTimeout(show, PREVIEW_MS); };
    const draw = () => { put(body, form(json, draw, changed)); show(); };
    const set = (name, read = (value) => value) => (event) => {
      const value = read(event.target.value);
      if (value === undefined || value === '') delete json[name];
      else json[name] = value;
      changed();
    };
    const list = h('datalist', { id: 'editor-topics' }, topics.map((topic) => h('option', { value: topic })));
    const kind = select(KINDS.map((one) => [one, kindName(one)]), json.kind, { disabled: Boolean(item), onchange: (event) => {
      const { stem, topic, difficulty, explanation } = json;
      json = { ...fresh(event.target.value), stem, difficulty, ...(topic ? { topic } : {}), ...(explanation ? { explanation } : {}) };
      draw();
    } });
    const labels = (value) => value.split(/[,，、;；\s]+/).filter(Boolean);
    const send = working(t('editor.keep'), async () => {
      put(told);
      try {
        const written = await call(item ? 'PUT' : 'POST', `banks/${bank}/items`, json);
        if (!written.warnings.length) close(true);
        else put(told, notice('warn', h('p', { class: 'notice-title' }, t('editor.kept_warned', { code: written.code })), h('ul', {}, written.warnings.map((words) => h('li', {}, words))), button(t('close'), () => close(true))));
      } catch (problem) {
        put(told, trouble(problem));
      }
    });
    draw();
    return h('div', { class: 'editor' },
      h('div', { class: 'stack' },
        h('div', { class: 'form-grid' }, field(t('exam.kind'), kind), field(t('item.difficulty'), select([1, 2, 3, 4, 5].map((one) => [String(one), String(one)]), String(json.difficulty), { onchange: set('difficulty', Number) })),
          field(t('item.topic'), h('input', { value: json.topic || '', list: 'editor-topics', oninput: set('topic') }))), list,
        field(t('editor.stem'), h('textarea', { rows: 3, value: json.stem, oninput: (event) => { json.stem = event.target.value; changed(); } }), { hint: t('editor.html') }),
        body,
        field(t('review.explanation'), h('textarea', { rows: 2, value: json.explanation || '', oninput: set('explanation') })),
        h('div', { class: 'form-grid' },
          field(t('item.tags'), h('input', { value: (json.tags || []).join(' '), oninput: set('tags', (value) => (labels(value).length ? labels(value) : undefined)) })),
          field(t('item.enemies'), h('input', { value: (json.enemies || []).join(' '), oninput: set('enemies', (value) => (labels(value).length ? labels(value) : undefined)) }), { hint: t('editor.enemies') })),
        told, h('div', { class: 'actions' }, send, button(t('cancel'), () => close()))),
      preview);
  } });
  return kept === true;
}

/** The part of the form that the kind has of its own. */
function form(json, draw, changed) {
  if (json.options) return options(json, draw, changed);
  if (json.kind === 'true_false') {
    return field(t('editor.key'), select([['true', t('true')], ['false', t('false')]], String(json.correct), { onchange: (event) => { json.correct = event.target.value === 'true'; changed(); } }));
  }
  if (json.kind === 'numeric') {
    return rows(t('editor.accepted'), json.accepted, draw, () => ({ value: 0 }), (one) => [
      input(t('editor.value'), one, 'value', changed, Number, 'number'), input(t('editor.tolerance'), one, 'tolerance', changed, Number, 'number')]);
  }
  if (json.kind === 'short_text') return rows(t('editor.accepted'), json.accepted, draw, () => ({ text: '' }), (one) => [input(t('editor.text'), one, 'text', changed)]);
  if (json.entries) {
    const entries = json.entries.map((text) => ({ text }));
    const sync = () => { json.entries = entries.map((one) => one.text); changed(); };
    return rows(t('editor.entries'), entries, () => { json.entries = entries.map((one) => one.text); draw(); }, () => ({ text: '' }), (one) => [input(t('editor.text'), one, 'text', sync)], 2);
  }
  return h('div', { class: 'stack' },
    rows(t('editor.pairs'), json.pairs, draw, () => ({ left: '', right: '' }), (one) => [input(t('editor.left'), one, 'left', changed), input(t('editor.right'), one, 'right', changed)]),
    field(t('editor.distractors'), h('textarea', { rows: 2, value: (json.distractors || []).join('\n'), oninput: (event) => { json.distractors = event.target.value.split('\n').filter((line) => line.trim()); changed(); } })));
}

function input(label, one, name, changed, read = (value) => value, type = 'text') {
  return h('input', { type, step: type === 'number' ? 'any' : null, 'aria-label': label, placeholder: label, value: one[name] === undefined ? '' : one[name], oninput: (event) => {
    if (event.target.value === '' && type === 'number') delete one[name];
    else one[name] = read(event.target.value);
    changed();
  } });
}

function rows(title, list, draw, make, parts, least = 1) {
  return h('fieldset', { class: 'stack-tight' }, h('legend', {}, title),
    list.map((one, index) => h('div', { class: 'editor-row' }, parts(one), button('✕', () => { list.splice(index, 1); draw(); }, 'text', { 'aria-label': t('editor.remove', { n: index + 1 }), disabled: list.length <= least }))),
    h('p', {}, button(t('editor.more'), () => { list.push(make()); draw(); }, 'text', { disabled: list.length >= OPTIONS_MAX })));
}

function options(json, draw, changed) {
  const many = json.kind === 'multiple_choice';
  const weighted = json.options.some((option) => option.fraction !== undefined);
  return h('div', { class: 'stack' },
    weighted && notice('info', t('editor.weighted')),
    rows(t('editor.options'), json.options, draw, () => ({ text: '' }), (option) => [
      h('input', { type: many ? 'checkbox' : 'radio', name: 'editor-right', checked: Boolean(option.correct), 'aria-label': t('editor.right_option'), onchange: (event) => {
        // Whoever says anew what is right means it whole: the weights of before would say otherwise.
        json.options.forEach((one) => { delete one.fraction; if (!many) one.correct = false; });
        option.correct = event.target.checked;
        changed();
      } }),
      input(t('editor.text'), option, 'text', changed)], 2),
    h('label', { class: 'check' }, h('input', { type: 'checkbox', checked: Boolean(json.fixed_order), onchange: (event) => { json.fixed_order = event.target.checked; changed(); } }), h('span', {}, t('editor.fixed_order'))));
}
