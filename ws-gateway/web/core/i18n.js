// Words, dates and numbers. Chinese is complete by itself; English replaces it as a whole. Times are those of
// Asia/Shanghai wherever the reader is: windows and deadlines are set in that zone.
import { settings } from './keep.js';

const CATALOGUES = {
  'zh-CN': () => import('../i18n/zh-CN.js'),
  en: () => import('../i18n/en.js'),
};
/** Words of pages that few open: loaded by language with the first such page. */
const STAFF = {
  'zh-CN': () => import('../i18n/staff-zh-CN.js'),
  en: () => import('../i18n/staff-en.js'),
};
const ZONE = 'Asia/Shanghai';

let words = {};
let language = 'zh-CN';

/** `zh-CN` or `en`. */
export const current = () => language;

/** Loads a language; the one of the last visit unless another is named. */
export async function speak(name = settings.get('language')) {
  const chosen = name === 'en' ? 'en' : 'zh-CN';
  // Kept before its words are here: whoever chooses may go on at once.
  settings.set('language', chosen);
  try {
    await load(chosen);
  } catch (problem) {
    if (Object.keys(words).length) throw problem;
    // A page that opens without a network has perhaps the words of the other one.
    await load(chosen === 'en' ? 'zh-CN' : 'en');
  }
}

async function load(name) {
  words = (await CATALOGUES[name]()).default;
  language = name;
  document.documentElement.lang = name;
}

/** Adds the words of staff's pages to the language at hand. */
export async function speakOfStaff() {
  words = { ...words, ...(await STAFF[language]()).default };
}

/** The words of a key with `{name}` replaced. A missing key shows itself: better than an empty page. */
export function t(key, values = {}) {
  const text = Object.prototype.hasOwnProperty.call(words, key) ? words[key] : key;
  return text.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
}

/** Whether there are words for a key. */
export const has = (key) => Object.prototype.hasOwnProperty.call(words, key);

/** The server says many things as `中文 / English`; this picks the half. */
export function half(text) {
  const at = (text || '').indexOf(' / ');
  if (at < 0) return text || '';
  return language === 'en' ? text.slice(at + 3) : text.slice(0, at);
}

const formats = new Map();

function formatter(kind, options) {
  const key = `${language} ${kind} ${JSON.stringify(options)}`;
  if (!formats.has(key)) formats.set(key, new Intl[kind](language === 'en' ? 'en-GB' : 'zh-CN', options));
  return formats.get(key);
}

/** A day. */
export const day = (time) =>
  formatter('DateTimeFormat', { timeZone: ZONE, year: 'numeric', month: 'long', day: 'numeric' }).format(new Date(time));

/** A day with its time to the minute. */
export const moment = (time) =>
  formatter('DateTimeFormat', {
    timeZone: ZONE, year: 'numeric', month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit', hourCycle: 'h23',
  }).format(new Date(time));

/** A time of day with seconds. */
export const clock = (time) =>
  formatter('DateTimeFormat', { timeZone: ZONE, hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' })
    .format(new Date(time));

/** A number with at most two decimals. */
export const number = (value) => formatter('NumberFormat', { maximumFractionDigits: 2 }).format(value);

/** A share as per cent. */
export const percent = (value) => formatter('NumberFormat', { style: 'percent', maximumFractionDigits: 1 }).format(value);

/** A length of time in words: `1 小时 30 分钟`. */
export function span(ms) {
  const minutes = Math.round(ms / 60000);
  if (minutes < 1) return t('span.seconds', { n: Math.max(0, Math.round(ms / 1000)) });
  const hours = Math.floor(minutes / 60);
  const rest = minutes % 60;
  if (!hours) return t('span.minutes', { n: minutes });
  return rest ? t('span.hours_minutes', { h: hours, m: rest }) : t('span.hours', { h: hours });
}

/** The year it is in Shanghai. */
export const thisYear = () =>
  Number(new Intl.DateTimeFormat('en', { timeZone: ZONE, year: 'numeric' }).format(new Date()));
