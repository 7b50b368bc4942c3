// Why each thing is as it is: docs/sdk.md, "Inside". These two files are kept small enough to need no build.

const TICK = 250;
const CONNECT_WITHIN = 5000;
const REPLY_WITHIN = 8000;
const PROBE_WITHIN = 3000;
const SLEPT = 5000;
const BACKOFF = 1000;
const BACKOFF_MOST = 30000;
const RESTART_SPREAD = 10000;
const STABLE = 10000;
const BLINK = 3000;
const BEAT_GAP = 400;
const PAUSED_BEAT = 25000;
const AHEAD = 1500;

export class FinalError extends Error {
  constructor(code) {
    super(code);
    this.code = code;
  }
}

export async function fetchTicket(endpoint, lesson) {
  const url = new URL(endpoint, location.href);
  if (url.origin !== location.origin) throw new FinalError('ticket_origin');
  const response = await fetch(url.href, {
    method: 'POST',
    credentials: 'same-origin',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ purpose: 'lesson', id: lesson }),
  });
  const body = await response.json().catch(() => ({}));
  if (response.ok) return body.ticket;
  const final = response.status < 500 && ![408, 429].includes(response.status);
  throw new (final ? FinalError : Error)(body.code || 'ticket_' + response.status);
}

const HEARD = { play: 'play', pause: 'pause', ended: 'pause', seeking: 'seek', ratechange: 'ratechange' };

export function mediaPlayer(media) {
  return {
    play: () => media.play(),
    pause: () => media.pause(),
    position: () => media.currentTime * 1000,
    seek: (ms) => { media.currentTime = ms / 1000; },
    playing: () => !media.paused && !media.ended,
    rate: () => media.playbackRate,
    setRate: (rate) => { media.playbackRate = rate; },
    listen(notify) {
      const heard = (event) => notify(HEARD[event.type]);
      Object.keys(HEARD).forEach((type) => media.addEventListener(type, heard));
      return () => Object.keys(HEARD).forEach((type) => media.removeEventListener(type, heard));
    },
  };
}

function uuid() {
  const digit = (d) => (d ^ (crypto.getRandomValues(new Uint8Array(1))[0] & (15 >> (d / 4)))).toString(16);
  return '10000000-1000-4000-8000-100000000000'.replace(/[018]/g, digit);
}

const SAID = ['welcome', 'credit', 'challenge', 'verdict', 'complete', 'notice', 'error', 'resync'];
const PAGE = ['online', 'offline', 'pagehide', 'pageshow', 'visibilitychange'];
const NOTHING = { session: '', seq: 0, pending: null, cooldown: 0 };

export class LessonClient {
  constructor(options) {
    this.state = 'idle';
    this.locked = '';
    this.challenge = null;
    this.coveredMs = this.furthestMs = this.durationMs = this.retryAt = 0;
    this.maxRate = 1;
    this._options = options;
    this._env = options.env || globalThis;
    this._key = 'exam-lesson:' + options.lesson;
    this._kept = { n: 0, ...NOTHING };
    this._attempt = this._beatAt = 0;
  }

  get pending() { return this._kept.pending; }

  get cooldownUntil() { return this._kept.cooldown; }

  start() {
    if (this._on) return;
    this._on = true;
    this._known = false;
    this._failures = this._watched = 0;
    this._downSince = -Infinity;
    this._tickAt = this._now();
    try { Object.assign(this._kept, JSON.parse(this._env.sessionStorage.getItem(this._key))); } catch { /* none kept */ }
    this._watch('addEventListener');
    this.attach(this._options.player);
    this._connect();
    this._arm();
  }

  stop() {
    this._on = false;
    this._drop();
    this._watch('removeEventListener');
    this.attach();
    this._env.clearTimeout(this._timer);
    this.challenge = null;
    this.locked = '';
    this._become('idle');
  }

  attach(player) {
    if (this._unlisten) this._unlisten();
    this._player = player;
    this._unlisten = player && player.listen && player.listen((kind) => this.notify(kind));
    this._at = null;
    this._playing = false;
    if (!player || !this._on) return;
    this._place();
    if (this.locked && this._isPlaying()) this.notify('play');
  }

