// A new password: asked for after a first sign-in, and whenever somebody wants one.
import { post } from '../core/api.js';
import { toast } from '../core/dialog.js';
import { h, put } from '../core/dom.js';
import { t } from '../core/i18n.js';
import { button, field, link, notice, trouble, working } from '../core/parts.js';
import { me, recall } from '../core/session.js';
import { tools } from '../core/shell.js';

const LENGTH_MIN = 8;

export default async function page(context) {
  const forced = me().must_change_password;
  const old = h('input', { type: 'password', autocomplete: 'current-password' });
  const fresh = h('input', { type: 'password', autocomplete: 'new-password' });
  const again = h('input', { type: 'password', autocomplete: 'new-password' });
  const lines = [
    field(t('password.old'), old),
    field(t('password.new'), fresh, { hint: t('password.hint', { n: LENGTH_MIN }) }),
    field(t('password.again'), again),
  ];
  const told = h('div', {});

  async function change() {
    put(told);
    lines[0].fault(old.value ? '' : t('required'));
    lines[1].fault(fresh.value.length >= LENGTH_MIN ? '' : t('password.hint', { n: LENGTH_MIN }));
    lines[2].fault(again.value === fresh.value ? '' : t('password.differs'));
    const wrong = [old, fresh, again].find((input) => input.hasAttribute('aria-invalid'));
    if (wrong) {
      wrong.focus();
      return;
    }
    try {
      await post('me/password', { password: old.value, new_password: fresh.value });
      await recall();
      toast(t('password.changed'));
      await context.go('/', { replace: true });
    } catch (problem) {
      const named = { '/password': lines[0], '/new_password': lines[1] };
      const left = (problem.errors || []).filter((error) => {
        if (named[error.pointer]) named[error.pointer].fault(error.detail);
        return !named[error.pointer];
      });
      if (!problem.errors || !problem.errors.length || left.length) put(told, trouble(problem));
      const first = [old, fresh, again].find((input) => input.hasAttribute('aria-invalid'));
      if (first) first.focus();
    }
  }

  const send = working(t('password.change'), change, 'primary wide');
  return {
    title: t('password.title'),
    node: h('main', { class: 'door', id: 'main' },
      h('div', { class: 'card' },
        h('div', { class: 'door-brand' }, h('span', { class: 'seal', 'aria-hidden': 'true' }, '科'), h('h1', { tabindex: '-1' }, t('password.title'))),
        h('form', { class: 'form', novalidate: true, onsubmit: (event) => { event.preventDefault(); send.click(); } },
          forced && notice('info', t('password.first')), told, lines, send,
          button('', () => {}, 'unseen', { type: 'submit', tabindex: '-1', 'aria-hidden': 'true' }),
          !forced && h('p', {}, link('/home', t('cancel'))))),
      h('div', { class: 'actions' }, tools(),
        forced && button(t('sign_out'), () => document.dispatchEvent(new CustomEvent('keju:sign-out')), 'text'))),
  };
}
