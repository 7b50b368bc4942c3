// Building elements. No page builds markup from strings, but for what `rich` takes: texts the server sanitized.

/**
 * An element. Properties: `class`, `on…` for listeners, `data` for a dataset, `style` for CSS properties set by
 * script (the policy forbids style attributes), booleans as attributes, everything else as an attribute.
 * Children: nodes, texts, numbers, arrays of them; `null`, `undefined` and `false` are left out.
 */
export function h(tag, props, ...children) {
  return fill(document.createElement(tag), props, children);
}

const SVG = 'http://www.w3.org/2000/svg';

/** The same for SVG. */
export function s(tag, props, ...children) {
  return fill(document.createElementNS(SVG, tag), props, children);
}

function fill(element, props, children) {
  for (const [name, value] of Object.entries(props || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else if (name === 'class') element.setAttribute('class', value);
    else if (name === 'data') Object.assign(element.dataset, value);
    else if (name === 'style') for (const [key, one] of Object.entries(value)) element.style.setProperty(key, one);
    else if (name === 'value' || name === 'checked' || name === 'disabled') element[name] = value;
    else element.setAttribute(name, value === true ? '' : String(value));
  }
  append(element, children);
  return element;
}

function append(element, children) {
  for (const child of children) {
    if (child === null || child === undefined || child === false) continue;
    if (Array.isArray(child)) append(element, child);
    else element.append(child instanceof Node ? child : String(child));
  }
}

/** Puts these children in the place of what an element holds. */
export function put(element, ...children) {
  element.textContent = '';
  append(element, children);
  return element;
}

const ALLOWED = new Set(
  ('P BR B I U S EM STRONG SUB SUP SPAN DIV UL OL LI TABLE CAPTION THEAD TBODY TFOOT TR TD TH CODE PRE BLOCKQUOTE ' +
    'HR H1 H2 H3 H4 H5 H6 IMG DEL INS').split(' '),
);
const ATTRIBUTES = new Set(['src', 'alt', 'width', 'height', 'colspan', 'rowspan']);
const IMAGE = /^data:image\/(png|jpeg|gif|webp)[;,]/;

/**
 * A question's text. The server sanitized it when it was imported; this looks again, so that a fault there
 * shows words and never acts. Headings lose their rank: the page has an outline of its own.
 */
export function rich(html, tag = 'div') {
  const template = document.createElement('template');
  template.innerHTML = html;
  for (const element of [...template.content.querySelectorAll('*')]) {
    if (!ALLOWED.has(element.nodeName)) {
      element.replaceWith(document.createTextNode(element.textContent));
      continue;
    }
    for (const { name, value } of [...element.attributes]) {
      const image = name === 'src' && !(element.nodeName === 'IMG' && IMAGE.test(value));
      if (image || !ATTRIBUTES.has(name)) element.removeAttribute(name);
    }
    if (element.nodeName === 'IMG' && !element.hasAttribute('alt')) element.setAttribute('alt', '');
    if (/^H[1-6]$/.test(element.nodeName)) {
      const plain = h('p', { class: 'rich-heading' });
      plain.append(...element.childNodes);
      element.replaceWith(plain);
    }
  }
  const holder = h(tag, { class: 'rich' });
  holder.append(template.content);
  return holder;
}

/** The words of a question's text. */
export function plain(html) {
  return rich(html).textContent.replace(/\s+/g, ' ').trim();
}

let ids = 0;

/** An id nothing else on the page has. */
export function uid(prefix = 'k') {
  ids += 1;
  return `${prefix}-${ids}`;
}

/** A UUID; `crypto.randomUUID` exists on HTTPS pages only, and examination halls have plain HTTP. */
export function uuid() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
