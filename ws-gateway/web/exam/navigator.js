// All questions at a glance: answered, flagged, waiting to be saved, and the one at hand.
import { h } from '../core/dom.js';
import { t } from '../core/i18n.js';

/** `at` is the index shown; `go(index)` shows another. */
export function navigator(sitting, at, go) {
  let index = -1;
  const sections = sitting.sections.map((section) => [
    h('p', { class: 'section-name' }, section.title),
    h('ol', { class: 'numbers' }, section.slots.map((slot) => {
      index += 1;
      const own = index;
      const states = stateOf(sitting, slot.slot);
      const words = [t('question.number', { n: slot.slot }), ...states.map((state) => t(`state.${state}`))].join(t('comma'));
      return h('li', {}, h('button', {
        type: 'button', class: `number ${states.join(' ')}`, 'aria-label': words, 'aria-current': own === at ? 'step' : null,
        onclick: () => go(own),
      }, String(slot.slot)));
    })),
  ]);
  const answered = sitting.slots.length - sitting.unanswered().length;
  return h('nav', { 'aria-label': t('navigator') },
    h('p', { class: 'tally' }, t('navigator.tally', { n: answered, all: sitting.slots.length })),
    sections,
    h('ul', { class: 'legend', 'aria-hidden': 'true' },
      h('li', {}, t('legend.answered')), h('li', {}, t('legend.flagged')), h('li', {}, t('legend.pending'))));
}

function stateOf(sitting, slot) {
  const states = [sitting.answered(slot) ? 'answered' : 'unanswered'];
  if (sitting.outbox.pending(slot)) states.push('pending');
  if (sitting.flagged.has(slot)) states.push('flagged');
  const feedback = sitting.feedback.get(slot);
  if (feedback) states.push(feedback.correct ? 'right' : 'wrong');
  return states;
}
