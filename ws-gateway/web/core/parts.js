// The parts pages are made of.
import { h, s, uid } from './dom.js';
import { has, number, percent, span, t } from './i18n.js';

/** A link inside the site. */
export const link = (href, label, style = '') => h('a', { href, class: style || null }, label);

/** A button. */
export function button(label, run, style = 'plain', props = {}) {
  return h('button', { type: 'button', class: `button ${style}`, onclick: run, ...props }, label);
}

/** A button whose work takes a moment: it says so and cannot be pressed twice. */
export function working(label, run, style = 'primary', props = {}) {
  const element = button(label, async () => {
    if (element.getAttribute('aria-disabled') === 'true') return;
    element.setAttribute('aria-disabled', 'true');
    element.classList.add('busy');
    try {
      await run();
    } finally {
      element.removeAttribute('aria-disabled');
      element.classList.remove('busy');
    }
  }, style, props);
  return element;
}

/** A small word of a state. */
export const badge = (words, kind = 'plain') => h('span', { class: `badge ${kind}` }, words);

/** The head of a page. */
export function head(title, { lead, back, actions } = {}) {
  return h('header', { class: 'page-head' },
    back && h('p', { class: 'back' }, h('a', { href: back[0] }, '← ', back[1])),
    h('div', { class: 'page-head-row' }, h('h1', { tabindex: '-1' }, title), actions && h('div', { class: 'actions' }, actions)),
    lead && h('p', { class: 'lead' }, lead));
}

/** A part of a page with a heading of its own. */
export function section(title, ...children) {
  const id = uid('section');
  return h('section', { class: 'section', 'aria-labelledby': id }, h('h2', { id }, title), ...children);
}

/** Nothing here, and what to do about it. */
export function empty(title, text, action) {
  return h('div', { class: 'empty' }, h('p', { class: 'empty-title' }, title), text && h('p', {}, text), action);
}

/** Grey lines where something will stand. */
export function skeleton(lines = 4) {
  return h('div', { class: 'skeletons', 'aria-busy': 'true' },
    h('span', { class: 'unseen', role: 'status' }, t('loading')),
    Array.from({ length: lines }, () => h('div', { class: 'skeleton', 'aria-hidden': 'true' })));
}

/** What to do about a problem, in words. */
export function remedy(problem) {
  const key = `remedy.${problem.code}`;
  if (has(key)) return t(key, { time: problem.retryAfterMs ? span(problem.retryAfterMs) : '' });
  return problem.temporary ? t('remedy.temporary') : '';
}

/** A problem's title in words. */
export const title = (problem) => (has(`problem.${problem.code}`) ? t(`problem.${problem.code}`) : problem.title || t('problem.internal'));

/** A problem, with all its errors and what to do. */
export function trouble(problem, retry) {
  if (!problem.code) {
    // A mistake of a page's own; said as one, and left on the console for whoever mends it.
    console.error(problem);
    problem = { code: 'internal', errors: [], temporary: true };
  }
  const detail = problem.detail && problem.detail !== problem.title ? problem.detail : '';
  return h('div', { class: 'notice bad', role: 'alert' },
    h('p', { class: 'notice-title' }, title(problem)),
    detail && h('p', {}, detail),
    problem.errors.length > 0 && h('ul', {}, problem.errors.map((error) =>
      h('li', {}, error.pointer && h('code', {}, error.pointer), error.pointer && ' ', error.detail))),
    h('p', {}, remedy(problem)),
    retry && h('p', {}, button(t('retry'), retry)));
}

/** A message with a colour of meaning: `info good warn bad`. */
export const notice = (kind, ...children) => h('div', { class: `notice ${kind}` }, children);

/** A labelled input with its hint and, later, its error. `field.fault(words)` shows or clears it. */
export function field(label, input, { hint } = {}) {
  const id = uid('field');
  const [hintId, errorId] = [`${id}-hint`, `${id}-error`];
  input.id = id;
  const error = h('p', { class: 'field-error', id: errorId, hidden: true });
  input.setAttribute('aria-describedby', hint ? `${hintId} ${errorId}` : errorId);
  const element = h('div', { class: 'field' }, h('label', { for: id }, label), hint && h('p', { class: 'hint', id: hintId }, hint), input, error);
  element.fault = (words) => {
    error.hidden = !words;
    error.textContent = words || '';
    if (words) input.setAttribute('aria-invalid', 'true');
    else input.removeAttribute('aria-invalid');
  };
  return element;
}

/** A choice among `[value, words]` pairs. */
export function select(pairs, chosen, props = {}) {
  return h('select', props, pairs.map(([value, words]) => h('option', { value, selected: value === chosen }, words)));
}

