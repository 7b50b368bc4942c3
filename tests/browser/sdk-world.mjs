// The core of the SDK in a world whose clock, network and page are the test's.

import { readFile } from 'node:fs/promises';

const sdk = new URL('../../ws-gateway/web/sdk/', import.meta.url);

/** What the browser is served, byte for byte. */
export const source = (name) => readFile(new URL(name, sdk));

// Without a package file beside it node would have to guess what kind of module it is.
export const core = await import('data:text/javascript;base64,' + (await source('exam-lesson-core.js')).toString('base64'));

/** Lets promises that wait for nothing else go on. */
const settle = async () => { for (let i = 0; i < 20; i += 1) await null; };

class FakeSocket {
  constructor(url, protocol) {
    Object.assign(this, { url, protocol, readyState: 0, sent: [], closedWith: null });
  }

  send(text) { this.sent.push(JSON.parse(text)); }

  close(code) {
    this.readyState = 3;
    this.closedWith = code;
  }
}

/** A learner's page: `client` and everything around it. */
export class World {
  constructor(options = {}) {
    this.now = 1_700_000_000_000;
    this.random = 0.5;
    this.sockets = [];
    this.events = [];
    this.tickets = 0;
    this.timers = new Map();
    this.store = new Map();
    this.listeners = new Map();
    this.open(options);
  }

  /** Opens the page, again after a reload: only its storage stays. */
  open(options = {}) {
    const world = this;
    this.visibility = 'visible';
    this.timers.clear();
    this.listeners.clear();
    this.player = options.player || new FakePlayer(this);
    this.client = new core.LessonClient({
      lesson: 'l1',
      url: 'wss://keju.example/api/v1/stream',
      player: this.player,
      ticket: options.ticket || (async () => `ticket-${this.tickets += 1}`),
      on: (type, detail) => this.events.push({ type, ...detail }),
      pauseWhenHidden: options.pauseWhenHidden,
      env: {
        WebSocket: class extends FakeSocket {
          constructor(...given) {
            super(...given);
            world.sockets.push(this);
          }
        },
        Date: { now: () => this.now },
        Math: { random: () => this.random },
        document: { get visibilityState() { return world.visibility; } },
        window: {
          addEventListener: (type, heard) => { this.listeners.set(type, heard); },
          removeEventListener: (type) => { this.listeners.delete(type); },
        },
        sessionStorage: options.sessionStorage || {
          getItem: (key) => this.store.get(key) ?? null,
          setItem: (key, value) => this.store.set(key, value),
        },
        setTimeout: (run, ms) => {
          const timer = Symbol('timer');
          this.timers.set(timer, { run, at: this.now + ms });
          return timer;
        },
        clearTimeout: (timer) => this.timers.delete(timer),
      },
    });
  }

  /** The newest. */
  get socket() { return this.sockets[this.sockets.length - 1]; }

  async start() {
    this.client.start();
    await settle();
  }

  /** A thing that happens to the page. */
  async page(type, more = {}) {
    this.listeners.get(type).handleEvent({ type, ...more });
    await settle();
  }

  async see(visibility) {
    this.visibility = visibility;
    await this.page('visibilitychange');
  }

  /** The newest socket opens. */
  async connect() {
    this.socket.readyState = 1;
    this.socket.onopen({});
    await settle();
  }

  async say(message) {
    this.socket.onmessage({ data: JSON.stringify(message) });
    await settle();
  }

  async cut(code = 1006) {
    const { socket } = this;
    socket.readyState = 3;
    socket.onclose({ code });
    await settle();
  }

  async welcome(more = {}) {
    await this.connect();
    await this.say({
      t: 'welcome', session: 's1', lesson: 'l1', seq: 0, heartbeat_ms: 10_000, duration_ms: 600_000,
      covered_ms: 0, furthest_ms: 0, max_rate: 1, ...more,
    });
  }

  async begin(more) {
    await this.start();
    await this.welcome(more);
  }

  async challenge(seq, id = `c${seq}`, more = {}) {
    await this.say({
      t: 'challenge', seq, challenge: id, kind: 'true_false', stem: '?', options: [], answer_within_ms: 120_000, ...more,
    });
  }

  /** Time passes, the picture moves, and a server that lives credits every beat. */
  async pass(ms, { credits = true } = {}) {
    const end = this.now + ms;
    for (;;) {
      if (credits) await this.credit();
      const next = [...this.timers].sort(([, a], [, b]) => a.at - b.at)[0];
      if (!next || next[1].at > end) break;
      const [timer, { run, at }] = next;
      this.timers.delete(timer);
      this.to(Math.max(at, this.now));
      run();
      await settle();
    }
    this.to(end);
  }

  /** The machine sleeps: time passes and nothing runs. */
  sleep(ms) { this.now += ms; }

  to(now) {
    if (this.player.isPlaying) this.player.ms += (now - this.now) * this.player.speed;
    this.now = now;
  }

  async credit() {
    const beat = this.beats().pop();
    if (!beat || this.socket.readyState !== 1 || this.socket.credited === beat.n) return;
    this.socket.credited = beat.n;
    await this.say({ t: 'credit', n: beat.n, covered_ms: beat.position_ms, furthest_ms: beat.position_ms });
  }

  said(t) { return this.socket ? this.socket.sent.filter((message) => message.t === t) : []; }

  beats() { return this.said('beat'); }

  told(type) { return this.events.filter((event) => event.type === type); }
}

/** A player as a media element is one. */
export class FakePlayer {
  constructor(world) {
    Object.assign(this, { world, ms: 0, isPlaying: false, speed: 1, heard: () => {} });
    ['play', 'pause', 'position', 'seek', 'playing', 'rate', 'setRate', 'listen'].forEach((name) => {
      this[name] = this[name].bind(this);
    });
  }

  play() { this.change('play', { isPlaying: true }); }

  pause() { this.change('pause', { isPlaying: false }); }

  position() { return this.ms; }

  seek(ms) { this.change('seek', { ms }); }

  playing() { return this.isPlaying; }

  rate() { return this.speed; }

  setRate(speed) { this.change('ratechange', { speed }); }

  listen(heard) {
    this.heard = heard;
    return () => { this.heard = () => {}; };
  }

  change(kind, values) {
    const changed = Object.keys(values).some((key) => this[key] !== values[key]);
    Object.assign(this, values);
    if (changed) this.heard(kind);
  }
}
