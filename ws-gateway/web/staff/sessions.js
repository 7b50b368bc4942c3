// Where a proctor's console has its sessions from: the stream, which tells all of them and then what changes; where it
// cannot be had, the list of the API, read when asked and when the window is looked at again.
import { all } from '../core/api.js';
import { Stream } from '../core/stream.js';

export const MOST = 20000;

export class Sessions {
  /** `onchange()` is called with every change; `signal` ends it. */
  constructor(exam, { onchange, signal }) {
    this.exam = exam;
    this.onchange = onchange;
    this.items = [];
    this.readAt = null;
    this.problem = null;
    this.busy = true;
    /** Whether changes come by themselves. */
    this.live = false;
    this.welcome = false;
    this.arriving = [];
    const again = () => !document.hidden && !this.live && this.refresh();
    window.addEventListener('focus', again);
    signal.addEventListener('abort', () => window.removeEventListener('focus', again), { once: true });
    this.stream = new Stream({
      purpose: 'proctor', id: exam, signal,
      onmessage: (message) => this.#heard(message),
      ondown: () => {
        const first = !this.readAt;
        this.live = false;
        this.welcome = false;
        this.busy = false;
        if (first) this.refresh();
        else this.onchange();
      },
    });
  }

  #heard(message) {
    if (message.t === 'welcome') {
      this.welcome = true;
      this.arriving = [];
    } else if (message.t === 'snapshot') {
      this.arriving.push(...message.items);
      if (!message.more) this.#take(this.arriving, false);
    } else if (message.t === 'delta') {
      const known = new Map(this.items.map((session) => [session.attempt, session]));
      message.items.forEach((session) => known.set(session.attempt, session));
      this.#take([...known.values()], false);
    }
  }

  #take(items, more) {
    this.items = items;
    this.more = more;
    this.readAt = new Date();
    this.problem = null;
    this.busy = false;
    this.live = this.welcome;
    this.onchange();
  }

  /** Reads all of them by HTTP. */
  async refresh() {
    if (this.reading) return;
    this.reading = true;
    this.busy = true;
    this.onchange();
    try {
      const { items, more } = await all(`exams/${this.exam}/sessions`, {}, MOST);
      this.#take(items, more);
    } catch (problem) {
      if (!problem.code) throw problem;
      this.problem = problem;
    } finally {
      this.reading = false;
      this.busy = false;
      this.onchange();
    }
  }
}

/** Incidents first: live ones with flags by their weight, then the other live ones, then what is over. */
export function byUrgency(one, two) {
  const rank = (session) => (isLive(session) ? 0 : 1);
  return rank(one) - rank(two) || two.integrity_score - one.integrity_score || two.started_at.localeCompare(one.started_at);
}

/** The order of `before` for what was there, so that nothing moves away under a finger; what is new comes after. */
export function inPlace(items, before) {
  const place = new Map(before.map((id, index) => [id, index]));
  const at = (session) => (place.has(session.attempt) ? place.get(session.attempt) : before.length);
  return [...items].sort((one, two) => at(one) - at(two) || byUrgency(one, two));
}

export const isLive = (session) => session.state === 'open' || session.state === 'paused';