  notify(kind) {
    if (!this._on || !this._player) return;
    if (kind === 'play') this._playing = true;
    if (kind === 'pause') this._playing = false;
    if (kind === 'play' && this.locked) {
      this._resume = true;
      this._player.pause();
      return;
    }
    if (kind === 'seek') this._guard();
    this._slow();
    this._note();
    this._beatDue = true;
    if (this._now() - this._beatAt >= BEAT_GAP) this._beat();
  }

  answer(response) {
    if (!this.challenge) throw new Error('no question is open');
    if (!this.pending) {
      this._keep({ pending: { command_id: uuid(), challenge: this.challenge.challenge, response } });
      this._sendAnswer();
    }
    return this.pending.command_id;
  }

  continueHere() {
    if (this.state !== 'takenover' && this.state !== 'failed') return;
    this._failures = 0;
    this._refused = false;
    this._connect();
  }

  askAgain() {
    this._askedAt = this._now();
    this._beat(true);
  }

  async _connect() {
    const { ticket, url } = this._options;
    const attempt = ++this._attempt;
    this._replyBy = this._now() + REPLY_WITHIN;
    this._become('connecting');
    let pass;
    try {
      pass = await ticket();
    } catch (error) {
      if (attempt !== this._attempt) return;
      if (error instanceof FinalError) this._fail(error.code);
      else this._wait();
      return;
    }
    if (attempt !== this._attempt) return;
    const socket = this._socket = new this._env.WebSocket(url, 'exam.v1');
    const mine = (handle) => (event) => socket === this._socket && handle(event);
    this._replyBy = this._now() + CONNECT_WITHIN;
    socket.onopen = mine(() => {
      const { session, seq } = this._kept;
      this._asked = session;
      this._send({ t: 'hello', ticket: pass, ...(session && { resume: { session, seq } }) });
      this._replyBy = this._now() + REPLY_WITHIN;
    });
    socket.onmessage = mine((event) => this._message(JSON.parse(event.data)));
    socket.onclose = mine((event) => this._closed(event.code));
  }

  _send(message) {
    if (this._socket && this._socket.readyState === 1) this._socket.send(JSON.stringify(message));
  }

  _drop() {
    const socket = this._socket;
    this._attempt += 1;
    this._socket = this._replyBy = null;
    if (socket) socket.close(1000);
  }

  _closed(code) {
    this._drop();
    if (code === 4409) {
      this._forget();
      this._become('takenover');
      this._emit('takenover', {});
    } else if (code === 4401 && !this._refused) {
      this._refused = true;
      this._connect();
    } else if (code >= 4400 && code < 4500) {
      this._fail('closed_' + code);
    } else {
      this._wait(code);
    }
  }

  _wait(code) {
    if (this._welcomedAt && this._now() - this._welcomedAt > STABLE) this._failures = 0;
    this._welcomedAt = 0;
    const most = code === 1012 && !this._failures ? RESTART_SPREAD : Math.min(BACKOFF_MOST, BACKOFF * 2 ** this._failures);
    this._failures += 1;
    this._replyBy = null;
    this.retryAt = this._now() + this._env.Math.random() * most;
    this._become('waiting');
  }

  _lost() {
    if (this.state !== 'live' && this.state !== 'connecting') return;
    this._drop();
    this._wait();
  }

  _retry() {
    if (this.state !== 'waiting') return;
    this._failures = 0;
    this._connect();
  }

  _fail(code) {
    this._drop();
    this.challenge = null;
    this._emit('error', { code, temporary: false });
    this._become('failed');
  }

  _become(state) {
    if (this.state === 'live') this._downSince = this._now();
    this.state = state;
    this._emit('state', { state });
    this._settle();
  }

  _message(message) {
    this._replyBy = null;
    const { t, seq } = message;
    if (t !== 'welcome' && seq && !this._isNext(seq)) return;
    if (SAID.includes(t)) this['_' + t](message);
  }

  _notice(message) { this._emit('notice', message); }

  _resync() {
    this._forget();
    this._lost();
  }

  _complete(message) {
    this._drop();
    this._forget();
    this._emit('complete', message);
    this._become('complete');
  }

  _isNext(seq) {
    const had = this._kept.seq;
    if (seq === had + 1) this._keep({ seq });
    if (seq <= had + 1) return seq > had;
    // The same gap again cannot be filled.
    if (this._gapAt === had) this._forget();
    this._gapAt = had;
    this._lost();
    return false;
  }

