// The beginning: who is signed in, which page, and from one page to the next.
import { h } from './core/dom.js';
import { speak, speakOfStaff, t } from './core/i18n.js';
import { say, toast } from './core/dialog.js';
import { forget, is, me, recall, signOut } from './core/session.js';
import { entries, renew, show } from './core/shell.js';
import { empty, head, link, skeleton, stylesheet, trouble } from './core/parts.js';
import { match } from './routes.js';

/** What the page at hand wants to happen before it is left: `false` stays. */
let guard = null;
/** Aborted when the page is left. */
let leaving = null;
let visits = 0;
/** The address of the page at hand, to go back to when leaving it is refused. */
let shownPath = '';

/** Goes to a page of the site. */
export async function go(path, { replace = false } = {}) {
  if (guard && !(await guard(path))) return;
  history[replace ? 'replaceState' : 'pushState']({}, '', path);
  await visit();
}

async function visit({ focus = true } = {}) {
  const path = location.pathname;
  guard = null;
  shownPath = path + location.search;
  if (leaving) leaving.abort();
  leaving = new AbortController();
  visits += 1;
  const own = visits;
  const here = () => own === visits;

  const found = match(path);
  const away = redirection(path, found);
  if (away) {
    history.replaceState({}, '', away);
    return visit({ focus });
  }
  if (!found) return finish(missing(), { title: t('missing.title'), path }, focus);

  const { route, params } = found;
  const waiting = setTimeout(() => here() && !route.bare && show(skeleton(6), { title: '', path }), 200);
  const context = {
    params, path, go, signal: leaving.signal,
    query: new URLSearchParams(location.search),
    /** Asks before the page is left; also when the tab is closed, if it says so itself. */
    guard: (ask) => { guard = ask; },
    again: () => visit({ focus: false }),
  };
  let made;
  try {
    const [module] = await Promise.all([route.load(), route.staff && speakOfStaff(), route.staff && stylesheet('staff.css')]);
    made = await module.default(context);
  } catch (problem) {
    if (!here()) return undefined;
    if (problem.status === 401) return expired(path);
    if (problem.code === 'password_change_required') return go('/password', { replace: true });
    const node = h('div', { class: 'column' }, head(t('problem.page')), trouble(moduleProblem(problem), () => visit()), h('p', { class: 'section' }, link('/', t('missing.home'), 'button')));
    made = { node, title: t('problem.page') };
  } finally {
    clearTimeout(waiting);
  }
  if (!here()) return undefined;
  return finish(made.node, { title: made.title, bare: route.bare, path }, focus);
}

/** A module that does not arrive is a network that is away. */
function moduleProblem(problem) {
  if (problem instanceof TypeError && /import|module|fetch/i.test(problem.message)) {
    return { code: 'network', errors: [], temporary: true };
  }
  return problem;
}

function finish(node, page, focus) {
  show(node, page);
  window.scrollTo(0, 0);
  const heading = document.querySelector('main h1');
  if (focus && heading && visits > 1) heading.focus({ preventScroll: true });
  if (page.title) say(page.title);
}

/** Where somebody goes instead: to sign in, to a new password, to what their role has to do. */
function redirection(path, found) {
  const person = me();
  if (!person) {
    if (found && found.route.open) return null;
    const next = path === '/' ? '' : `?next=${encodeURIComponent(path)}`;
    return `/sign-in${next}`;
  }
  if (person.must_change_password) return path === '/password' ? null : '/password';
  if (path === '/sign-in' || (path === '/' && !is('learner'))) return firstPage();
  if (found && found.route.roles && !is(...found.route.roles)) return firstPage() === path ? '/home' : firstPage();
  return null;
}

/** The first thing of the person's navigation. */
export function firstPage() {
  const list = entries();
  return list.length ? list[0][0] : '/home';
}

function missing() {
  return h('div', { class: 'column' }, head(t('missing.title')), empty(t('missing.text'), null, link('/', t('missing.home'), 'button primary')));
}

function expired(path) {
  forget();
  return go(`/sign-in?next=${encodeURIComponent(path)}&ended=1`, { replace: true });
}

document.addEventListener('click', (event) => {
  if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  const anchor = event.target.closest && event.target.closest('a[href]');
  if (!anchor || anchor.target || anchor.hasAttribute('download') || anchor.hasAttribute('data-away')) return;
  const url = new URL(anchor.href);
  if (url.origin !== location.origin || !match(url.pathname)) return;
  event.preventDefault();
  go(url.pathname + url.search);
});

window.addEventListener('popstate', async () => {
  const target = location.pathname + location.search;
  if (guard) {
    history.pushState({}, '', shownPath);
    if (!(await guard(target))) return;
    history.replaceState({}, '', target);
  }
  await visit();
});

document.addEventListener('keju:language', async (event) => {
  try {
    await speak(event.detail);
  } catch {
    toast(t('problem.network'), 'bad');
    return;
  }
  renew();
  await visit({ focus: false });
});

document.addEventListener('keju:sign-out', async () => {
  if (guard && !(await guard('/sign-in'))) return;
  guard = null;
  try {
    await signOut();
  } catch (problem) {
    show(h('div', { class: 'column' }, head(t('sign_out')), trouble(problem, () => document.dispatchEvent(new CustomEvent('keju:sign-out')))), { title: t('sign_out'), path: '' });
    return;
  }
  renew();
  await go('/sign-in', { replace: true });
});

async function begin() {
  try {
    await speak();
    await recall();
  } catch (problem) {
    if (!problem.code) throw problem;
    show(h('main', { class: 'boot' }, trouble(problem, begin)), { bare: true });
    return;
  }
  await visit();
}

// Only pages by HTTPS, and those of this very machine, can be opened without a network.
if ('serviceWorker' in navigator && window.isSecureContext) {
  window.addEventListener('load', () => navigator.serviceWorker.register('/sw.js').catch(() => {}));
}

begin();
