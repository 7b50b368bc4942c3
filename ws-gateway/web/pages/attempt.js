// The exam page: one question at a time, everything at a glance beside it, and at all times what is saved.
import { closeAll, dialog, say, sure, toast } from '../core/dialog.js';
import { h, put, rich, uid } from '../core/dom.js';
import { clock as clockTime, half, number, t } from '../core/i18n.js';
import { durable } from '../core/keep.js';
import { button, kindName, notice, title as problemTitle, working } from '../core/parts.js';
import { me } from '../core/session.js';
import { digits } from '../exam/countdown.js';
import { navigator as numbers } from '../exam/navigator.js';
import { listen } from '../exam/live.js';
import { control, given, words } from '../exam/questions.js';
import { watch } from '../exam/signals.js';
import { keepPaper, readPaper } from '../exam/paper.js';
import { Sitting } from '../exam/sitting.js';
import { endOfTime, handIn, signInAgain } from '../exam/closing.js';

const TICK_MS = 250;
const TYPING_MS = 900;
const PAUSED_READ_MS = 15000;
/** When the time left is said aloud. */
const CALLS_MS = [300000, 60000];

export default async function page(context) {
  const { attempt, exam } = await readPaper(me().id, context.params.attempt, t('exam'));
  if (!['open', 'paused'].includes(attempt.state)) {
    context.go(`/attempts/${attempt.id}/result`, { replace: true });
    return { node: h('div'), title: '' };
  }
  keepPaper(me().id, attempt, exam);
  const view = new View(context, attempt, exam);
  return { node: view.node, title: exam.title };
}

class View {
  constructor(context, attempt, exam) {
    this.context = context;
    this.exam = exam;
    this.over = false;
    this.drafts = new Map();
    this.notes = h('div', { class: 'stack-tight', 'aria-live': 'polite' });
    this.sitting = new Sitting(attempt, me().id, {
      change: () => this.changed(),
      closed: () => this.finished(),
      lost: (slots) => this.note('info', t('exam.other_device', { list: slots.join(t('comma')) })),
      refused: (slot, problem) => this.note('bad', t('exam.refused', { n: slot, why: half(problem.detail) || problemTitle(problem) })),
      feedback: (slot, feedback) => this.corrected(slot, feedback),
    });
    this.at = Math.min(this.sitting.own.get('at') || 0, this.sitting.slots.length - 1);
    this.calls = CALLS_MS.filter((ms) => ms < this.sitting.countdown.remaining());
    this.build();
    this.listen();
    this.show(this.at, false);
    this.changed();
    this.tick();
    if (this.sitting.outbox.size) this.sitting.outbox.wake();
  }

  build() {
    this.clock = h('div', { class: 'clock', role: 'timer', 'aria-live': 'off', 'aria-label': t('exam.time_left') });
    this.saving = h('div', { class: 'saving' });
    this.card = h('section', { class: 'card question', 'aria-label': t('exam.question_area') });
    this.side = h('div', { class: 'card exam-side' });
    this.position = button('', () => this.overview(), 'plain', { 'aria-haspopup': 'dialog' });
    this.previous = button(t('previous'), () => this.show(this.at - 1));
    this.next = button(t('next'), () => this.show(this.at + 1), 'primary');
    const practice = this.sitting.practice;
    this.node = h('div', { class: 'exam' },
      h('header', { class: 'exam-top' }, h('div', { class: 'exam-bar' },
        h('div', { class: 'exam-title' }, h('h1', { tabindex: '-1' }, practice && `${t('mode.practice')} · `, this.exam.title)),
        this.saving, this.clock,
        button(t('hand_in'), () => this.handIn(), 'primary hand-in'))),
      h('main', { class: 'exam-body', id: 'main' },
        h('div', { class: 'stack' },
          !durable() && notice('warn', t('exam.no_storage')),
          this.notes, this.card),
        this.side),
      h('div', { class: 'exam-foot' }, this.previous, this.position, this.next));
  }

