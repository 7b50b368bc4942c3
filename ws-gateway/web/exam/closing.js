// The ways out of an exam: handing in, the end of the time, and signing in again in the middle of it.
import { dialog, say } from '../core/dialog.js';
import { h, put } from '../core/dom.js';
import { t } from '../core/i18n.js';
import { button, field, notice, title as problemTitle } from '../core/parts.js';
import { me, signIn } from '../core/session.js';

const RETRY_MS = 2000;
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** The summary, and after it the hand-in. `jump(index)` goes to a question, `done()` when it is handed in. */
export async function handIn(sitting, { jump, done }) {
  const open = sitting.unanswered();
  const flagged = sitting.slots.filter((slot) => sitting.flagged.has(slot.slot));
  const numbers = (slots, close) => h('ul', { class: 'numbers' }, slots.map((slot) => h('li', {}, h('button', {
    type: 'button', class: 'number', 'aria-label': t('question.number', { n: slot.slot }),
    onclick: () => { close('jump'); jump(sitting.slots.indexOf(slot)); },
  }, String(slot.slot)))));
  const answer = await dialog({
    title: t('summary.title'),
    build: (close) => h('div', { class: 'stack' },
      open.length
        ? notice('warn', h('p', { class: 'notice-title' }, t('summary.unanswered', { n: open.length })), numbers(open, close))
        : notice('good', t('summary.all_answered', { n: sitting.slots.length })),
      flagged.length > 0 && notice('info', h('p', { class: 'notice-title' }, t('summary.flagged', { n: flagged.length })), numbers(flagged, close)),
      sitting.outbox.size > 0 && notice('warn', t('summary.pending', { n: sitting.outbox.size })),
      h('p', {}, t(sitting.practice ? 'summary.practice' : 'summary.final'))),
    actions: [{ label: t('summary.back'), value: 'back' }, { label: t('hand_in'), value: 'yes', style: 'primary' }],
  });
  if (answer === 'yes') await sendIn(sitting, done, { title: t('handing_in.title'), stoppable: true });
}

/** The time is over: what waits is sent within the grace, and the attempt handed in. */
export async function endOfTime(sitting, done) {
  say(t('time_up.title'), true);
  await sendIn(sitting, done, { title: t('time_up.title'), stoppable: false });
}

/** Sends what waits and hands in, until it is done or the person stops it. */
async function sendIn(sitting, done, { title, stoppable }) {
  const status = h('p', { role: 'status' }, t('handing_in.text'));
  let stopped = false;
  let finished = false;
  const work = (async () => {
    while (!stopped && !finished) {
      try {
        if (sitting.outbox.size && !sitting.outbox.closed && !(await sitting.outbox.wake())) {
          if (!sitting.outbox.closed) {
            const why = sitting.outbox.hindrance;
            put(status, why === 'paused' || why === 'busy' ? t(`saving.${why}`, { n: sitting.outbox.size }) : t('handing_in.waiting', { n: sitting.outbox.size }));
            await pause(RETRY_MS);
            continue;
          }
        }
        if (stopped) return;
        if (!sitting.outbox.closed) await sitting.submit();
        finished = true;
      } catch (problem) {
        if (!problem.code) throw problem;
        if (problem.status === 401) {
          await signInAgain();
        } else if (!problem.temporary && problem.code !== 'attempt_paused') {
          // Closed already, or nothing that trying again would change: the result page says where it stands.
          finished = true;
        } else {
          put(status, `${problemTitle(problem)}${t('handing_in.retrying')}`);
          await pause(problem.retryAfterMs || RETRY_MS);
        }
      }
    }
  })();
  const box = dialog({
    title, kind: 'alertdialog', locked: true,
    body: h('div', { class: 'stack' }, status, !stoppable && h('p', { class: 'quiet' }, t('time_up.text'))),
    actions: stoppable ? [{ label: t('handing_in.stop'), run: (close) => { stopped = true; close(); } }] : [],
  });
  await Promise.race([work, box]);
  if (finished) done();
}

let again = null;

/** The session ended in the middle: the same person signs in again, over the page, and nothing is lost. */
export function signInAgain() {
  again = again || dialog({
    title: t('again.title'), locked: true,
    build: (close) => {
      const password = h('input', { type: 'password', autocomplete: 'current-password', autofocus: true });
      const line = field(t('password'), password);
      const person = me();
      const form = h('form', { class: 'form', onsubmit: async (event) => {
        event.preventDefault();
        line.fault('');
        try {
          await signIn(person.username, password.value);
          close(true);
        } catch (problem) {
          if (!problem.code) throw problem;
          line.fault(problemTitle(problem));
          password.focus();
        }
      } },
        h('p', {}, t('again.text', { name: person.name })), line,
        button(t('sign_in'), () => {}, 'primary wide', { type: 'submit' }));
      return form;
    },
  }).finally(() => { again = null; });
  return again;
}
