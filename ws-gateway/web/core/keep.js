// What the browser keeps. Every access may fail (private windows, full or forbidden storage): callers are told
// by the result and never by an exception.

/** A named drawer of `localStorage`, or of memory where there is none. */
export function drawer(prefix, storage = open()) {
  const full = (key) => `keju:${prefix}${key}`;
  return {
    /** What was kept, or `undefined`. */
    get(key) {
      try {
        const text = storage.getItem(full(key));
        return text === null ? undefined : JSON.parse(text);
      } catch {
        return undefined;
      }
    },
    /** Whether it is kept now. */
    set(key, value) {
      try {
        storage.setItem(full(key), JSON.stringify(value));
        return storage !== memory;
      } catch {
        return false;
      }
    },
    /** Forgets it. */
    remove(key) {
      try {
        storage.removeItem(full(key));
      } catch {
        // What cannot be reached cannot be kept either.
      }
    },
    /** The keys in it. */
    keys() {
      try {
        const all = Array.from({ length: storage.length }, (_, index) => storage.key(index));
        return all.filter((key) => key.startsWith(full(''))).map((key) => key.slice(full('').length));
      } catch {
        return [];
      }
    },
  };
}

/** Keeps nothing beyond the page; stands in where the browser has no storage. */
const memory = {
  map: new Map(),
  get length() {
    return this.map.size;
  },
  key(index) {
    return [...this.map.keys()][index];
  },
  getItem(key) {
    return this.map.has(key) ? this.map.get(key) : null;
  },
  setItem(key, value) {
    this.map.set(key, value);
  },
  removeItem(key) {
    this.map.delete(key);
  },
};

function open() {
  try {
    const probe = 'keju:probe';
    localStorage.setItem(probe, '1');
    localStorage.removeItem(probe);
    return localStorage;
  } catch {
    return memory;
  }
}

/** Whether the browser keeps what it is given when the page is closed. */
export function durable() {
  return open() !== memory;
}

/** Settings of this browser. */
export const settings = drawer('');
