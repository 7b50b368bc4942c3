// The notebook of wrong answers, and doing them again.
import { say, sure } from '../core/dialog.js';
import { h, put, rich, uid } from '../core/dom.js';
import { day, t } from '../core/i18n.js';
import { badge, button, empty, head, kindName, link } from '../core/parts.js';
import { list, remove } from '../exam/notebook.js';
import { control, words } from '../exam/questions.js';

export default async function page() {
  const node = h('div', { class: 'column' });
  const draw = () => {
    const all = list();
    put(node, head(t('nav.mistakes'), { lead: t('mistakes.lead'), actions: all.some((entry) => entry.learned) && button(t('mistakes.clear_learned'), clear) }),
      all.length ? h('ol', { class: 'review' }, all.map((entry) => card(entry, draw)))
        : empty(t('mistakes.none'), t('mistakes.none_text'), link('/exams', t('nav.exams'), 'button')));
  };
  const clear = async () => {
    if (!(await sure({ title: t('mistakes.clear_learned'), text: t('mistakes.clear_text'), yes: t('remove') }))) return;
    list().filter((entry) => entry.learned).forEach((entry) => remove(entry.name));
    draw();
  };
  draw();
  return { node, title: t('nav.mistakes') };
}

/** Hidden until asked for: so that it can be tried again. */
function card(entry, redraw) {
  const { slot } = entry;
  const stem = uid('stem');
  const area = h('div', { class: 'stack' });
  const hidden = () => put(area, control(slot, null, () => {}, { labelledby: stem }),
    h('div', { class: 'actions' }, button(t('mistakes.show'), shown, 'primary'), gone()));
  const shown = () => {
    put(area,
      ['single_choice', 'multiple_choice', 'true_false'].includes(slot.kind) ? control(slot, entry.response, () => {}, { locked: true, key: entry.key, labelledby: stem })
        : h('p', {}, h('span', { class: 'quiet' }, t('review.yours')), words(slot, entry.response)),
      h('p', {}, h('span', { class: 'quiet' }, t('review.key')), words(slot, entry.key)),
      entry.explanation && h('div', { class: 'explain' }, h('p', { class: 'label' }, t('review.explanation')), rich(entry.explanation)),
      h('div', { class: 'actions' }, button(t('mistakes.hide'), hidden), gone()));
    say(`${t('review.key')}${words(slot, entry.key)}`);
  };
  const gone = () => button(t('remove'), () => { remove(entry.name); redraw(); }, 'text');
  hidden();
  return h('li', { class: 'card stack' },
    h('div', { class: 'row' },
      h('span', { class: 'quiet small' }, `${kindName(slot.kind)} · ${entry.exam} · ${day(entry.at)}`),
      entry.learned ? badge(t('mistakes.learned'), 'good') : badge(t('mistakes.times', { n: entry.times }), 'warn')),
    h('div', { id: stem }, rich(slot.stem)), area);
}
