// What a proctor may do to an attempt: each with a reason that stands in its log beside the proctor's name.
import { post } from '../core/api.js';
import { dialog, sure, toast } from '../core/dialog.js';
import { h, put, uuid } from '../core/dom.js';
import { t } from '../core/i18n.js';
import { button, field, notice, trouble, working } from '../core/parts.js';

const ACTIONS = ['warn', 'pause', 'resume', 'extend', 'terminate'];
const MINUTES_MAX = 600;

/** Which acts make sense in a state. */
export function actions(state) {
  if (state === 'paused') return ['resume', 'terminate'];
  return state === 'open' ? ACTIONS.filter((action) => action !== 'resume') : [];
}

/** Asks for the act and its reason, and does it. Whether something was done. */
export async function act(session, only) {
  const possible = only ? [only] : actions(session.state);
  return (await dialog({
    title: t('act.title', { name: session.learner_name }),
    build: (close) => {
      let action = possible[0];
      const told = h('div', {});
      const reason = h('textarea', { maxlength: 500, rows: 3 });
      const reasonLine = field(t('act.reason'), reason, { hint: t('act.reason_hint') });
      const minutes = h('input', { type: 'number', min: 1, max: MINUTES_MAX, value: 10, inputmode: 'numeric' });
      const minutesLine = field(t('act.minutes'), minutes);
      const hint = h('div', {});
      const name = `act-${Date.now()}`;
      const pick = (next) => {
        action = next;
        minutesLine.hidden = action !== 'extend';
        put(hint, notice(action === 'terminate' ? 'bad' : 'info', t(`act.${action}.text`)));
      };
      const send = working(t('act.do'), async () => {
        put(told);
        reasonLine.fault(reason.value.trim() ? '' : t('required'));
        const count = Number(minutes.value);
        const wrong = action === 'extend' && !(Number.isInteger(count) && count >= 1 && count <= MINUTES_MAX);
        minutesLine.fault(wrong ? t('act.minutes_wrong', { n: MINUTES_MAX }) : '');
        if (!reason.value.trim() || wrong) return;
        if (action === 'terminate' && !(await sure({
          title: t('act.terminate.sure'), text: t('act.terminate.sure_text', { name: session.learner_name }), yes: t('act.terminate'),
        }))) return;
        try {
          await post(`attempts/${session.attempt}/actions`, {
            command_id: command, action, reason: reason.value.trim(), ...(action === 'extend' ? { minutes: count } : {}),
          });
          toast(t('act.done', { action: t(`act.${action}`), name: session.learner_name }));
          close(true);
        } catch (problem) {
          // Another try of another act is another command.
          if (!problem.temporary) command = uuid();
          put(told, trouble(problem));
        }
      }, 'primary');
      let command = uuid();
      pick(action);
      return h('div', { class: 'stack' },
        possible.length > 1 && h('fieldset', {}, h('legend', {}, t('act.choose')), possible.map((one) => h('label', { class: 'check' },
          h('input', { type: 'radio', name, checked: one === action, onchange: () => pick(one) }), h('span', {}, t(`act.${one}`))))),
        hint, reasonLine, minutesLine, told,
        h('div', { class: 'actions' }, send, button(t('cancel'), () => close())));
    },
  })) === true;
}
