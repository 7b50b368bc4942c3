// The frame around every page: brand, navigation, language, theme, the person.
import { h, put } from './dom.js';
import { current, t } from './i18n.js';
import { settings } from './keep.js';
import { is, me } from './session.js';

let frame;
/** Entries beyond which the navigation closes ranks. */
const MANY = 7;

/** Shows a page in its frame. `bare` pages (signing in, an exam) have none. */
export function show(node, { title, bare = false, path }) {
  document.title = title ? `${title} · ${t('brand')}` : t('brand');
  const app = document.getElementById('app');
  if (bare) {
    frame = undefined;
    put(app, node);
  } else {
    const signature = `${me() && me().id} ${current()}`;
    if (!frame || frame.signature !== signature) {
      frame = build();
      frame.signature = signature;
      put(app, frame.skip, frame.header, frame.main);
    }
    put(frame.main, node);
    // Below what is still to come there is nothing yet: it would be pushed away. Each page has a foot of its own.
    if (frame.footer) frame.footer.remove();
    frame.footer = node.classList.contains('skeletons') ? null : foot();
    if (frame.footer) app.append(frame.footer);
    for (const anchor of frame.header.querySelectorAll('nav a')) {
      if (belongs(anchor.getAttribute('href'), path)) {
        anchor.setAttribute('aria-current', 'page');
        // On a phone the navigation is wider than the screen.
        anchor.parentElement.scrollLeft = anchor.offsetLeft - anchor.parentElement.offsetLeft - 16;
      } else {
        anchor.removeAttribute('aria-current');
      }
    }
  }
}

/** Whether a page stands under an entry of the navigation. */
function belongs(href, path) {
  return href === '/' ? path === '/' : path === href || path.startsWith(`${href}/`);
}

/** The frame is made anew, say in another language. */
export function renew() {
  frame = undefined;
}

function build() {
  const list = entries();
  const main = h('main', { id: 'main', class: 'main' });
  const skip = h('button', { type: 'button', class: 'skip', onclick: () => (main.querySelector('h1') || main).focus() }, t('skip'));
  const header = h('header', { class: 'top' },
    h('div', { class: 'top-row' },
      h('a', { class: 'brand', href: '/' }, h('span', { class: 'seal', 'aria-hidden': 'true' }, '科'), h('span', {}, t('brand'))),
      h('nav', { class: `nav${list.length > MANY ? ' many' : ''}`, 'aria-label': t('nav.main') }, list.map(([href, words]) => h('a', { href }, words))),
      h('div', { class: 'tools' }, tools(), person())));
  return { skip, header, main };
}

const foot = () => h('footer', { class: 'foot' },
  h('p', {}, t('foot.words')),
  h('p', {}, h('a', { href: '/docs/', 'data-away': '' }, t('foot.api'))));

/** What the person's roles have to do here. */
export function entries() {
  const list = [];
  if (is('learner')) {
    list.push(['/', t('nav.year')], ['/courses', t('nav.courses')], ['/exams', t('nav.exams')], ['/history', t('nav.history')], ['/mistakes', t('nav.mistakes')]);
  }
  if (is('author', 'admin')) list.push(['/author/banks', t('nav.banks')], ['/author/exams', t('nav.author_exams')]);
  if (is('proctor', 'admin')) list.push(['/proctor', t('nav.proctor')]);
  if (is('proctor', 'admin', 'city_admin')) list.push(['/cases', t('nav.cases')]);
  if (is('unit_admin', 'district_admin', 'city_admin', 'admin')) {
    list.push(['/site/people', t('nav.people')], ['/site/results', t('nav.results')], ['/site/units', t('nav.units')]);
  }
  if (is('admin')) list.push(['/site/partners', t('nav.partners')]);
  if (is('admin', 'city_admin')) list.push(['/site/audit', t('nav.audit')]);
  if (is('operator', 'admin')) list.push(['/site/status', t('nav.status')]);
  return list;
}

/** Language and theme; also on pages without a frame. */
export function tools() {
  const language = current() === 'en' ? ['zh-CN', '中文'] : ['en', 'English'];
  const dark = isDark();
  return [
    h('button', { type: 'button', class: 'tool', lang: language[0], onclick: () => document.dispatchEvent(new CustomEvent('keju:language', { detail: language[0] })) }, language[1]),
    h('button', { type: 'button', class: 'tool', 'aria-pressed': String(dark), onclick: (event) => {
      const next = !isDark();
      settings.set('theme', next ? 'dark' : 'light');
      document.documentElement.setAttribute('data-theme', next ? 'dark' : 'light');
      event.currentTarget.setAttribute('aria-pressed', String(next));
    } }, t('theme.dark')),
  ];
}

function isDark() {
  const chosen = document.documentElement.getAttribute('data-theme');
  return chosen ? chosen === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
}

function person() {
  if (!me()) return null;
  return [
    h('a', { class: 'tool who', href: '/home' }, me().name),
    h('button', { type: 'button', class: 'tool', onclick: () => document.dispatchEvent(new CustomEvent('keju:sign-out')) }, t('sign_out')),
  ];
}
