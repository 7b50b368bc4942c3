// The plan of a paper being written, with what the bank has for every line of it.
import { h, put } from '../core/dom.js';
import { number, t } from '../core/i18n.js';
import { button, field, kindName, select } from '../core/parts.js';

export const KINDS = ['single_choice', 'multiple_choice', 'true_false', 'numeric', 'short_text', 'ordering', 'matching'];
const SCORINGS = ['all_or_nothing', 'partial_no_wrong', 'half_no_wrong', 'net_correct', 'weighted', 'each_option'];

/** How many items a quota may choose from. */
export function stock(strata, { topic, difficulty, kind }) {
  return strata.filter((one) => (!topic || one.topic === topic || one.topic.startsWith(`${topic}/`))
    && (!difficulty || one.difficulty === Number(difficulty)) && (!kind || one.kind === kind))
    .reduce((sum, one) => sum + one.count, 0);
}

/** A fresh section. */
export const freshSection = () => ({ title: '', kind: 'single_choice', count: 5, points: 2, quotas: [] });

/**
 * The editor. `sections` is changed in place; `strata()` is what the bank holds now, `null` where none is chosen; `changed()` is called after every
 * change. `refresh()` of what is returned draws the stock anew.
 */
export function blueprintEditor(sections, strata, changed) {
  const list = h('div', { class: 'stack' });
  let stocks = [];
  const touch = () => {
    stocks.forEach((draw) => draw());
    changed();
  };
  const stockOf = (wanted, count) => {
    const element = h('p', { class: 'stock', 'aria-live': 'polite' });
    stocks.push(() => {
      if (!strata()) {
        element.className = 'stock quiet';
        put(element, t('blueprint.no_bank'));
        return;
      }
      const held = stock(strata(), wanted());
      element.className = `stock ${held < count() ? 'bad' : 'good'}`;
      put(element, t(held < count() ? 'blueprint.short' : 'blueprint.stock', { n: number(held), m: number(count()) }));
    });
    return element;
  };
  const draw = () => {
    stocks = [];
    put(list, sections.map((section, index) => sectionCard(section, index)),
      h('p', {}, button(t('blueprint.add_section'), () => { sections.push(freshSection()); draw(); touch(); })));
    stocks.forEach((one) => one());
  };

  function sectionCard(section, index) {
    const bind = (name, read = (value) => value) => (event) => { section[name] = read(event.target.value); touch(); };
    const whole = (value) => Math.max(0, Math.floor(Number(value) || 0));
    return h('fieldset', { class: 'card stack' }, h('legend', { class: 'unseen' }, t('blueprint.section', { n: index + 1 })),
      h('div', { class: 'row' }, h('h3', {}, t('blueprint.section', { n: index + 1 })), h('div', { class: 'actions' },
        button('↑', () => { move(index, -1); }, 'text', { 'aria-label': t('blueprint.up'), disabled: index === 0 }),
        button('↓', () => { move(index, 1); }, 'text', { 'aria-label': t('blueprint.down'), disabled: index + 1 === sections.length }),
        button(t('remove'), () => { sections.splice(index, 1); draw(); touch(); }, 'text', { disabled: sections.length === 1 }))),
      h('div', { class: 'form-grid' },
        field(t('blueprint.title'), h('input', { value: section.title, oninput: bind('title') })),
        field(t('exam.kind'), select([['', t('exam.mixed')], ...KINDS.map((kind) => [kind, kindName(kind)])], section.kind || '', { onchange: bind('kind', (value) => value || undefined) })),
        field(t('exam.count'), h('input', { type: 'number', min: 1, max: 500, value: section.count, oninput: bind('count', whole) })),
        field(t('exam.points'), h('input', { type: 'number', min: 0, step: '0.5', value: section.points, oninput: bind('points', Number) })),
        field(t('blueprint.scoring'), select(SCORINGS.map((one) => [one, t(`scoring.${one}`)]), section.scoring || SCORINGS[0], { onchange: bind('scoring', (value) => (value === SCORINGS[0] ? undefined : value)) }))),
      stockOf(() => ({ kind: section.kind }), () => section.count),
      section.quotas.length > 0 && h('p', { class: 'label' }, t('blueprint.quotas')),
      section.quotas.map((quota, place) => quotaRow(section, quota, place)),
      h('p', {}, button(t('blueprint.add_quota'), () => {
        const left = section.count - section.quotas.reduce((sum, one) => sum + one.count, 0);
        section.quotas.push({ topic: '', count: Math.max(1, left) });
        draw();
        touch();
      }, 'text')));
  }

  function quotaRow(section, quota, place) {
    const topics = [...new Set((strata() || []).flatMap((one) => one.topic.split('/').map((_, depth, names) => names.slice(0, depth + 1).join('/'))))].filter(Boolean).sort();
    if (quota.topic && !topics.includes(quota.topic)) topics.push(quota.topic);
    const bind = (name, read) => (event) => {
      const value = read(event.target.value);
      if (value === undefined) delete quota[name];
      else quota[name] = value;
      touch();
    };
    return h('div', { class: 'stack-tight' }, h('div', { class: 'stratum' },
      field(t('item.topic'), select([['', t('all')], ...topics.map((topic) => [topic, topic])], quota.topic || '', { onchange: bind('topic', (value) => value || undefined) })),
      field(t('item.difficulty'), select([['', t('all')], ...[1, 2, 3, 4, 5].map((one) => [String(one), String(one)])], quota.difficulty ? String(quota.difficulty) : '', { onchange: bind('difficulty', (value) => (value ? Number(value) : undefined)) })),
      field(t('exam.kind'), select([['', section.kind ? kindName(section.kind) : t('all')], ...(section.kind ? [] : KINDS.map((kind) => [kind, kindName(kind)]))], quota.kind || '', { onchange: bind('kind', (value) => value || undefined) })),
      field(t('exam.count'), h('input', { type: 'number', min: 1, max: 500, value: quota.count, oninput: bind('count', (value) => Math.max(0, Math.floor(Number(value) || 0))) })),
      button(t('remove'), () => { section.quotas.splice(place, 1); draw(); touch(); }, 'text')),
    stockOf(() => ({ ...quota, kind: quota.kind || section.kind }), () => quota.count));
  }

  function move(index, by) {
    const [section] = sections.splice(index, 1);
    sections.splice(index + by, 0, section);
    draw();
    touch();
  }
  draw();
  return { element: list, refresh: draw };
}
