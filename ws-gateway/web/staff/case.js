// Cases: what can be decided, and opening one. Each act names the person and takes a reason.
import { post } from '../core/api.js';
import { dialog, sure, toast } from '../core/dialog.js';
import { h, put, uid, uuid } from '../core/dom.js';
import { number, t } from '../core/i18n.js';
import { button, field, notice, trouble, working } from '../core/parts.js';

/** States of cases and their colour. */
export const CASES = { open: 'warn', second_review: 'info', cleared: 'good', confirmed: 'bad' };

const REASON_CHARS_MAX = 1000;

/** The form of a decision; `done()` once it is taken. */
export function decisionForm(one, done) {
  const possible = one.state === 'second_review' ? ['cleared', 'confirmed'] : ['cleared', 'second_review', 'confirmed'];
  const [told, hint, name] = [h('div', {}), h('div', {}), uid('decision')];
  let chosen;
  let command = uuid();
  const pick = (decision) => {
    chosen = decision;
    put(hint, notice(decision === 'confirmed' ? 'bad' : 'info', t(`case.decision.${decision}.text`, { n: number(one.hours_granted) })));
  };
  const reason = h('textarea', { maxlength: REASON_CHARS_MAX, rows: 3 });
  const line = field(t('act.reason'), reason, { hint: t('case.reason_hint') });
  const send = working(t('case.decide_do'), async () => {
    put(told);
    line.fault(reason.value.trim() ? '' : t('required'));
    if (!chosen) put(told, notice('warn', t('case.choose_first')));
    if (!chosen || !reason.value.trim()) return;
    // Asking for another person can be made up for; a conclusion cannot.
    if (chosen !== 'second_review' && !(await sure({
      title: t(`case.decision.${chosen}.sure`), text: t(`case.decision.${chosen}.sure_text`, { name: one.learner_name, n: number(one.hours_granted) }),
      yes: t(`case.decision.${chosen}`), danger: chosen === 'confirmed',
    }))) return;
    try {
      await post(`cases/${one.case}/decisions`, { command_id: command, decision: chosen, reason: reason.value.trim() });
      toast(t('case.done', { decision: t(`case.decision.${chosen}`), name: one.learner_name }));
      done();
    } catch (problem) {
      // Another try of another decision is another command.
      if (!problem.temporary) command = uuid();
      put(told, trouble(problem));
    }
  }, 'primary');
  return h('div', { class: 'stack' },
    h('fieldset', {}, h('legend', {}, t('case.choose')), possible.map((decision) => h('label', { class: 'check' },
      h('input', { type: 'radio', name, onchange: () => pick(decision) }), h('span', {}, t(`case.decision.${decision}`))))),
    hint, line, told, h('div', { class: 'actions' }, send));
}

/** Asks for a look at an attempt, or for another one at what was decided. Whether it was asked for. */
export async function openCase(attempt, name, again = false) {
  return (await dialog({
    title: t(again ? 'case.reopen_title' : 'case.open_title', { name }),
    build: (close) => {
      const told = h('div', {});
      const reason = h('textarea', { maxlength: REASON_CHARS_MAX, rows: 3 });
      const line = field(t('act.reason'), reason, { hint: t('act.reason_hint') });
      let command = uuid();
      const send = working(t(again ? 'case.reopen' : 'case.open'), async () => {
        put(told);
        line.fault(reason.value.trim() ? '' : t('required'));
        if (!reason.value.trim()) return;
        try {
          await post(`attempts/${attempt}/case`, { command_id: command, reason: reason.value.trim() });
          close(true);
        } catch (problem) {
          if (!problem.temporary) command = uuid();
          put(told, trouble(problem));
        }
      }, 'primary');
      return h('div', { class: 'stack' }, notice('info', t(again ? 'case.reopen_text' : 'case.open_text')), line, told,
        h('div', { class: 'actions' }, send, button(t('cancel'), () => close())));
    },
  })) === true;
}
