// The notebook of wrong answers, by topic, and doing them again. The server keeps it: it is the same on every device.
import { call, get, post } from '../core/api.js';
import { say, sure, toast } from '../core/dialog.js';
import { h, put, rich, uid, uuid } from '../core/dom.js';
import { day, number, t } from '../core/i18n.js';
import { badge, button, empty, field, head, kindName, link, notice, select, trouble, working } from '../core/parts.js';
import { control, words } from '../exam/questions.js';

const CHOICES = ['single_choice', 'multiple_choice', 'true_false'];
/** Questions of a practice from the notebook, at most. */
const MOST = 100;

export default async function page(context) {
  const notebook = await get('me/notebook');
  const node = h('div', { class: 'column' });
  const told = h('div', {});
  let topic = '';
  const draw = () => {
    const topics = [...new Set(notebook.items.map((entry) => entry.topic))].sort();
    if (!topics.includes(topic)) topic = '';
    const shown = notebook.items.filter((entry) => !topic || entry.topic === topic);
    const groups = topics.filter((one) => shown.some((entry) => entry.topic === one));
    put(node, head(t('nav.mistakes'), { lead: t('mistakes.lead') }),
      notebook.withheld > 0 && notice('info', t('mistakes.withheld', { n: number(notebook.withheld) })),
      notebook.items.length > 0 && again(),
      told,
      topics.length > 1 && h('div', { class: 'filters' }, field(t('mistakes.topic'),
        select([['', t('mistakes.all')], ...topics.map((one) => [one, title(one)])], topic, { onchange: (event) => { topic = event.target.value; draw(); } }))),
      shown.length ? groups.map((one) => h('section', { class: 'section', 'aria-label': title(one) },
        h('h2', {}, title(one)), h('ol', { class: 'review' }, shown.filter((entry) => entry.topic === one).map((entry) => card(entry, remove)))))
        : notebook.withheld === 0 && empty(t('mistakes.none'), t('mistakes.none_text'), link('/exams', t('nav.exams'), 'button')));
  };

  /** A practice of what stands here, for one exam at a time. */
  function again() {
    const exams = [...new Map(notebook.items.map((entry) => [entry.exam, entry.exam_title]))];
    const chosen = select(exams.map(([id, words]) => [id, words]), exams[0][0]);
    const command = uuid();
    return h('div', { class: 'filters' },
      exams.length > 1 && field(t('exam'), chosen),
      working(t('mistakes.practise'), async () => {
        put(told);
        try {
          const attempt = await post(`exams/${chosen.value}/attempts`, { command_id: command, mode: 'practice', from: 'notebook', count: MOST });
          await context.go(`/attempts/${attempt.id}`);
        } catch (problem) {
          if (problem.code === 'attempt_open' && problem.attempt) {
            const on = await sure({ title: t('attempt_open.title'), text: t('attempt_open.text'), yes: t('exam.resume'), danger: false });
            if (on) await context.go(`/attempts/${problem.attempt}`);
            return;
          }
          put(told, trouble(problem));
        }
      }));
  }

  async function remove(entry) {
    put(told);
    try {
      await call('DELETE', `me/notebook/${entry.attempt}/${entry.slot}`);
    } catch (problem) {
      put(told, trouble(problem));
      return;
    }
    notebook.items = notebook.items.filter((other) => other !== entry);
    draw();
    toast(t('mistakes.removed'));
    node.querySelector('h1').focus();
  }
  draw();
  return { node, title: t('nav.mistakes') };
}

const title = (topic) => (topic ? topic.split('/').join(' › ') : t('mistakes.no_topic'));

/** The answer is hidden until asked for: so that it can be tried again. */
function card(entry, remove) {
  const slot = entry.question;
  const stem = uid('stem');
  const area = h('div', { class: 'stack' });
  const gone = () => button(t('remove'), () => remove(entry), 'text');
  const hidden = () => put(area, control(slot, null, () => {}, { labelledby: stem }),
    h('div', { class: 'actions' }, button(t('mistakes.show'), shown, 'primary'), gone()));
  const shown = () => {
    put(area,
      CHOICES.includes(slot.kind) ? control(slot, entry.response, () => {}, { locked: true, key: entry.key, labelledby: stem })
        : h('p', {}, h('span', { class: 'quiet' }, t('review.yours')), words(slot, entry.response)),
      h('p', {}, h('span', { class: 'quiet' }, t('review.key')), words(slot, entry.key)),
      entry.explanation && h('div', { class: 'explain' }, h('p', { class: 'label' }, t('review.explanation')), rich(entry.explanation)),
      h('div', { class: 'actions' }, button(t('mistakes.hide'), hidden), gone()));
    say(`${t('review.key')}${words(slot, entry.key)}`);
  };
  hidden();
  return h('li', { class: 'card stack' },
    h('div', { class: 'row' },
      h('span', { class: 'quiet small' }, `${kindName(slot.kind)} · ${entry.exam_title} · ${day(entry.last_wrong_at)}`),
      h('span', {}, badge(t('mistakes.times', { n: entry.wrong }), 'warn'), entry.right > 0 && [' ', badge(t('mistakes.right', { n: entry.right }), 'good')])),
    h('div', { id: stem }, rich(slot.stem)), area);
}