  _welcome(message) {
    const { session, challenge: open } = message;
    const resumed = this._asked === session;
    const first = !this._known;
    this._known = true;
    this._refused = false;
    this._welcomedAt = this._now();
    this._beatMs = message.heartbeat_ms;
    this.durationMs = message.duration_ms;
    this.maxRate = message.max_rate;
    this._progress(message);
    if (!resumed) {
      this._watched = 0;
      this._keep({ session, seq: message.seq, cooldown: 0 });
    }
    if (this.cooldownUntil < this._now()) this._keep({ cooldown: 0 });
    if (this.pending && (open ? open.challenge !== this.pending.challenge : !resumed)) this._keep({ pending: null });
    if (open) this._challenge(open);
    else this.challenge = null;
    this._become('live');
    if (first) this._emit('ready', { ...message, resumed });
    this._place(first);
    if (this.pending) this._sendAnswer();
    this._beat();
  }

  _progress(message) {
    this.coveredMs = message.covered_ms;
    this.furthestMs = message.furthest_ms;
  }

  _credit(message) {
    this._progress(message);
    if (message.n === this._kept.n && this._sentMs > this.furthestMs + AHEAD) {
      this._watched = this.furthestMs;
      this._guard();
    }
    this._emit('credit', message);
  }

  _challenge(message) {
    const { answer_within_ms: within, challenge } = message;
    const known = this.challenge && this.challenge.challenge === challenge;
    if (!known) this.challenge = { ...message, expired: false, answer_by: within ? this._now() + within : 0 };
    this._askedAt = 0;
    this._keep({ cooldown: 0 });
    if (this.pending && this.pending.challenge !== challenge) this._keep({ pending: null });
    this._settle();
    if (!known) this._emit('challenge', this.challenge);
  }

  _verdict(message) {
    const { rewind_to_ms: rewind } = message;
    this.challenge = null;
    this._keep({ pending: null, cooldown: message.continue ? 0 : this._now() + (message.next_in_ms || 0) });
    if (rewind != null && this._player) {
      this._watched = this.furthestMs = Math.min(this.furthestMs, rewind);
      this._player.seek(rewind);
      this._note();
    }
    this._emit('verdict', message);
    this._settle();
  }

  _error(message) {
    const { temporary } = message;
    this._resendAt = temporary && this.pending ? this._now() + PROBE_WITHIN : 0;
    if (!temporary) this._keep({ pending: null });
    this._emit('error', message);
  }

  _sendAnswer() {
    this._resendAt = 0;
    this._send({ t: 'answer', ...this.pending });
    this._expect(REPLY_WITHIN);
  }

  // Silence is death, whatever the socket reports.
  _expect(within) {
    if (this.state === 'live') this._replyBy = Math.min(this._replyBy || Infinity, this._now() + within);
  }

  _isPlaying() {
    const player = this._player;
    return !!player && (player.playing ? player.playing() : this._playing);
  }

  _isHidden() { return this._env.document.visibilityState === 'hidden'; }

  _rate() { return this._player.rate ? this._player.rate() : 1; }

  _beat(playing = !this.locked && !this._isHidden() && this._isPlaying()) {
    if (this.state !== 'live' || !this._player) return;
    this._sentMs = Math.max(0, Math.round(this._player.position()) || 0);
    this._beatAt = this._now();
    this._beatDue = false;
    const n = this._kept.n + 1;
    this._keep({ n });
    this._send({ t: 'beat', n, position_ms: this._sentMs, playing, rate: this._rate() });
    this._expect(REPLY_WITHIN);
  }

  _seen() {
    this._settle();
    this._beat();
    this._expect(PROBE_WITHIN);
  }

  _reason() {
    const { state } = this;
    if (!this._on || state === 'complete') return '';
    if (state === 'failed' || state === 'takenover') return state;
    if (this.challenge) return 'challenge';
    if (this.cooldownUntil) return 'cooldown';
    if (state !== 'live' && this._now() - this._downSince > BLINK) return this._known ? 'offline' : 'connecting';
    return this._isHidden() && this._options.pauseWhenHidden !== false ? 'hidden' : '';
  }

