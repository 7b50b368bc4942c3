// Signing in.
import { h, put } from '../core/dom.js';
import { t } from '../core/i18n.js';
import { button, field, notice, trouble, working } from '../core/parts.js';
import { signIn } from '../core/session.js';
import { tools } from '../core/shell.js';
import { match } from '../routes.js';

/** Where somebody wanted to go, if that is a page of ours. */
function ownPage(next) {
  const url = new URL(next || '/', location.origin);
  return url.origin === location.origin && match(url.pathname) ? url.pathname + url.search : '/';
}

export default async function page(context) {
  const username = h('input', { type: 'text', name: 'username', autocomplete: 'username', autocapitalize: 'none', spellcheck: 'false', required: true });
  const password = h('input', { type: 'password', name: 'password', autocomplete: 'current-password', required: true });
  const names = [field(t('username'), username), field(t('password'), password)];
  const told = h('div', {});
  const submit = working(t('sign_in'), () => enter(), 'primary wide', { type: 'submit' });
  let busy = false;

  async function enter() {
    if (busy) return;
    put(told);
    names[0].fault(username.value.trim() ? '' : t('required'));
    names[1].fault(password.value ? '' : t('required'));
    if (!username.value.trim() || !password.value) {
      (username.value.trim() ? password : username).focus();
      return;
    }
    busy = true;
    try {
      await signIn(username.value.trim(), password.value);
      await context.go(ownPage(context.query.get('next')), { replace: true });
    } catch (problem) {
      put(told, trouble(problem));
      password.select();
      password.focus();
    } finally {
      busy = false;
    }
  }

  const form = h('form', { class: 'form', novalidate: true, onsubmit: (event) => { event.preventDefault(); submit.click(); } },
    context.query.get('ended') && notice('info', t('sign_in.ended')),
    told, names, submit);
  // The button sends by itself; the form's own sending would do it twice.
  submit.type = 'button';
  const hidden = button('', () => {}, 'unseen', { type: 'submit', tabindex: '-1', 'aria-hidden': 'true' });
  form.append(hidden);
  return {
    title: t('sign_in'),
    node: h('main', { class: 'door', id: 'main' },
      h('div', { class: 'card' },
        h('div', { class: 'door-brand' }, h('span', { class: 'seal', 'aria-hidden': 'true' }, '科'), h('h1', { tabindex: '-1' }, t('brand')), h('p', { class: 'quiet' }, t('brand.words'))),
        form),
      h('div', { class: 'actions' }, tools())),
  };
}