  listen() {
    const { signal } = this.context;
    const on = (target, kind, run) => {
      target.addEventListener(kind, run);
      signal.addEventListener('abort', () => target.removeEventListener(kind, run), { once: true });
    };
    const timer = setInterval(() => this.tick(), TICK_MS);
    const paused = setInterval(() => this.sitting.state === 'paused' && this.read({ force: true }), PAUSED_READ_MS);
    signal.addEventListener('abort', () => {
      clearInterval(timer);
      clearInterval(paused);
      clearTimeout(this.typing);
      this.settle();
      this.sitting.outbox.flush();
    }, { once: true });
    on(window, 'online', () => { this.sitting.outbox.wake(); this.read(); });
    on(window, 'offline', () => this.changed());
    on(window, 'focus', () => this.read());
    on(document, 'visibilitychange', () => {
      if (document.hidden) this.settle();
      else this.read();
    });
    on(window, 'pageshow', (event) => event.persisted && this.read({ force: true }));
    on(window, 'pagehide', () => this.settle());
    on(window, 'beforeunload', (event) => {
      if (this.over || (this.sitting.practice && !this.sitting.outbox.size)) return;
      event.preventDefault();
      event.returnValue = '';
    });
    this.context.guard(async () => {
      this.settle();
      if (this.over) return true;
      if (this.sitting.practice) return true;
      return sure({ title: t('leave.title'), text: t('leave.text'), yes: t('leave.yes'), no: t('leave.no'), danger: false });
    });
    if (!this.sitting.practice) this.live();
    if (!this.sitting.practice) watch(this.sitting.id, () => this.sitting.countdown.now(), signal);
  }

  live() {
    listen(this.sitting, {
      closed: () => this.finished(),
      notice: ({ text }) => {
        this.note('warn', t('exam.notice', { words: text }));
        say(t('exam.notice', { words: text }), true);
        window.scrollTo(0, 0);
      },
      extended: (deadline) => {
        this.calls = CALLS_MS.filter((ms) => ms < this.sitting.countdown.remaining());
        this.note('good', t('exam.extended', { time: clockTime(deadline) }));
      },
    }, this.context.signal);
  }

  async read(options) {
    if (this.over || this.reading) return;
    this.reading = true;
    try {
      await this.sitting.read(options);
      if (!this.over && !this.card.contains(document.activeElement)) this.show(this.at, false);
    } catch (problem) {
      if (problem.status === 401) this.signedOut();
      else if (!problem.code) throw problem;
      // Anything else: what is here still holds, and answers say by themselves when they do not get through.
    } finally {
      this.reading = false;
    }
  }

  /** What is still being typed is taken as it is. */
  settle() {
    clearTimeout(this.typing);
    if (this.typed) this.typed();
    this.typed = null;
  }

  show(index, focus = true) {
    if (index < 0 || index >= this.sitting.slots.length) return;
    this.settle();
    this.at = index;
    this.sitting.own.set('at', index);
    const slot = this.sitting.slots[index];
    const [heading, stem] = [uid('question'), uid('stem')];
    const marks = t('question.head', { n: slot.slot, all: this.sitting.slots.length, kind: kindName(slot.kind), points: number(slot.points) });
    const head = h('h2', { id: heading, tabindex: '-1' }, marks);
    if (this.sitting.state === 'paused') {
      put(this.card, h('div', { class: 'wait', role: 'status' },
        h('p', { class: 'verdict-word' }, t('paused.title')), h('p', {}, t('paused.text')), this.sitting.reason && h('p', {}, t('timeline.reason', { words: this.sitting.reason })),
        working(t('paused.again'), () => this.read({ force: true }))));
    } else {
      put(this.card,
        h('div', { class: 'question-head' }, head, this.flagButton(slot)),
        h('div', { id: stem }, withClass(rich(slot.stem), 'stem')),
        this.answerArea(slot, `${stem}`),
        h('div', { class: `question-foot${this.sitting.practice ? ' steps' : ''}` },
          h('div', { class: 'actions' }, this.clearButton(slot)),
          h('div', { class: 'actions step' },
            button(t('previous'), () => this.show(index - 1), 'plain', { disabled: index === 0 }),
            index + 1 < this.sitting.slots.length
              ? button(t('next'), () => this.show(index + 1), 'primary')
              : button(t('hand_in.check'), () => this.handIn(), 'primary'))));
    }
    this.previous.disabled = index === 0;
    this.next.disabled = index + 1 >= this.sitting.slots.length;
    this.drawNumbers();
    if (focus) {
      window.scrollTo(0, 0);
      head.focus({ preventScroll: true });
    }
  }