  _settle() {
    const reason = this._reason();
    const before = this.locked;
    const player = this._player;
    if (reason === before) return;
    this.locked = reason;
    if (reason) {
      if (!before) this._resume = this._isPlaying();
      if (this._isPlaying()) player.pause();
      this._playing = false;
      this._emit('locked', { reason });
      return;
    }
    if (this._resume && player) {
      this._playing = true;
      const played = player.play();
      if (played && played.catch) played.catch(() => { this._playing = false; });
      // Credit begins with a beat that says so.
      this._beat();
    }
    this._emit('resumed', { reason: before });
  }

  _place(first) {
    const player = this._player;
    const { furthestMs } = this;
    if (!player || this.state !== 'live') return;
    this._slow();
    if (first && player.position() < AHEAD && furthestMs < this.durationMs - AHEAD) player.seek(furthestMs);
    this._guard();
    this._note();
  }

  // Beyond what was played through, nothing counts.
  _guard() {
    const limit = Math.max(this.furthestMs, this._watched);
    if (!this._known || this.state === 'complete' || this._player.position() <= limit + AHEAD) return;
    this._player.seek(limit);
    this._emit('notice', { level: 'info', code: 'seek_back', text: '' });
  }

  _slow() {
    if (this._known && this._rate() > this.maxRate && this._player.setRate) this._player.setRate(this.maxRate);
  }

  _note() { this._at = { ms: this._player.position(), now: this._now() }; }

  _follow() {
    const before = this._at;
    const player = this._player;
    if (!player) return;
    this._note();
    const moved = before ? this._at.ms - before.ms : 0;
    const most = before ? (this._at.now - before.now) * this._rate() + AHEAD : 0;
    if (this.locked) {
      if (this._isPlaying() || moved > TICK / 2) player.pause();
    } else if (moved > most || moved < -AHEAD) {
      this.notify('seek');
    } else if (this._known) {
      this._watched = Math.max(this._watched, this._at.ms);
    }
  }

  // All that waits for a moment is looked at here: a clock that slept is late for everything at once.

  _arm() {
    this._timer = this._env.setTimeout(() => {
      this._tick(this._now());
      if (this._on) this._arm();
    }, TICK);
  }

  _tick(now) {
    // Slept, or the clock was set.
    const jumped = Math.abs(now - this._tickAt) > SLEPT;
    this._tickAt = now;
    if (jumped) {
      this._beat();
      this.retryAt = now;
      this._replyBy = now + PROBE_WITHIN;
    }
    if (this.state === 'waiting' && now >= this.retryAt) this._connect();
    if (this._replyBy && now > this._replyBy) this._lost();
    if (this.state === 'live') this._live(now);
    this._settle();
    this._follow();
  }

  _live(now) {
    const { challenge, pending } = this;
    const since = now - this._beatAt;
    const every = this._isPlaying() ? this._beatMs : Math.max(this._beatMs, PAUSED_BEAT);
    if (since >= every || (this._beatDue && since >= BEAT_GAP)) this._beat();
    if (pending && this._resendAt && now >= this._resendAt) this._sendAnswer();
    if (challenge && !pending && !challenge.expired && challenge.answer_by && now > challenge.answer_by) {
      challenge.expired = true;
      this._emit('expired', challenge);
    }
    // The next question is late: a new welcome says what is open.
    const due = this.cooldownUntil || this._askedAt;
    if (due && now > due + PROBE_WITHIN) {
      this._askedAt = 0;
      this._lost();
    }
  }

  _keep(changes) {
    Object.assign(this._kept, changes);
    try { this._env.sessionStorage.setItem(this._key, JSON.stringify(this._kept)); } catch { /* none to keep it */ }
  }

  _forget() {
    this.challenge = null;
    this._keep(NOTHING);
  }

  _watch(act) { PAGE.forEach((type) => this._env.window[act](type, this)); }

  handleEvent({ type, persisted }) {
    if (type === 'pagehide') this._beat(false);
    if (type === 'pagehide' || type === 'offline') this._lost();
    if (type === 'online' || (type === 'pageshow' && persisted)) this._retry();
    if (type === 'visibilitychange') this._seen();
  }

  _now() { return this._env.Date.now(); }

  _emit(type, detail) { this._options.on(type, detail); }
}
