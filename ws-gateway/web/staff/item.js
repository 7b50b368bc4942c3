// An item as the learner sees it, with its key beside it for the author.
import { rich, h } from '../core/dom.js';
import { number, t } from '../core/i18n.js';
import { badge, facts, kindName } from '../core/parts.js';
import { control, words } from '../exam/questions.js';

export const STATES = { draft: 'warn', ready: 'good', retired: 'plain' };

const ids = (texts, letter) => texts.map((text, index) => ({ id: `${letter}${index + 1}`, text }));

/** The item as a slot of a paper, in the author's order. */
export function asSlot(item) {
  const way = item.prompt.interaction;
  const slot = { kind: item.kind, stem: item.prompt.stem };
  if (way.type === 'choice') slot.options = ids(way.options, 'o');
  if (way.type === 'true_false') slot.options = ids([t('true'), t('false')], 'o');
  if (way.type === 'ordering') slot.options = ids(way.entries, 'o');
  if (way.type === 'matching') {
    slot.options = ids(way.left, 'o');
    slot.targets = ids(way.right, 't');
  }
  return slot;
}

/** The key as a response, where it is one. */
export function keyOf(item) {
  const { key } = item.solution;
  if (key.type === 'choice') return { choices: key.correct.map((index) => `o${index + 1}`) };
  if (key.type === 'true_false') return { choices: [key.correct ? 'o1' : 'o2'] };
  if (key.type === 'ordering') return { order: key.order.map((index) => `o${index + 1}`) };
  if (key.type === 'matching') return { pairs: key.targets.map((target, index) => [`o${index + 1}`, `t${target + 1}`]) };
  return null;
}

function keyWords(item, slot) {
  const { key } = item.solution;
  if (key.type === 'numeric') return key.accepted.map((one) => (one.tolerance ? `${one.value} ± ${one.tolerance}` : String(one.value))).join(t('comma'));
  if (key.type === 'short_text') return key.accepted.map((one) => one.text).join(t('comma'));
  return words(slot, keyOf(item));
}

/** The whole view. */
export function itemView(item) {
  const slot = asSlot(item);
  const choice = ['choice', 'true_false'].includes(item.solution.key.type);
  return h('div', { class: 'stack' },
    h('div', { class: 'row row-start' }, badge(kindName(item.kind), 'info'), badge(t(`item.${item.state}`), STATES[item.state]), h('code', {}, item.code)),
    h('div', { class: 'card stack' }, rich(item.prompt.stem), choice ? control(slot, null, () => {}, { locked: true, key: keyOf(item) }) : control(slot, null, () => {}, { locked: true })),
    h('p', {}, h('span', { class: 'quiet' }, t('review.key')), keyWords(item, slot)),
    item.solution.explanation && h('div', { class: 'explain' }, h('p', { class: 'label' }, t('review.explanation')), rich(item.solution.explanation)),
    facts([
      [t('item.topic'), item.topic || '—'], [t('item.difficulty'), number(item.difficulty)], [t('item.version'), number(item.version)],
      item.tags.length > 0 && [t('item.tags'), item.tags.join(t('comma'))],
      item.enemies.length > 0 && [t('item.enemies'), item.enemies.join(t('comma'))],
      item.points !== null && [t('exam.points'), number(item.points)],
    ]));
}
