// Why each thing is as it is: docs/sdk.md, "Inside".
import { LessonClient, fetchTicket, mediaPlayer } from './exam-lesson-core.js';

const TEXTS = {
  title: ['课堂提问', 'Question'],
  submit: ['提交答案', 'Submit'],
  sending: ['正在提交…', 'Submitting…'],
  empty: ['请先作答，再提交。', 'Answer first, then submit.'],
  number: ['请输入一个数字。', 'Enter a number.'],
  refused: ['答案未被接受，请再答一次。', 'Not accepted. Answer again.'],
  left: ['剩余 {}', '{} left'],
  expired: ['作答时间已到。', 'Time is up.'],
  again: ['换一道题', 'Another question'],
  wrong: ['回答不正确', 'Not correct'],
  next: ['{} 秒后换一道题', 'Another question in {} s'],
  rewound: ['视频已退回到 {}，请再看一遍。', 'Back to {}: watch this part again.'],
  right: ['回答正确，继续学习。', 'Correct. On we go.'],
  several: ['可选多项', 'Choose all that apply'],
  order: ['用按钮排出正确顺序', 'Use the buttons to put these in order'],
  answer: ['您的答案', 'Your answer'],
  up: ['上移：{}', 'Move up: {}'],
  down: ['下移：{}', 'Move down: {}'],
  place: ['现在第 {} 位', 'Now number {}'],
  progress: ['学习进度', 'Progress'],
  learnt: ['已学 {}%', '{}% learnt'],
  connecting: ['正在连接…', 'Connecting…'],
  offline: ['网络已断开，正在重新连接。', 'Offline. Connecting again.'],
  takenover: ['您已在其他页面或设备上继续学习，此处已暂停。', 'You went on elsewhere. This page is paused.'],
  here: ['在此继续', 'Continue here'],
  complete: ['本课已学完。', 'Lesson complete.'],
  hours: ['本课已学完，获得 {} 学时。', 'Lesson complete: {} hours.'],
  seek_back: ['只能跳到已经学过的位置。', 'You can only go where you have been.'],
  unauthenticated: ['请先登录。', 'Sign in first.'],
  closed_4403: ['您不能学习这门课程。', 'This lesson is not open to you.'],
  failed: ['无法连接：{}', 'No connection: {}'],
};

