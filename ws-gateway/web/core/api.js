// Asking the server. Everything that goes wrong is a `Problem`: what the server said as problem+json, or
// `network` when nothing was heard, and then nobody knows whether the request arrived.
import { current, half } from './i18n.js';

const TIMEOUT_MS = 15000;

export class Problem extends Error {
  constructor(status, body) {
    super(body.title || body.code);
    this.status = status;
    this.code = body.code;
    this.title = body.title || '';
    this.detail = half(body.detail || '');
    this.retryAfterMs = body.retry_after_ms;
    this.attempt = body.attempt;
    this.position = body.position;
    this.ticket = body.ticket;
    this.errors = (body.errors || []).map((error) => ({ pointer: error.pointer, detail: half(error.detail) }));
  }

  /** Whether asking again later may help. */
  get temporary() {
    return ['network', 'timeout', 'rate_limited', 'queued', 'overloaded', 'unavailable', 'storage_full', 'internal'].includes(this.code);
  }
}

/** Nothing was heard. */
const silence = () => new Problem(0, { code: 'network' });

/**
 * Asks. `body` is sent as JSON, a `FormData` as it is. Options: `signal`, `timeoutMs`, `keepalive`, `headers`,
 * `raw` for the response itself.
 */
export async function call(method, path, body, options = {}) {
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), options.timeoutMs || TIMEOUT_MS);
  if (options.signal) options.signal.addEventListener('abort', () => stop.abort(), { once: true });
  const form = body instanceof FormData;
  let response;
  let text;
  try {
    response = await fetch(path.startsWith('/') ? path : `/api/v1/${path}`, {
      method,
      credentials: 'same-origin',
      cache: 'no-store',
      keepalive: options.keepalive === true,
      signal: stop.signal,
      headers: { 'Accept-Language': current(), ...options.headers, ...(body === undefined || form ? {} : { 'Content-Type': 'application/json' }) },
      body: body === undefined ? undefined : form ? body : JSON.stringify(body),
    });
    if (options.raw && response.ok) return response;
    text = await response.text();
  } catch {
    throw silence();
  } finally {
    clearTimeout(timer);
  }
  if (response.ok) return parse(text);
  const told = parse(text);
  // A proxy in between answers in its own words; what it means is in the status.
  throw new Problem(response.status, told && told.code ? told : { code: response.status >= 500 ? 'unavailable' : 'invalid' });
}

function parse(text) {
  try {
    return text ? JSON.parse(text) : null;
  } catch {
    return null;
  }
}

export const get = (path, options) => call('GET', path, undefined, options);
export const post = (path, body, options) => call('POST', path, body, options);
export const putTo = (path, body, options) => call('PUT', path, body, options);

/** A path with its query; what is empty is left out. */
export function query(path, values) {
  const pairs = Object.entries(values).filter(([, value]) => value !== undefined && value !== null && value !== '');
  return pairs.length ? `${path}?${new URLSearchParams(pairs)}` : path;
}

/** All pages of a list. `most` bounds what a page of ours holds in memory. */
export async function all(path, values = {}, most = 5000) {
  const items = [];
  let after;
  do {
    const page = await get(query(path, { limit: 500, ...values, after }));
    items.push(...page.items);
    after = page.next;
  } while (after && items.length < most);
  return { items, more: Boolean(after) };
}
