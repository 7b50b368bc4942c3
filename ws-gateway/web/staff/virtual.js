// A list of any length that holds only the rows that are seen. Rows are of one height, which the style sheet sets.
import { h } from '../core/dom.js';

const MARGIN = 8;

/**
 * `row(item)` makes a row's element; `show(items)` shows other items and keeps the place, and by `key(item)` the focus.
 */
export function virtualList(label, row, key = (item) => item) {
  const rows = h('div', { class: 'virtual-rows', role: 'list' });
  const element = h('div', { class: 'virtual', role: 'region', 'aria-label': label, tabindex: '0' }, rows);
  let items = [];
  let height = 0;
  const made = new Map();

  const measure = () => {
    const probe = h('div', { class: 'virtual-row' });
    rows.append(probe);
    height = probe.offsetHeight || 72;
    probe.remove();
  };
  const draw = () => {
    if (!element.isConnected) return;
    if (!height) measure();
    rows.style.height = `${items.length * height}px`;
    const first = Math.max(0, Math.floor(element.scrollTop / height) - MARGIN);
    const last = Math.min(items.length, Math.ceil((element.scrollTop + element.clientHeight) / height) + MARGIN);
    for (const [index, old] of made) {
      const gone = (index < first || index >= last) && !old.contains(document.activeElement);
      if (gone) {
        old.remove();
        made.delete(index);
      }
    }
    for (let index = first; index < last; index += 1) {
      if (made.has(index)) continue;
      const one = row(items[index]);
      one.classList.add('virtual-row');
      const holder = h('div', { role: 'listitem', 'aria-setsize': String(items.length), 'aria-posinset': String(index + 1) }, one);
      one.style.setProperty('top', `${index * height}px`);
      // In their order, so that the keyboard goes through them as the eye does.
      const next = [...made.keys()].filter((key) => key > index).sort((a, b) => a - b)[0];
      rows.insertBefore(holder, next === undefined ? null : made.get(next));
      made.set(index, holder);
    }
  };
  /** Which part of which row has the focus. */
  const focused = () => {
    for (const [index, one] of made) {
      if (!one.contains(document.activeElement)) continue;
      const tag = document.activeElement.tagName;
      return { key: key(items[index]), tag, place: [...one.querySelectorAll(tag)].indexOf(document.activeElement) };
    }
    return null;
  };
  element.addEventListener('scroll', () => window.requestAnimationFrame(draw));
  const resized = () => {
    height = 0;
    made.forEach((one) => one.remove());
    made.clear();
    draw();
  };
  if (typeof ResizeObserver === 'function') new ResizeObserver(resized).observe(element);
  return {
    element,
    show(next) {
      const focus = focused();
      items = next;
      made.forEach((one) => one.remove());
      made.clear();
      draw();
      // Before it is on the page there is nothing to measure.
      if (!element.isConnected) setTimeout(draw);
      const again = focus && made.get(items.findIndex((item) => key(item) === focus.key));
      const target = again && again.querySelectorAll(focus.tag)[focus.place];
      if (target) target.focus({ preventScroll: true });
    },
  };
}