const DARK = '--i:#e8ebf2;--q:#a9b3c4;--p:#1b2029;--l:#7a8498;--t:#233450;--a:var(--exam-lesson-accent,#8db8ff);--o:#101722;--b:#ffb0a6;color-scheme:dark';
const STYLE = `:host{--i:#1d2433;--q:#556070;--p:#fff;--l:#868f9e;--t:#eaf1fc;--a:var(--exam-lesson-accent,#1c4f9c);--o:#fff;--b:#a3281d;color-scheme:light;
display:block;font:1rem/1.6 var(--exam-lesson-font,system-ui,sans-serif)}
@media (prefers-color-scheme:dark){:host(:not([theme=light])){${DARK}}}
:host([theme=dark]){${DARK}}
[hidden]{display:none!important}
*{box-sizing:border-box}
::slotted(video){display:block;width:100%}
.bar,.dialog{color:var(--exam-lesson-ink,var(--i));background:var(--exam-lesson-paper,var(--p));overflow-wrap:anywhere}
.bar,.head,.foot,.row{display:flex;flex-wrap:wrap;align-items:center;gap:.5rem 1rem}
.bar{position:relative;padding:.5rem .75rem}
.progress{position:absolute;left:0;right:0;top:0;height:3px;background:var(--t)}
.fill{height:100%;background:var(--a)}
p,h2,fieldset,ol{font:inherit;margin:0;padding:0;border:0;min-width:0;list-style:none}
.status,.say,.row>*{flex:1 1 9rem}
.overlay{position:fixed;top:0;left:0;width:100%;height:100%;padding:1rem;overflow:auto;display:flex;background:#0a0e16a0;z-index:2147483647}
.dialog{margin:auto;width:100%;max-width:36rem;padding:1.25rem 1.5rem;border-radius:var(--exam-lesson-radius,12px)}
.head{justify-content:space-between}
.head,.hint{color:var(--q)}
.hint{margin-bottom:.5rem}
.stem{font-size:1.125rem;margin:.5rem 0 1rem}
.rich img{max-width:100%;height:auto}
.rich td,.rich th{border:1px solid var(--l);padding:.25rem .5rem}
.option{display:block;position:relative;margin:0 0 .5rem}
.option>[name]{position:absolute;left:.9rem;top:.95rem;width:1.1rem;height:1.1rem;margin:0;accent-color:var(--a)}
.card,.row,.field,select,button{font:inherit;color:inherit;min-height:2.9rem;padding:.6rem .9rem;border:1px solid var(--l);border-radius:8px;background:var(--p)}
.card{display:block;padding-left:2.75rem}
:checked+.card{border-color:var(--a);background:var(--t);box-shadow:inset 0 0 0 1px var(--a)}
.row{display:flex;padding:.3rem .3rem .3rem .9rem}
.field{width:100%}
.submit,.action{color:var(--o);background:var(--a);border:0;padding:.6rem 1.25rem}
.row>button{flex:0 0 2.9rem;padding:0}
[aria-disabled=true]{opacity:.6}
.foot{margin-top:1rem}
.bad{color:var(--b)}
.verdict{font-size:1.25rem;margin-bottom:.5rem}
.heard{position:absolute;clip-path:inset(50%)}
:focus-visible,:focus-visible+.card{outline:3px solid var(--a);outline-offset:2px}
.dialog:focus{outline:0}
@media (max-width:30rem){.overlay{padding:0}.dialog{margin-bottom:0;border-radius:12px 12px 0 0;padding:1rem}.submit{width:100%}}`;

const TAGS = /^(p|br|[bius]|em|strong|su[bp]|span|div|[uo]l|li|table|caption|t([rdh]|head|body|foot)|code|pre|blockquote|h[r1-6]|img|del|ins)$/;
const ATTRIBUTES = /^(alt|width|height|(col|row)span|start)$/;

