// A sample paper, as a learner would get it.
import { get } from '../core/api.js';
import { dialog } from '../core/dialog.js';
import { h, put, rich } from '../core/dom.js';
import { number, t } from '../core/i18n.js';
import { button, kindName, trouble, working } from '../core/parts.js';
import { control } from '../exam/questions.js';

/** Shows one; another is drawn by its button. A blueprint that cannot be drawn is the caller's to show. */
export async function showSample(exam) {
  const first = await get(`authored/exams/${exam}/sample`);
  await dialog({ title: t('sample.title'), wide: true, build: (close) => {
    const body = h('div', { class: 'stack' });
    const draw = (paper) => put(body, paper.sections.map((section) => [
      h('h3', {}, section.title),
      section.slots.map((slot) => h('div', { class: 'card stack' },
        h('p', { class: 'small quiet' }, t('sample.slot', { n: slot.slot, kind: kindName(slot.kind), points: number(slot.points) })),
        rich(slot.stem), control(slot, null, () => {}, { locked: true }))),
    ]));
    const again = working(t('sample.again'), async () => {
      try {
        draw(await get(`authored/exams/${exam}/sample`));
      } catch (problem) {
        put(body, trouble(problem));
      }
    });
    draw(first);
    return h('div', { class: 'stack' }, h('div', { class: 'actions' }, again, button(t('close'), () => close())), body);
  } });
}
