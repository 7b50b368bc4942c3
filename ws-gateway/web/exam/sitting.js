// One attempt under way, without its looks: the paper, what was said, what is saved, how much time is left. The page
// draws what it finds here and is called back when something changed.
import { get, post, putTo } from '../core/api.js';
import { uuid } from '../core/dom.js';
import { drawer } from '../core/keep.js';
import { Countdown } from './countdown.js';
import { Outbox } from './outbox.js';
import { forgetAnswers, forgetPapers, keepAnswers } from './paper.js';
import { given } from './questions.js';

/** The attempt's states in which answers may come in again. */
const LIVE = new Set(['open', 'paused']);
const RESYNC_MS = 4000;

export class Sitting {
  /** `on.change()` after anything, `on.closed()` when it is over, `on.lost(slots)`, `on.refused(slot, problem)`, `on.feedback(slot, feedback)`. */
  constructor(attempt, person, on) {
    this.id = attempt.id;
    this.exam = attempt.exam;
    this.person = person;
    this.mode = attempt.mode;
    this.on = on;
    this.sections = attempt.paper.sections;
    this.slots = this.sections.flatMap((section, index) => section.slots.map((slot) => ({ ...slot, section: index })));
    this.own = drawer(`sitting:${person}:${this.id}:`);
    this.flagged = new Set(this.own.get('flagged') || []);
    this.feedback = new Map();
    this.countdown = new Countdown();
    this.answers = {};
    this.lastRead = 0;
    this.outbox = new Outbox({
      drawer: drawer(`answer:${person}:${this.id}:`),
      now: () => this.countdown.now(),
      id: uuid,
      send: {
        catchUp: () => this.read({ force: true }),
        one: (entry) => putTo(`attempts/${this.id}/answers/${entry.slot}`, { command_id: entry.command_id, response: entry.response }),
        many: (entries) => post(`attempts/${this.id}/answers`, {
          answers: entries.map(({ command_id, slot, response, answered_at }) => ({ command_id, slot, response, answered_at })),
        }),
      },
      onchange: () => on.change(),
      onclosed: () => on.closed(),
      onreceipt: (entry, receipt) => this.#received(entry, receipt),
      onrefused: (entry, problem) => on.refused(entry.slot, problem),
    });
    this.take(attempt);
  }

  /** Takes over what the server says of the attempt. */
  take(attempt) {
    this.state = attempt.state;
    if (attempt.state !== 'paused') this.reason = undefined;
    /** Whether the time is the server's, and not what this device makes of an earlier word of it. */
    this.timed = !attempt.kept;
    this.deadline = attempt.deadline;
    this.grace = attempt.grace_ms;
    this.answers = attempt.answers;
    this.lastRead = Date.now();
    this.countdown.sync({ remaining_ms: attempt.remaining_ms, server_time: attempt.server_time, running: attempt.state === 'open' });
    const lost = this.outbox.reconcile(attempt.answers);
    if (lost.length) this.on.lost(lost);
    if (this.state === 'open' && this.outbox.hindrance === 'paused') this.outbox.wake();
  }

  /** What the stream says of the attempt: its state, and how much time is left. */
  told({ state, deadline = this.deadline, remaining_ms: left, server_time: time = new Date(this.countdown.now()).toISOString(), reason }) {
    if (!LIVE.has(state)) {
      this.on.closed();
      return;
    }
    this.state = state;
    this.deadline = deadline;
    this.reason = reason;
    this.timed = true;
    this.countdown.sync({ remaining_ms: left, server_time: time, running: state === 'open' });
    this.on.change();
    if (state === 'open' && this.outbox.hindrance === 'paused') this.outbox.wake();
  }

  get live() {
    return LIVE.has(this.state) && !this.outbox.closed;
  }

  /** The number of the last message of the stream that this device had; the first step, where it had none. */
  get heard() {
    return this.own.get('heard') || 1;
  }

  hear(seq) {
    if (seq > this.heard) this.own.set('heard', seq);
  }

  get practice() {
    return this.mode === 'practice';
  }

  /** What stands as the answer of a slot here and now, saved or on its way. */
  said(slot) {
    const pending = this.outbox.pending(slot);
    if (pending) return pending.response;
    const held = this.answers[slot];
    return held ? held.response : null;
  }

  answered(slot) {
    return given(this.said(slot));
  }

  unanswered() {
    return this.slots.filter((slot) => !this.answered(slot.slot));
  }

  say(slot, response, gather) {
    this.outbox.put(slot, response, gather);
  }

  flag(slot) {
    if (!this.flagged.delete(slot)) this.flagged.add(slot);
    this.own.set('flagged', [...this.flagged]);
    this.on.change();
  }

  #received(entry, receipt) {
    this.answers[entry.slot] = { response: entry.response, seq: receipt.seq, saved_at: receipt.saved_at };
    keepAnswers(this.person, this.id, this.answers);
    this.countdown.told(receipt.saved_at, this.deadline);
    if (receipt.feedback) {
      this.feedback.set(entry.slot, { ...receipt.feedback, response: entry.response });
      this.on.feedback(entry.slot, receipt.feedback);
    }
  }

  /** `saved`, `sending`, or what keeps answers from going out: `offline busy paused signed_out`. */
  saving() {
    if (this.outbox.hindrance && this.outbox.size) return this.outbox.hindrance;
    if (typeof navigator !== 'undefined' && navigator.onLine === false) return 'offline';
    return this.outbox.size ? 'sending' : 'saved';
  }

  /** Reads the attempt again: other devices, proctors and clocks may have changed it. */
  async read({ force = false } = {}) {
    if (!force && Date.now() - this.lastRead < RESYNC_MS) return;
    this.lastRead = Date.now();
    const attempt = await get(`attempts/${this.id}`);
    this.take(attempt);
    if (!LIVE.has(attempt.state)) this.on.closed();
    else this.on.change();
  }

  /** Hands it in; the same command however often it is tried. */
  async submit() {
    const command = this.own.get('submit') || uuid();
    this.own.set('submit', command);
    return post(`attempts/${this.id}/submission`, { command_id: command });
  }

  /** Answers that never got a receipt before the attempt was closed; the result page tells of them. */
  close() {
    const lost = [...new Set(this.outbox.entries.map((entry) => entry.slot))];
    if (lost.length) this.own.set('lost', lost);
    this.outbox.stop();
    this.outbox.clear();
    forgetPapers(this.person, this.id);
    forgetAnswers(this.person, this.id);
    this.own.remove('submit');
    this.own.remove('flagged');
    this.own.remove('at');
    this.own.remove('heard');
  }
}
