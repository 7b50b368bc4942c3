// Answers on their way. What is put in is kept by the browser before anything is sent, and kept until its receipt:
// through a lost network, a reload, a crash. Nothing here touches the page, so it is tested by itself.
//
// Each answer is a command with an id of its own. One that was sent and not answered may have arrived: it is sent
// again under the same id, before any later answer of its slot, so that the server's order is the order in which they
// were given. One that was never sent gives way to a later answer of its slot.

const BATCH_MAX = 100;
const GATHER_MS = 250;
const BACKOFF_MS = 1000;
const BACKOFF_MAX_MS = 20000;
/** What closes an attempt for answers. */
const CLOSED = new Set(['attempt_closed', 'deadline_passed']);
/** What says nothing against the answer: it is sent again. */
const WAITING = new Set(['attempt_paused']);

export class Outbox {
  /**
   * `send.one(entry)` and `send.many(entries)` ask the server, `send.catchUp()` reads the attempt and reconciles after
   * the network was away: another device may have gone on meanwhile. `drawer` keeps; `now()` is the server's time;
   * `onchange()` is called after every change, `onclosed(code)` when no answer is taken any more,
   * `onreceipt(slot, receipt)` and `onrefused(entry, problem)` for each answer's fate.
   */
  constructor({ send, drawer, now, id, onchange, onclosed, onreceipt, onrefused, random = () => Math.random(), later = (run, ms) => setTimeout(run, ms), never = (timer) => clearTimeout(timer) }) {
    Object.assign(this, { send, drawer, now, id, onchange, onclosed, onreceipt, onrefused, random, later, never });
    this.busy = false;
    this.closed = null;
    /** Why nothing goes out now: `null offline busy paused signed_out`. */
    this.hindrance = null;
    this.failures = 0;
    this.timer = null;
    this.unkept = false;
    /** A batch was refused as a whole: what is wrong with which of them shows when they go one by one. */
    this.singly = false;
    this.entries = drawer.keys().map((key) => drawer.get(key)).filter((entry) => entry && entry.command_id);
    this.entries.sort((one, two) => one.order - two.order);
    // Whether they arrived before the page went away nobody knows.
    this.entries.forEach((entry) => { entry.sent = true; });
    this.order = this.entries.reduce((most, entry) => Math.max(most, entry.order), 0);
  }

  /** How many answers have no receipt yet. */
  get size() {
    return this.entries.length;
  }

  /** The latest unacknowledged answer of a slot. */
  pending(slot) {
    return this.entries.filter((entry) => entry.slot === slot).pop();
  }

  /**
   * What the server holds, when the attempt is read again. An answer of ours that another device's is newer than has
   * lost: it is dropped, and its slot returned.
   */
  reconcile(answers) {
    const lost = [];
    for (const entry of [...this.entries]) {
      const held = answers[entry.slot];
      const newer = held && Date.parse(held.saved_at) > Date.parse(entry.answered_at);
      if (newer && JSON.stringify(held.response) !== JSON.stringify(entry.response)) {
        this.#drop(entry);
        lost.push(entry.slot);
      }
    }
    if (lost.length) this.onchange();
    return lost;
  }

  /** Takes an answer. It is kept when this returns; `gather` waits a moment for what follows it at once. */
  put(slot, response, gather = GATHER_MS) {
    if (this.closed) return;
    for (const entry of this.entries.filter((one) => one.slot === slot && !one.sent)) this.#drop(entry);
    this.order += 1;
    const entry = { command_id: this.id(), slot, response, answered_at: new Date(this.now()).toISOString(), order: this.order, sent: false };
    this.entries.push(entry);
    this.#keep(entry);
    this.onchange();
    if (!this.hindrance) this.#in(gather);
  }

  /** Sends what waits, now. Resolves when nothing waits any more or something hinders it; `true` if all is saved. */
  async flush() {
    this.never(this.timer);
    this.timer = null;
    if (this.running) await this.running;
    while (this.entries.length && !this.closed) {
      this.running = this.#round();
      const went = await this.running;
      this.running = null;
      if (!went) break;
    }
    if (!this.entries.length) this.singly = false;
    return this.entries.length === 0;
  }