  answerArea(slot, labelledby) {
    const feedback = this.sitting.feedback.get(slot.slot);
    if (!this.sitting.practice) {
      return control(slot, this.sitting.said(slot.slot), (response, slow) => this.take(slot.slot, response, slow), { labelledby });
    }
    if (feedback) {
      return h('div', { class: 'stack' },
        control(slot, feedback.response, () => {}, { locked: true, key: feedback.key, labelledby }),
        this.explanation(slot, feedback));
    }
    const said = this.drafts.has(slot.slot) ? this.drafts.get(slot.slot) : this.sitting.said(slot.slot);
    if (!this.drafts.has(slot.slot)) this.drafts.set(slot.slot, said);
    const check = working(t('practice.check'), () => this.check(slot), 'primary');
    const sync = () => { check.disabled = !given(this.drafts.get(slot.slot)); };
    const area = control(slot, said, (response) => { this.drafts.set(slot.slot, response); sync(); }, { labelledby });
    sync();
    return h('div', { class: 'stack' }, area, h('div', {}, check));
  }

  explanation(slot, feedback) {
    return h('div', { class: 'stack-tight feedback', tabindex: '-1' },
      notice(feedback.correct ? 'good' : 'bad', h('p', { class: 'notice-title' }, t(feedback.correct ? 'practice.right' : 'practice.wrong')),
        !feedback.correct && h('p', {}, t('review.key'), words(slot, feedback.key)),
        !feedback.correct && h('p', { class: 'small' }, t('practice.noted'))),
      feedback.explanation && h('div', { class: 'explain' }, h('p', { class: 'label' }, t('review.explanation')), rich(feedback.explanation)),
      h('div', {}, button(t('practice.again'), () => {
        this.sitting.feedback.delete(slot.slot);
        this.show(this.at);
      }, 'text')));
  }

  async check(slot) {
    this.sitting.say(slot.slot, this.drafts.get(slot.slot), 0);
    await this.sitting.outbox.flush();
  }

  corrected(slot, feedback) {
    say(t(feedback.correct ? 'practice.right' : 'practice.wrong'));
    if (this.sitting.slots[this.at].slot !== slot) return;
    const here = this.card.contains(document.activeElement);
    this.show(this.at, false);
    // The button that was pressed is gone: whoever goes on by keyboard stands before the verdict.
    if (here) this.card.querySelector('.feedback').focus({ preventScroll: true });
  }

  /** An answer was given; while somebody types, the pause after it is waited for. */
  take(slot, response, slow) {
    clearTimeout(this.typing);
    this.typed = null;
    const keep = () => {
      this.typed = null;
      if (JSON.stringify(this.sitting.said(slot)) !== JSON.stringify(response)) this.sitting.say(slot, response);
    };
    if (slow) {
      this.typed = keep;
      this.typing = setTimeout(keep, TYPING_MS);
    } else {
      keep();
    }
  }

  flagButton(slot) {
    const flag = button('', () => { this.sitting.flag(slot.slot); draw(); }, 'text');
    const draw = () => {
      const set = this.sitting.flagged.has(slot.slot);
      flag.setAttribute('aria-pressed', String(set));
      put(flag, set ? '⚑ ' : '⚐ ', t(set ? 'flag.on' : 'flag.off'));
    };
    draw();
    return flag;
  }

  clearButton(slot) {
    if (this.sitting.practice) return null;
    this.clear = button(t('clear_answer'), () => {
      this.take(slot.slot, null);
      this.show(this.at);
    }, 'text', { disabled: !this.sitting.answered(slot.slot) });
    return this.clear;
  }

  changed() {
    if (!this.node || this.over) return;
    const saving = this.sitting.saving();
    const kind = { saved: 'saved', sending: 'pending', busy: 'pending', paused: 'pending' }[saving] || 'offline';
    const count = this.sitting.outbox.size;
    this.saving.className = `saving ${kind}`;
    const words = t(`saving.${saving}`, { n: count });
    if (this.saving.textContent !== words) put(this.saving, words);
    this.announce(saving, count);
    if (saving === 'signed_out') this.signedOut();
    if (saving === 'paused' && this.sitting.state === 'open') this.read({ force: true });
    if (this.clear) this.clear.disabled = !this.sitting.answered(this.sitting.slots[this.at].slot);
    const phase = this.sitting.state;
    if (this.phase && this.phase !== phase) {
      say(t(phase === 'paused' ? 'paused.title' : 'paused.over'), true);
      this.show(this.at, false);
    }
    this.phase = phase;
    this.drawNumbers();
  }

