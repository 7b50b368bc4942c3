// Where a proctor's console has its sessions from. Now: the list of the API, read when asked and when the window is
// looked at again. A stream that pushes changes takes this module's place and the console stays as it is.
import { all } from '../core/api.js';

export const MOST = 20000;

export class Sessions {
  /** `onchange()` is called with every change; `signal` ends it. */
  constructor(exam, { onchange, signal }) {
    this.exam = exam;
    this.onchange = onchange;
    this.items = [];
    this.readAt = null;
    this.problem = null;
    this.busy = false;
    const again = () => !document.hidden && this.refresh();
    window.addEventListener('focus', again);
    signal.addEventListener('abort', () => window.removeEventListener('focus', again), { once: true });
  }

  /** Reads all of them. */
  async refresh() {
    if (this.busy) return;
    this.busy = true;
    this.onchange();
    try {
      const { items, more } = await all(`exams/${this.exam}/sessions`, {}, MOST);
      this.items = items;
      this.more = more;
      this.readAt = new Date();
      this.problem = null;
    } catch (problem) {
      if (!problem.code) throw problem;
      this.problem = problem;
    } finally {
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

export const isLive = (session) => session.state === 'open' || session.state === 'paused';