// Only what is listed is copied, so nothing in it can run.
export function richText(html) {
  const copy = (from, to) => {
    from.childNodes.forEach((node) => {
      const { localName, src } = node;
      if (node.nodeType === 3) to.append(node.data);
      if (!TAGS.test(localName)) return;
      const made = document.createElement(localName);
      Array.from(node.attributes).forEach(({ name, value }) => ATTRIBUTES.test(name) && made.setAttribute(name, value));
      if (src && (/^data:image\//.test(src) || src.startsWith(location.origin + '/'))) made.src = src;
      to.append(copy(node, made));
    });
    return to;
  };
  return copy(new DOMParser().parseFromString(html, 'text/html').body, document.createDocumentFragment());
}

// A class is a part too: one name for the style here and the page's.
function make(name, properties, ...children) {
  const node = document.createElement(name);
  Object.entries(properties).forEach(([key, value]) => {
    if (key in node) node[key] = value;
    else node.setAttribute(key, value);
  });
  if (node.className) node.setAttribute('part', node.className);
  node.append(...children);
  return node;
}

const rich = (name, className, html) => make(name, { className: className + ' rich' }, richText(html));
const time = (ms) => `${Math.floor(ms / 60000)}:${String(Math.floor(ms / 1000) % 60).padStart(2, '0')}`;

// Each kind gives how its response is read, and its fields.
function choices({ kind, options }, t) {
  const many = kind === 'multiple_choice';
  const type = many ? 'checkbox' : 'radio';
  const inputs = options.map(({ id }) => make('input', { type, name: 'o', value: id }));
  const labels = options.map(({ text }, at) => make('label', { className: 'option' }, inputs[at], rich('span', 'card', text)));
  const hint = make('p', { className: 'hint' }, many ? t('several') : '');
  const read = () => {
    const chosen = inputs.filter((input) => input.checked).map((input) => input.value);
    return chosen.length && { choices: chosen };
  };
  return [read, make('fieldset', { role: many ? 'group' : 'radiogroup', 'aria-labelledby': 'stem' }, hint, ...labels)];
}

function typed({ kind }, t) {
  const numeric = kind === 'numeric';
  const field = make('input', {
    className: 'field', autocomplete: 'off', maxLength: 500, inputMode: numeric ? 'decimal' : 'text', 'aria-label': t('answer'),
  });
  const read = () => {
    // Full-width digits count.
    const said = field.value.normalize('NFKC').trim();
    if (!numeric) return said && { text: field.value };
    return said && isFinite(said) && { number: +said };
  };
  return [read, field];
}

function ordering({ options }, t, say) {
  const list = make('ol', { 'aria-labelledby': 'stem' });
  options.forEach(({ id, text }) => {
    const said = rich('span', '', text);
    const item = make('li', { className: 'option row', id }, said);
    const move = (label, sign, other) => make('button', {
      type: 'button',
      'aria-label': t(label, said.textContent),
      onclick: ({ currentTarget }) => {
        const [a, b] = label === 'up' ? [item, other()] : [other(), item];
        if (a && b) list.insertBefore(a, b);
        currentTarget.focus();
        say(t('place', Array.from(list.children).indexOf(item) + 1));
      },
    }, sign);
    item.append(move('up', '↑', () => item.previousSibling), move('down', '↓', () => item.nextSibling));
    list.append(item);
  });
  return [() => ({ order: Array.from(list.children, ({ id }) => id) }), make('p', { className: 'hint' }, t('order')), list];
}

function matching({ options, targets }, t) {
  const letter = (at) => String.fromCharCode(65 + at) + '. ';
  const shown = targets.map(({ text }, at) => make('li', {}, letter(at), rich('span', '', text)));
  const selects = options.map(() => make('select', {}, make('option', { value: '' }, '—')));
  const rows = options.map(({ text }, at) => {
    const said = rich('span', '', text);
    selects[at].setAttribute('aria-label', said.textContent);
    targets.forEach(({ id }, to) => selects[at].append(make('option', { value: id }, shown[to].textContent)));
    return make('div', { className: 'option row' }, said, selects[at]);
  });
  const read = () => selects.every(({ value }) => value) && { pairs: selects.map(({ value }, at) => [options[at].id, value]) };
  return [read, make('ol', { className: 'hint' }, ...shown), ...rows];
}

const KINDS = { numeric: typed, short_text: typed, ordering, matching };

function dress(root, nonce) {
  if (!root.adoptedStyleSheets) {
    const href = new URL('exam-lesson.css', import.meta.url).href;
    return root.append(nonce ? make('style', { nonce }, STYLE) : make('link', { rel: 'stylesheet', href }));
  }
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(STYLE);
  root.adoptedStyleSheets = [sheet];
}

export class ExamLesson extends HTMLElement {
  static get observedAttributes() { return ['lesson', 'for', 'server', 'ticket-endpoint', 'parent-origin']; }

  constructor() {
    super();
    this._build();
    // Set before this file was loaded.
    ['ticket', 'player'].forEach((key) => {
      const early = this[key];
      delete this[key];
      this[key] = early;
    });
  }

  get ticket() { return this._ticket; }

  set ticket(ticket) { this._ticket = ticket; this._changed(); }

  get player() { return this._player; }

  set player(player) { this._player = player; this._changed(); }

  notify(kind) { if (this.client) this.client.notify(kind); }

  continueHere() { if (this.client) this.client.continueHere(); }

  connectedCallback() { this._changed(); }

  disconnectedCallback() { this._changed(); }

  attributeChangedCallback() { this._changed(); }

  // Once, after all that is being changed.
  _changed() {
    if (!this._due) this._due = Promise.resolve().then(() => { this._due = null; this._end(); this._begin(); });
  }

  _begin() {
    const get = (name) => this.getAttribute(name);
    const lesson = get('lesson');
    const media = get('for') ? this.getRootNode().getElementById(get('for')) : this.querySelector('video,audio');
    const player = this._player || (media && mediaPlayer(media));
    if (!this.isConnected || !lesson || !player) return;
    if (get('parent-origin') && parent !== window) this._frame(new URL(get('parent-origin')).origin, player);
    const asked = () => new Promise((given) => { this._given = given; this._post('ticket', { lesson }); });
    const ticket = this._ticket || (get('ticket-endpoint') ? () => fetchTicket(get('ticket-endpoint'), lesson) : this._post && asked);
    if (!ticket) return;
    const url = new URL('/api/v1/stream', get('server') || import.meta.url).href.replace('http', 'ws');
    const english = /^en/i.test((this.closest('[lang]') || this).lang);
    this._t = (key, value) => (TEXTS[key] || TEXTS.failed)[+english].replace('{}', value);
    const on = (type, detail) => this._tell(type, detail);
    this.client = new LessonClient({ lesson, url, ticket, player, on, pauseWhenHidden: get('keep-playing-hidden') == null });
    this._timer = setInterval(() => this._clock(), 500);
    this.client.start();
  }

  _end() {
    clearInterval(this._timer);
    removeEventListener('message', this._hear);
    this._post = null;
    this._last = {};
    if (!this.client) return;
    this.client.stop();
    this._show();
    this.client = null;
  }

  _frame(named, player) {
    this._post = (type, detail) => parent.postMessage({ exam_lesson: 1, type, detail }, named);
    this._hear = ({ source, origin, data }) => {
      if (source !== parent || origin !== named || !data || data.exam_lesson !== 1) return;
      if (data.type === 'ticket' && this._given) this._given(data.ticket);
      if (data.type === 'play' || data.type === 'pause') player[data.type]();
      if (data.type === 'continue') this.continueHere();
    };
    addEventListener('message', this._hear);
  }

  _tell(type, detail) {
    this._last[type] = detail;
    if (type === 'verdict' && detail.correct) this._toast(this._t('right'));
    if (type === 'notice') this._toast(detail.text || this._t(detail.code));
    this._show();
    if (type === 'error' && !detail.temporary) this._say(this._t('refused'), true);
    this.dispatchEvent(new CustomEvent(type, { detail, bubbles: true, composed: true }));
    if (this._post) this._post(type, detail);
  }

  _build() {
    const root = this.attachShadow({ mode: 'open' });
    const part = (tag, className, more, ...children) => make(tag, { className, ...more }, ...children);
    const ui = this._ui = {
      fill: part('div', 'fill'),
      status: part('p', 'status', { role: 'status' }),
      action: part('button', 'action', { hidden: true, onclick: () => this.continueHere() }),
      box: part('div', 'dialog', { role: 'dialog', 'aria-modal': true, 'aria-labelledby': 'stem', tabIndex: -1 }),
      clock: part('span', 'countdown'),
      say: part('p', 'say', { 'aria-live': 'polite' }),
    };
    ui.track = part('div', 'progress', { role: 'progressbar' }, ui.fill);
    ui.shade = part('div', 'overlay', { hidden: true }, ui.box);
    root.append(make('slot', { onslotchange: () => this.client || this._changed() }), part('div', 'bar', {}, ui.track, ui.status, ui.action), ui.shade);
    // Two dialogs do not fight for the focus.
    this._kept = (event) => {
      if (!event.composedPath().some((node) => node === ui.box || (node !== this && node instanceof ExamLesson))) ui.box.focus();
    };
    dress(root, this.nonce);
  }

  _show() {
    const { _ui: ui, _t: t, client } = this;
    const { state, locked, challenge, pending, coveredMs, durationMs } = client;
    const part = Math.min(100, Math.floor((coveredMs / durationMs) * 100) || 0);
    let status = this._toasted || (TEXTS[locked] ? t(locked) : t('learnt', part));
    const { error, complete } = this._last;
    if (state === 'failed') status = t(error.code, error.code);
    if (state === 'complete') status = t(complete.hours_granted ? 'hours' : 'complete', complete.hours_granted);
    // Writing the same again would be read aloud again.
    if (ui.status.textContent !== status) ui.status.textContent = status;
    ui.fill.style.width = part + '%';
    ui.track.setAttribute('aria-label', t('progress'));
    ui.track.setAttribute('aria-valuenow', part);
    ui.action.hidden = !['takenover', 'failed'].includes(state);
    ui.action.textContent = t('here');
    const shown = challenge ? challenge.challenge : client.cooldownUntil && 'wait';
    if (shown !== this._shown) {
      this._shown = shown;
      if (challenge) this._ask(challenge);
      else if (shown) this._wait();
      this._open(!!shown);
    }
    if (!challenge) return;
    ui.submit.setAttribute('aria-disabled', !!pending);
    ui.submit.textContent = t(challenge.expired ? 'again' : 'submit');
    if (pending) this._say(t(state === 'live' ? 'sending' : 'offline'));
    else if (challenge.expired) this._say(t('expired'));
  }

  _toast(text) {
    this._toasted = text;
    clearTimeout(this._untoast);
    this._untoast = setTimeout(() => { this._toasted = ''; if (this.client) this._show(); }, 5000);
    this._show();
  }

  _fill(...nodes) {
    this._say('');
    this._ui.box.textContent = '';
    this._ui.box.append(...nodes);
    this._clock();
  }

  _ask(question) {
    const { _ui: ui, _t: t, client } = this;
    const [read, ...nodes] = (KINDS[question.kind] || choices)(question, t, (text) => this._say(text));
    const stem = rich('div', 'stem', question.stem);
    stem.id = 'stem';
    ui.submit = make('button', { className: 'submit' });
    const onsubmit = (event) => {
      event.preventDefault();
      const response = read();
      if (client.pending) return;
      if (question.expired) client.askAgain();
      else if (!response) this._say(t(question.kind === 'numeric' ? 'number' : 'empty'), true);
      else client.answer(response);
      this._show();
    };
    const head = make('div', { className: 'head' }, make('h2', {}, t('title')), ui.clock);
    this._fill(head, stem, make('form', { onsubmit, noValidate: true }, ...nodes, make('div', { className: 'foot' }, ui.say, ui.submit)));
  }

  _wait() {
    const { _ui: ui, _t: t } = this;
    const { rewind_to_ms: back } = this._last.verdict || {};
    this._fill(
      make('h2', { className: 'verdict bad', id: 'stem' }, t('wrong')),
      make('p', {}, back == null ? '' : t('rewound', time(back))),
      make('p', {}, ui.clock), make('div', { className: 'heard' }, ui.say),
    );
    this._say(ui.clock.textContent);
  }

  _open(open) {
    const { shade, box } = this._ui;
    const focused = document.activeElement;
    if (open && shade.hidden) {
      this._before = focused;
      document.addEventListener('focusin', this._kept);
      const full = document.fullscreenElement;
      if (full && !full.contains(this)) document.exitFullscreen();
      if (document.pictureInPictureElement) document.exitPictureInPicture();
    }
    const closes = !open && !shade.hidden;
    shade.hidden = !open;
    if (open) box.focus();
    if (!closes) return;
    document.removeEventListener('focusin', this._kept);
    if (this._before) this._before.focus();
  }

  _clock() {
    const { client, _ui: ui, _t: t } = this;
    const { challenge, cooldownUntil } = client;
    const until = challenge ? challenge.answer_by : cooldownUntil;
    const seconds = Math.max(0, Math.ceil((until - Date.now()) / 1000));
    let text = t('next', seconds);
    if (challenge) text = until ? t('left', time(seconds * 1000)) : '';
    ui.clock.textContent = text;
    // Seen every second, said twice.
    if (challenge && !client.pending && (seconds === 30 || seconds === 10)) this._say(text);
  }

  _say(text, bad) {
    const { say } = this._ui;
    say.classList.toggle('bad', !!bad);
    if (say.textContent !== text) say.textContent = text;
  }
}

if (!customElements.get('exam-lesson')) customElements.define('exam-lesson', ExamLesson);
export * from './exam-lesson-core.js';
