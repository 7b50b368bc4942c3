// The time left, by the server's clock. The device's own clock is only believed for how much time has passed, and
// where its two clocks disagree (the device slept, or somebody set the time) the larger step counts until the server
// has been asked again.

export class Countdown {
  constructor({ steady = () => performance.now(), wall = () => Date.now() } = {}) {
    this.steady = steady;
    this.wall = wall;
    this.sync({ remaining_ms: 0, server_time: new Date(wall()).toISOString(), running: false });
  }

  /** What the server said: how much is left, and what time it is there. */
  sync({ remaining_ms: left, server_time: time, running }) {
    this.left = left;
    this.server = Date.parse(time);
    this.running = running;
    this.at = { steady: this.steady(), wall: this.wall() };
  }

  /** A receipt names the server's time too. */
  told(time, deadline) {
    if (!this.running) return;
    const left = Date.parse(deadline) - Date.parse(time);
    // A receipt that comes back late tells an old time: only what shortens the rest is taken from it.
    if (left < this.remaining()) this.sync({ remaining_ms: Math.max(0, left), server_time: time, running: true });
  }

  #passed() {
    const steady = this.steady() - this.at.steady;
    const wall = this.wall() - this.at.wall;
    return Math.max(steady, wall, 0);
  }

  /** Milliseconds left. */
  remaining() {
    return this.running ? Math.max(0, this.left - this.#passed()) : this.left;
  }

  /** Whether the time is over beyond doubt: by the clock nobody can set. */
  over() {
    return this.running && this.steady() - this.at.steady >= this.left;
  }

  /** The server's time now. */
  now() {
    return this.server + Math.max(0, this.steady() - this.at.steady);
  }

  /** Whether the device's clocks have parted: the server should be asked. */
  doubtful() {
    return Math.abs(this.wall() - this.at.wall - (this.steady() - this.at.steady)) > 2000;
  }
}

/** `1:29:59`, or `29:59` below an hour. */
export function digits(ms) {
  const seconds = Math.ceil(ms / 1000);
  const two = (value) => String(value).padStart(2, '0');
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  return hours ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${two(minutes)}:${two(seconds % 60)}`;
}