  /** Something may have changed: the network is back, the person has signed in again. */
  wake() {
    this.failures = 0;
    return this.flush();
  }

  /** No more is sent. */
  stop() {
    this.never(this.timer);
    this.closed = this.closed || 'left';
  }

  #in(ms) {
    this.never(this.timer);
    this.timer = this.later(() => this.flush(), ms);
  }

  async #round() {
    if (this.hindrance === 'offline') {
      const back = await this.#caughtUp();
      if (!back || !this.entries.length || this.closed) return back;
    }
    const batch = this.entries.slice(0, this.singly ? 1 : BATCH_MAX);
    const alone = batch.length === 1 && (this.singly || !batch[0].sent);
    batch.forEach((entry) => {
      entry.sent = true;
      this.#keep(entry);
    });
    this.busy = true;
    this.onchange();
    try {
      if (alone) this.#received(batch[0], await this.send.one(batch[0]));
      else this.#answered(batch, await this.send.many(batch));
      if (!this.hindrance) this.failures = 0;
      return !this.hindrance;
    } catch (problem) {
      return this.#failed(batch, alone, problem);
    } finally {
      this.busy = false;
      this.onchange();
    }
  }

  /** Whether the server is heard again. What it will not tell now hinders no answer. */
  async #caughtUp() {
    try {
      await this.send.catchUp();
    } catch (problem) {
      if (!problem.code) throw problem;
      if (problem.code === 'network' || problem.code === 'timeout') {
        this.#wait('offline');
        return false;
      }
    }
    this.hindrance = null;
    this.onchange();
    return true;
  }

  #answered(batch, result) {
    this.hindrance = null;
    const refused = new Map(result.refused.map((one) => [one.command_id, one]));
    const receipts = [...result.receipts];
    for (const entry of batch) {
      const refusal = refused.get(entry.command_id);
      if (!refusal) this.#received(entry, receipts.shift());
      else if (CLOSED.has(refusal.code)) this.#close(refusal.code);
      else if (WAITING.has(refusal.code)) this.#wait('paused');
      else this.#refused(entry, refusal);
    }
  }

  #received(entry, receipt) {
    this.hindrance = null;
    this.#drop(entry);
    this.onreceipt(entry, receipt);
  }

  #refused(entry, problem) {
    this.#drop(entry);
    this.onrefused(entry, problem);
  }

  #failed(batch, alone, problem) {
    if (!problem.code) throw problem;
    if (CLOSED.has(problem.code)) {
      this.#close(problem.code);
    } else if (problem.code === 'network' || problem.code === 'timeout') {
      this.#wait('offline');
    } else if (problem.status === 401 || problem.code === 'password_change_required') {
      this.hindrance = 'signed_out';
    } else if (WAITING.has(problem.code)) {
      this.#wait('paused');
    } else if (problem.temporary) {
      this.#wait('busy', problem.retryAfterMs);
    } else if (alone) {
      this.#refused(batch[0], problem);
      return true;
    } else {
      this.singly = true;
      return true;
    }
    return false;
  }

  /** Comes back by itself after a while that grows, with full jitter; never sooner than the server asked. */
  #wait(why, askedMs = 0) {
    this.hindrance = why;
    const most = Math.min(BACKOFF_MAX_MS, BACKOFF_MS * 2 ** this.failures);
    this.failures = Math.min(this.failures + 1, 10);
    this.#in(askedMs + 200 + this.random() * most);
  }

  #close(code) {
    if (this.closed) return;
    this.closed = code;
    this.never(this.timer);
    this.onclosed(code);
  }

  #keep(entry) {
    if (!this.drawer.set(entry.command_id, entry)) this.unkept = true;
  }

  #drop(entry) {
    this.entries = this.entries.filter((one) => one !== entry);
    this.drawer.remove(entry.command_id);
  }

  /** Forgets what is left: the attempt is closed and the person has been told. */
  clear() {
    [...this.entries].forEach((entry) => this.#drop(entry));
  }
}
