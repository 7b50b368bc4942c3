// What the page notices while an exam runs, told to the server and explained to the learner before the start. It
// decides nothing: see docs/integrity.md.
import { post } from '../core/api.js';

const GATHER_MS = 3000;
const KEEP_MAX = 200;
const SEND_MAX = 100;

/** Watches until `signal` is aborted. `now` is the server's time. */
export function watch(attempt, now, signal) {
  let waiting = [];
  let timer = null;

  const send = async (keepalive = false) => {
    clearTimeout(timer);
    timer = null;
    const batch = waiting.slice(0, SEND_MAX);
    if (!batch.length) return;
    waiting = waiting.slice(batch.length);
    try {
      await post(`attempts/${attempt}/signals`, { signals: batch }, { keepalive });
    } catch (problem) {
      // Kept for later, unless the server does not want them any more.
      if (problem.temporary || problem.status === 401) waiting = [...batch, ...waiting].slice(-KEEP_MAX);
    }
  };
  const note = (kind, detail, keepalive = false) => {
    waiting.push({ kind, at: new Date(now()).toISOString(), ...(detail ? { detail } : {}) });
    waiting = waiting.slice(-KEEP_MAX);
    if (keepalive) send(true);
    else if (!timer) timer = setTimeout(send, GATHER_MS);
  };
  const listen = (target, kind, run) => {
    // Not by the `signal` option of listeners, which is younger than some WebViews.
    target.addEventListener(kind, run);
    signal.addEventListener('abort', () => target.removeEventListener(kind, run), { once: true });
  };

  listen(window, 'blur', () => note('blur'));
  listen(window, 'focus', () => note('focus'));
  listen(document, 'visibilitychange', () => note(document.hidden ? 'hidden' : 'visible', null, document.hidden));
  listen(document, 'copy', () => note('copy'));
  listen(document, 'paste', () => note('paste'));
  listen(document, 'fullscreenchange', () => { if (!document.fullscreenElement) note('fullscreen_exit'); });
  listen(window, 'offline', () => note('offline'));
  listen(window, 'online', () => { note('online'); send(); });
  let size = [window.innerWidth, window.innerHeight];
  listen(window, 'resize', () => {
    // A keyboard that opens on a phone changes the height alone.
    if (Math.abs(window.innerWidth - size[0]) < 80) return;
    size = [window.innerWidth, window.innerHeight];
    note('resize', size.join('x'));
  });
  if (window.screen && window.screen.isExtended) note('multi_screen');
  // The first word: that this page reports at all.
  note(document.hidden ? 'hidden' : 'visible');
  listen(window, 'pagehide', () => send(true));
  signal.addEventListener('abort', () => send(true), { once: true });
}
