// Choosing what to practise: topics, and how many questions.
import { get } from '../core/api.js';
import { dialog } from '../core/dialog.js';
import { h, put } from '../core/dom.js';
import { number, t } from '../core/i18n.js';
import { button, field, select, skeleton, trouble } from '../core/parts.js';

const COUNTS = [5, 10, 20, 50, 100];
const USUAL = 10;

/** `{ topics, count }` as a start takes it, or `undefined`. */
export function choose(exam) {
  return dialog({
    title: t('topics.title'),
    build: (close) => {
      const node = h('div', { class: 'stack' }, skeleton(4));
      const load = async () => {
        try {
          const topics = (await get(`exams/${exam}/topics`)).items;
          put(node, form(topics, close));
        } catch (problem) {
          put(node, trouble(problem, load));
        }
      };
      load();
      return node;
    },
  });
}

function form(topics, close) {
  // What lies under no topic is only reached by all of them.
  const named = topics.filter((one) => one.topic);
  const boxes = named.map((one) => h('input', { type: 'checkbox', value: one.topic, onchange: () => tell() }));
  const count = select(COUNTS.map((one) => [String(one), t('topics.n', { n: one })]), String(USUAL), { onchange: () => tell() });
  const told = h('p', { class: 'quiet', role: 'status' });
  const chosen = () => boxes.filter((box) => box.checked).map((box) => box.value);
  const within = (topic, ancestor) => topic === ancestor || topic.startsWith(`${ancestor}/`);
  const tell = () => {
    const wanted = chosen();
    const there = topics.filter((one) => !wanted.length || wanted.some((topic) => within(one.topic, topic))).reduce((sum, one) => sum + one.count, 0);
    put(told, t(wanted.length ? 'topics.some' : 'topics.all', { n: number(there), count: number(Math.min(there, Number(count.value))) }));
  };
  tell();
  return h('div', { class: 'stack' },
    named.length > 0 && h('fieldset', {}, h('legend', {}, t('topics.choose')),
      named.map((one, index) => h('label', { class: 'check' }, boxes[index],
        h('span', {}, one.topic.split('/').join(' › '), ' ', h('span', { class: 'quiet figures' }, t('topics.n', { n: number(one.count) })))))),
    field(t('topics.count'), count), told,
    h('div', { class: 'actions' },
      button(t('topics.start'), () => close({ topics: chosen(), count: Number(count.value) }), 'primary'),
      button(t('cancel'), () => close())));
}
