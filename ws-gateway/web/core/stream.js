// The socket of the stream: by a single-use ticket, with full-jitter back-off, until it is told for good to stay away.
// Pages work without it and ask by HTTP instead; with it they hear at once what others do.
import { post } from './api.js';

const CONNECT_MS = 5000;
const BACKOFF_MS = 1000;
const BACKOFF_MAX_MS = 30000;
/** Close codes from here on are final. */
const FINAL = 4400;
const FINAL_END = 4500;
/** Refusals of a ticket that no waiting changes. */
const REFUSED = [400, 401, 403, 404];

export class Stream {
  /**
   * `onmessage(message)` gets each message, `onopen()` and `ondown(final)` tell how it stands. `quietMs` is how long
   * nothing may come before the socket counts as dead, where the server is known to speak regularly. `heard` is the
   * number of the last message that came to a page before this one: what came after it is told again.
   */
  constructor({ purpose, id, onmessage, onopen = () => {}, ondown = () => {}, quietMs, heard, signal }) {
    Object.assign(this, { purpose, id, onmessage, onopen, ondown, quietMs });
    this.failures = 0;
    this.resume = heard === undefined ? null : { session: '', seq: heard };
    this.over = false;
    const back = () => { if (!this.over && !this.socket && this.timer) this.#in(0); };
    window.addEventListener('online', back);
    window.addEventListener('pageshow', back);
    signal.addEventListener('abort', () => {
      window.removeEventListener('online', back);
      window.removeEventListener('pageshow', back);
      this.close();
    }, { once: true });
    this.#connect();
  }

  /** For good. */
  close() {
    this.over = true;
    clearTimeout(this.timer);
    clearTimeout(this.quiet);
    if (this.socket) this.socket.close(1000);
    this.socket = null;
  }

  #in(ms) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.#connect(), ms);
  }

  async #connect() {
    clearTimeout(this.timer);
    this.timer = null;
    let ticket;
    try {
      ({ ticket } = await post('tickets', { purpose: this.purpose, id: this.id }));
    } catch (problem) {
      if (!problem.code) throw problem;
      this.#down(REFUSED.includes(problem.status), problem.retryAfterMs);
      return;
    }
    if (this.over) return;
    const socket = new WebSocket(`${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/api/v1/stream`, 'exam.v1');
    this.socket = socket;
    // Some networks keep a socket half open for minutes: whoever says nothing is left.
    this.#listen(socket, CONNECT_MS);
    socket.onopen = () => socket.send(JSON.stringify({ t: 'hello', ticket, ...(this.resume ? { resume: this.resume } : {}) }));
    socket.onmessage = (event) => {
      if (socket !== this.socket) return;
      this.#listen(socket, this.quietMs);
      this.#heard(JSON.parse(event.data));
    };
    socket.onclose = (event) => {
      if (socket !== this.socket) return;
      clearTimeout(this.quiet);
      this.socket = null;
      this.#down(event.code >= FINAL && event.code < FINAL_END);
    };
  }

  #listen(socket, ms) {
    clearTimeout(this.quiet);
    if (!ms) return;
    this.quiet = setTimeout(() => {
      if (socket !== this.socket) return;
      this.socket = null;
      socket.close();
      this.#down(false);
    }, ms);
  }

  #heard(message) {
    if (message.t === 'resync') {
      this.resume = null;
      this.socket.close(1000);
      return;
    }
    if (message.t === 'welcome') {
      this.failures = 0;
      // What was missed comes after the welcome: until it is here it counts as missed.
      this.resume = message.seq === undefined ? null : { session: message.session, seq: this.resume ? this.resume.seq : message.seq };
      this.onopen();
    } else if (this.resume && message.seq !== undefined) {
      this.resume.seq = message.seq;
    }
    this.onmessage(message);
  }

  #down(final, askedMs = 0) {
    if (this.over) return;
    this.ondown(final);
    if (final) {
      this.over = true;
      return;
    }
    const most = Math.min(BACKOFF_MAX_MS, BACKOFF_MS * 2 ** this.failures);
    this.failures = Math.min(this.failures + 1, 10);
    this.#in(askedMs + Math.random() * most);
  }
}
