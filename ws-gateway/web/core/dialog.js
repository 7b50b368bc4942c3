// What speaks up: dialogs, short messages, and what a screen reader hears of changes on the page.
import { h, put, uid } from './dom.js';
import { t } from './i18n.js';

const FOCUSABLE = 'a[href], button:not([disabled]), input:not([disabled]), select:not([disabled]), textarea:not([disabled]), [tabindex="0"]';

const open = new Set();

/** Closes all dialogs: the page under them is going. */
export const closeAll = () => [...open].forEach((close) => close());

/**
 * A dialog over the page. `body` is a node; `build(close)` may make it instead. The promise gives what `close` was
 * called with, `undefined` for Escape and the close button. `locked` dialogs are left by their own buttons only.
 */
export function dialog({ title, body, build, actions = [], kind = 'dialog', locked = false, wide = false }) {
  return new Promise((resolve) => {
    const before = document.activeElement;
    const app = document.getElementById('app');
    const heading = uid('dialog');
    const close = (value) => {
      open.delete(close);
      document.removeEventListener('keydown', keys, true);
      layer.remove();
      if (!document.querySelector('.layer')) {
        app.removeAttribute('aria-hidden');
        document.documentElement.classList.remove('held');
      }
      if (before && before.isConnected) before.focus();
      resolve(value);
    };
    const keys = (event) => {
      if (layer !== [...document.querySelectorAll('.layer')].pop()) return;
      if (event.key === 'Escape' && !locked) {
        event.preventDefault();
        close();
      } else if (event.key === 'Tab') {
        trap(event, layer);
      }
    };
    const content = build ? build(close) : body;
    const buttons = actions.map(({ label, value, style = 'plain', run }) =>
      h('button', { type: 'button', class: `button ${style}`, onclick: () => (run ? run(close) : close(value)) }, label));
    const box = h('div', { class: `dialog${wide ? ' wide' : ''}`, role: kind, 'aria-modal': 'true', 'aria-labelledby': heading, tabindex: '-1' },
      h('div', { class: 'dialog-head' },
        h('h2', { id: heading }, title),
        !locked && h('button', { type: 'button', class: 'icon-button', 'aria-label': t('close'), onclick: () => close() }, '✕')),
      h('div', { class: 'dialog-body' }, content),
      buttons.length > 0 && h('div', { class: 'dialog-foot' }, buttons));
    const layer = h('div', { class: 'layer', onclick: (event) => event.target === layer && !locked && kind === 'dialog' && !holdsWork(box) && close() }, box);
    open.add(close);
    document.body.append(layer);
    app.setAttribute('aria-hidden', 'true');
    document.documentElement.classList.add('held');
    document.addEventListener('keydown', keys, true);
    (box.querySelector('[autofocus]') || box).focus();
  });
}

/** Whether somebody may have written something: a click beside the dialog must not lose it. */
const holdsWork = (box) => Boolean(box.querySelector('input, textarea, select'));

function trap(event, layer) {
  const all = [...layer.querySelectorAll(FOCUSABLE)].filter((element) => element.offsetParent !== null);
  if (!all.length) {
    event.preventDefault();
    return;
  }
  const [first, last] = [all[0], all[all.length - 1]];
  const here = document.activeElement;
  if (event.shiftKey && (here === first || !all.includes(here))) {
    event.preventDefault();
    last.focus();
  } else if (!event.shiftKey && (here === last || !layer.contains(here))) {
    event.preventDefault();
    first.focus();
  }
}

/** Asks before something that cannot be undone. `true` if the person wants it. */
export async function sure({ title, text, yes, no = t('cancel'), danger = true, more }) {
  const body = h('div', {}, h('p', {}, text), more);
  const actions = [
    { label: no, value: false, style: 'plain' },
    { label: yes, value: true, style: danger ? 'danger' : 'primary' },
  ];
  return (await dialog({ title, body, actions, kind: 'alertdialog' })) === true;
}

const live = {};

/** Lets a screen reader say it; nothing is seen. */
export function say(words, assertive = false) {
  const kind = assertive ? 'assertive' : 'polite';
  if (!live[kind]) {
    live[kind] = h('div', { class: 'unseen', 'aria-live': kind, role: assertive ? 'alert' : 'status' });
    document.body.append(live[kind]);
  }
  put(live[kind]);
  setTimeout(() => put(live[kind], words), 50);
}

let shelf;

/** A short message that goes by itself; what a person has to act on is never said this way alone. `said`: it is heard already. */
export function toast(words, kind = 'good', said = false) {
  if (!shelf) {
    shelf = h('div', { class: 'shelf', role: 'status', 'aria-live': 'polite' });
    document.body.append(shelf);
  }
  const note = h('div', { class: `toast ${kind}`, 'aria-hidden': said ? 'true' : null }, words);
  shelf.append(note);
  setTimeout(() => note.remove(), 6000);
}