/**
 * A table that scrolls by itself on narrow screens, and is a list of cards on phones: the roles are named, because
 * some browsers forget them when a table is laid out otherwise. `cells` are rows of nodes or words.
 */
export function table(caption, heads, cells) {
  return h('div', { class: 'table-holder', tabindex: '0', role: 'region', 'aria-label': caption },
    h('table', { role: 'table' }, h('caption', { class: 'unseen' }, caption),
      h('thead', { role: 'rowgroup' }, h('tr', { role: 'row' }, heads.map((words) => h('th', { scope: 'col', role: 'columnheader' }, words)))),
      h('tbody', { role: 'rowgroup' }, cells.map((row) => h('tr', { role: 'row' }, row.map((cell, index) => h('td', { role: 'cell', data: { name: heads[index] || '' } }, h('span', {}, cell))))))));
}

/** A button that chooses a file; `input` is the field in it. */
export function fileButton(label, props) {
  const name = h('span', { class: 'quiet small' });
  const input = h('input', { type: 'file', class: 'unseen', ...props });
  input.addEventListener('change', () => { name.textContent = input.files.length ? input.files[0].name : ''; });
  return { input, element: h('span', { class: 'actions' }, h('label', { class: 'button file' }, label, input), name) };
}

/** Pairs of a name and what it is. */
export const facts = (pairs) =>
  h('dl', { class: 'facts' }, pairs.filter(Boolean).map(([name, value]) => h('div', {}, h('dt', {}, name), h('dd', {}, value))));

/** A ring that is filled by `share`; what stands in it is for eyes, `label` for ears. */
export function ring(share, label, { size = 168, big, small, kind = '' } = {}) {
  const radius = 45;
  const length = 2 * Math.PI * radius;
  const shown = Math.max(0, Math.min(1, share)) * length;
  return h('div', { class: `ring ${kind}`, role: 'img', 'aria-label': label, style: { '--ring': `${size / 16}rem` } },
    s('svg', { viewBox: '0 0 100 100', 'aria-hidden': 'true' },
      s('circle', { class: 'ring-rest', cx: 50, cy: 50, r: radius }),
      shown > 0 && s('circle', { class: 'ring-done', cx: 50, cy: 50, r: radius, 'stroke-dasharray': `${shown} ${length}`, transform: 'rotate(-90 50 50)' })),
    h('div', { class: 'ring-words', 'aria-hidden': 'true' }, h('strong', {}, big), small && h('span', {}, small)));
}

/** A bar that is filled by `done` of `of`. */
export function bar(label, done, of, unit) {
  const share = of > 0 ? Math.min(1, done / of) : 1;
  return h('div', { class: `bar${share >= 1 ? ' full' : ''}` },
    h('div', { class: 'bar-words' }, h('span', {}, label), h('span', { class: 'bar-figures' }, `${number(done)} / ${number(of)} ${unit}`)),
    h('div', { class: 'bar-track', role: 'progressbar', 'aria-label': label, 'aria-valuemin': '0', 'aria-valuemax': String(of), 'aria-valuenow': String(Math.min(done, of)), 'aria-valuetext': percent(share) },
      h('div', { class: 'bar-fill', style: { width: `${share * 100}%` } })));
}

/** One kind of hours: its own ring, and a bar for each of its two parts. */
export function subjectHours(subject, earned, required) {
  const name = t(`subject.${subject}`);
  // More of one part does not replace the other: what counts is what is not beyond either.
  const counted = ['compulsory', 'elective'].reduce((sum, bucket) => sum + Math.min(earned[bucket], required[bucket]), 0);
  return h('div', { class: 'year-subject' },
    ring(required.total ? counted / required.total : 1, `${name} ${t('year.ring', { done: number(earned.total), all: number(required.total) })}`,
      { size: 104, big: number(earned.total), small: t('year.of_short', { n: number(required.total) }), kind: counted >= required.total ? 'good' : '' }),
    h('div', {}, h('h3', {}, name),
      h('div', { class: 'year-bars' }, ['compulsory', 'elective'].map((bucket) =>
        bar(t(`obligation.${bucket}`), earned[bucket], required[bucket], t('hours'))))));
}

/** A page's own stylesheet, before anything of the page shows: nothing moves when it comes. */
export function stylesheet(name) {
  const href = new URL(`../${name}`, import.meta.url).pathname;
  if (document.querySelector(`link[href="${href}"]`)) return Promise.resolve();
  return new Promise((done) => {
    // A page without its looks is still a page.
    document.head.append(h('link', { rel: 'stylesheet', href, onload: done, onerror: done }));
  });
}

/** The name of a kind of question. */
export const kindName = (kind) => t(`kind.${kind}`);