  /** Only what changes what a person should know is said: not every receipt. */
  announce(saving, count) {
    const told = saving === 'offline' ? 'offline' : saving === 'saved' ? 'saved' : this.told;
    if (this.told === 'offline' && told === 'saved') say(t('saving.back'));
    if (told === 'offline' && this.told !== 'offline') say(t('saving.offline', { n: count }));
    this.told = told;
  }

  drawNumbers() {
    if (!this.side) return;
    const held = this.side.contains(document.activeElement) ? document.activeElement.textContent : null;
    const scrolled = this.side.scrollTop;
    put(this.side, numbers(this.sitting, this.at, (index) => this.show(index)),
      h('p', { class: 'section-name' }), button(t('leave.button'), () => this.context.go('/exams'), 'text'));
    this.side.scrollTop = scrolled;
    this.reveal();
    if (held) {
      const again = [...this.side.querySelectorAll('button')].find((one) => one.textContent === held);
      if (again) again.focus();
    }
    const answered = this.sitting.slots.length - this.sitting.unanswered().length;
    put(this.position, t('navigator.short', { n: answered, all: this.sitting.slots.length }));
  }

  /** A long paper is longer than the window: the number at hand stays in sight. */
  reveal() {
    const here = this.side.querySelector('[aria-current]');
    if (!here) return;
    const [box, own] = [this.side.getBoundingClientRect(), here.getBoundingClientRect()];
    if (own.bottom > box.bottom) this.side.scrollTop += own.bottom - box.bottom + 16;
    else if (own.top < box.top) this.side.scrollTop -= box.top - own.top + 16;
  }

  overview() {
    dialog({ title: t('navigator'), build: (close) => h('div', {},
      numbers(this.sitting, this.at, (index) => { close(); this.show(index); }),
      h('p', {}, button(t('leave.button'), () => { close(); this.context.go('/exams'); }, 'text'))) });
  }

  tick() {
    if (this.over) return;
    const left = this.sitting.countdown.remaining();
    const words = digits(left);
    if (this.shownTime !== words) {
      this.shownTime = words;
      put(this.clock, h('small', {}, t('exam.time_left')), words);
      this.clock.className = `clock figures ${left <= CALLS_MS[1] ? 'bad' : left <= CALLS_MS[0] ? 'warn' : ''}`;
    }
    if (this.calls.length && left <= this.calls[0]) {
      const call = t('exam.call', { n: Math.round(this.calls[0] / 60000) });
      this.calls.shift();
      // The last one may interrupt.
      say(call, !this.calls.length);
      toast(call, 'warn', true);
    }
    // A clock that somebody set ends nothing: the server is asked what time it is.
    if (this.sitting.countdown.doubtful() || !this.sitting.timed) this.read();
    if (this.sitting.countdown.over() && this.sitting.timed && !this.ending) {
      this.ending = true;
      this.settle();
      endOfTime(this.sitting, () => this.finished()).finally(() => { this.ending = this.over; });
    }
  }

  async handIn() {
    this.settle();
    await handIn(this.sitting, { jump: (index) => this.show(index), done: () => this.finished() });
  }

  async signedOut() {
    if (this.signing || this.over) return;
    this.signing = true;
    await signInAgain();
    this.signing = false;
    await this.read({ force: true });
    this.sitting.outbox.wake();
  }

  note(kind, text) {
    const element = notice(kind, h('div', { class: 'row' }, h('span', {}, text), button(t('close'), () => element.remove(), 'text')));
    this.notes.append(element);
  }

  /** Over, by whatever way: the result says how. */
  finished() {
    if (this.over) return;
    this.over = true;
    this.sitting.close();
    closeAll();
    this.context.go(`/attempts/${this.sitting.id}/result`, { replace: true });
  }
}

function withClass(element, name) {
  element.classList.add(name);
  return element;
}
