// The oldest engines that docs/browsers.md names: Chromium 86 itself, and today's without what the WebViews of iOS 15 do
// not have. Both go the learner's whole road: a first password, practice, an exam with the network away in the middle and
// a page that is closed, the result, and a lesson with its questions.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { brotliDecompressSync } from 'node:zlib';
import { chromium } from 'playwright-core';
import { PHONE, api, picture, tooWide, until } from './kit.mjs';
import { keysOf, makeExam, rightOptions, slotsOf } from './exams.mjs';
import { makeLesson, startSite } from './sdk-site.mjs';

let site;
let author;

before(async () => {
  site = await startSite([]);
  author = await api(site.origin, 'author');
});
after(() => site.done());

/** Chromium 86 as the package holds it, unpacked for this run; `null` where it does not run. */
function unpack() {
  if (process.platform !== 'linux' || process.arch !== 'x64') return null;
  const bin = join(dirname(createRequire(import.meta.url).resolve('chrome-aws-lambda/package.json')), 'bin');
  const folder = mkdtempSync(join(tmpdir(), 'keju-chromium-86-'));
  const take = (name) => brotliDecompressSync(readFileSync(join(bin, name)));
  writeFileSync(join(folder, 'chromium'), take('chromium.br'), { mode: 0o755 });
  execFileSync('tar', ['-x', '-C', folder], { input: take('aws.tar.br') });
  assert.ok(existsSync(join(folder, 'lib')), 'the libraries beside it');
  return folder;
}

/**
 * A person at a page of any engine: the tools of the browser driver need a younger one, so that everything is found by
 * the page's own means and done by mouse and keyboard.
 */
class Hand {
  constructor(page) {
    this.page = page;
    page.faults = [];
    page.on('pageerror', (error) => page.faults.push(String(error)));
    page.on('console', (message) => {
      if (message.type() === 'error' && !/Failed to load resource|ERR_INTERNET_DISCONNECTED/.test(message.text())) page.faults.push(message.text());
    });
    page.on('dialog', (dialog) => dialog.accept());
  }

  /** Where an element that is seen and holds these words is, once it is there. */
  async find(selector, words = '') {
    const seek = () => this.page.evaluate(([wanted, text]) => {
      const roots = [document, ...[...document.querySelectorAll('exam-lesson')].map((one) => one.shadowRoot)];
      const seen = roots.flatMap((root) => [...root.querySelectorAll(wanted)]).filter((one) => one.getClientRects().length && one.textContent.includes(text));
      // What lies over the page is above what lies in it.
      const one = seen.find((each) => each.closest('.layer')) || seen[0];
      if (!one || one.disabled) return null;
      one.scrollIntoView({ block: 'center' });
      const box = one.getBoundingClientRect();
      return { x: box.left + box.width / 2, y: box.top + box.height / 2 };
    }, [selector, words]);
    try {
      return await until(seek, `${selector} ${words}`);
    } catch (error) {
      throw new Error(`${error.message}\n${await this.page.evaluate(() => document.body.innerText.slice(0, 600))}\n${this.page.faults.join('\n')}`);
    }
  }

  async press(selector, words) {
    const { x, y } = await this.find(selector, words);
    await this.page.mouse.click(x, y);
  }

  async type(selector, text) {
    await this.press(selector);
    await this.page.keyboard.insertText(text);
  }

  text(selector) {
    return this.page.evaluate((wanted) => (document.querySelector(wanted) || {}).textContent, selector);
  }

  saved() {
    return until(async () => (await this.text('.saving')) === '已保存', 'all to be saved');
  }

  async fits() {
    assert.equal(await tooWide(this.page), 0, this.page.url());
  }
}

/** The whole road of a learner at a phone. */
async function road(context, name) {
  const username = `old-${name}`;
  const admin = await api(site.origin, 'admin');
  const { people } = await admin.ask('POST', 'people', { people: [{ username, name: '老机学员', roles: ['learner'] }] });
  const hand = new Hand(await context.newPage());
  const { page } = hand;
  await page.goto(`${site.origin}/`);
  await hand.type('input[name=username]', username);
  await hand.type('input[name=password]', people[0].password);
  await hand.press('button', '登录');
  await hand.find('h1', '修改密码');
  const fields = await page.evaluate(() => [...document.querySelectorAll('input[type=password]')].map((one) => `#${one.id}`));
  for (const [index, words] of [people[0].password, 'a-good-one-9', 'a-good-one-9'].entries()) await hand.type(fields[index], words);
  await hand.press('button', '修改密码');
  await hand.find('.ring');
  await hand.fits();
  await picture(page, `${username}-year`);

  await examine(context, hand, username);
  await learn(hand, username);
  assert.deepEqual(page.faults, []);
}

async function examine(context, hand, username) {
  const { page } = hand;
  const exam = await makeExam(author, username);
  const keys = await keysOf(author);
  const learner = await api(site.origin, username, 'a-good-one-9');
  await page.goto(`${site.origin}/exams/${exam}`);
  await hand.find('.checks');
  await hand.fits();
  await hand.press('.check input');
  await hand.press('button', '开始考试');
  await hand.find('.question .option');
  await hand.fits();
  const id = page.url().split('/').pop();
  const slots = slotsOf(await learner.ask('GET', `attempts/${id}`));
  const answer = async (slot) => {
    const options = await page.evaluate(() => document.querySelectorAll('.question .option').length);
    assert.equal(options, slot.options.length);
    for (const index of rightOptions(keys, slot)) await hand.press(`.question .option:nth-child(${index + 1})`);
  };
  await answer(slots[0]);
  await hand.saved();
  await hand.press('button', '标记此题');
  await hand.press('.exam-foot button', '下一题');
  await context.setOffline(true);
  await answer(slots[1]);
  await hand.find('.saving.offline');
  await picture(page, `${username}-offline`);
  await context.setOffline(false);
  await hand.saved();
  await page.reload();
  await hand.find('.question .option.chosen');
  for (const slot of slots.slice(2)) {
    await hand.press('.exam-foot button', '下一题');
    await answer(slot);
    await hand.saved();
  }
  await hand.press('.hand-in');
  await hand.find('.dialog', '5 题已全部作答');
  await picture(page, `${username}-summary`);
  await hand.press('.dialog-foot .primary');
  await hand.find('.verdict-word', '合格');
  await hand.fits();
  await page.goto(`${site.origin}/history`);
  await hand.find('td', '100 / 100');
  const { earned } = await learner.ask('GET', `me/hours?year=${new Date().getFullYear()}`);
  assert.equal(earned.total, 2);
}

/** A lesson that asks every other second, until it has asked and was answered rightly. */
async function learn(hand, username) {
  const { page } = hand;
  const lesson = await makeLesson(site, { duration_ms: 10000 });
  await page.goto(`${site.origin}/lesson/?id=${lesson}`);
  const client = (key) => page.evaluate((name) => { const one = document.querySelector('exam-lesson'); return one && one.client && one.client[name]; }, key);
  await until(async () => (await client('state')) === 'live', 'the lesson to be connected');
  await hand.fits();
  await page.evaluate(() => { document.querySelector('video').play().catch(() => {}); });
  const first = await until(() => client('challenge'), 'a question');
  await hand.find('[role=dialog] label');
  assert.equal(await page.evaluate(() => document.querySelector('video').paused), true);
  const over = await until(() => page.evaluate(() => {
    const style = getComputedStyle(document.querySelector('exam-lesson').shadowRoot.querySelector('.overlay'));
    return style.position === 'fixed' && style.display;
  }), 'the question to have its looks');
  assert.equal(over, 'flex');
  await picture(page, `${username}-lesson`);
  await hand.press('[role=dialog] label', first.options[0].text.replace(/<[^>]*>/g, ''));
  await hand.press('[role=dialog] .submit');
  const words = () => page.evaluate(() => document.querySelector('exam-lesson').shadowRoot.textContent);
  await until(async () => /回答(不)?正确/.test(await words()), 'the verdict');
}

test('Chromium 86 itself, which WebViews of Android had for years, goes the whole road', async (context) => {
  const folder = unpack();
  if (!folder) return context.skip('its program is for Linux on x86-64');
  const env = { ...process.env, LD_LIBRARY_PATH: join(folder, 'lib'), HOME: folder };
  const browser = await chromium.launch({ executablePath: join(folder, 'chromium'), env, args: ['--no-sandbox', '--disable-gpu'] });
  try {
    assert.match(browser.version(), /^86\./);
    await road(await browser.newContext({ viewport: PHONE, locale: 'zh-CN', timezoneId: 'Asia/Shanghai' }), 'chromium-86');
  } finally {
    await browser.close();
    rmSync(folder, { recursive: true, force: true });
  }
  return undefined;
});

/** What a WebView of iOS 15.0 lacks of what today's Chromium has, as far as pages could lean on it. */
function takeAway() {
  const gone = {
    window: ['structuredClone', 'BroadcastChannel', 'CompressionStream', 'DecompressionStream', 'requestIdleCallback', 'cancelIdleCallback',
      'scheduler', 'navigation', 'URLPattern', 'HTMLDialogElement', 'CloseWatcher', 'EyeDropper', 'trustedTypes', 'TrustedHTML'],
    'Array.prototype': ['at', 'findLast', 'findLastIndex', 'toSorted', 'toReversed', 'toSpliced', 'with'],
    'String.prototype': ['at', 'isWellFormed', 'toWellFormed'],
    Array: ['fromAsync'], Object: ['hasOwn', 'groupBy'], Map: ['groupBy'], Promise: ['withResolvers', 'try'],
    AbortSignal: ['timeout', 'any'], 'AbortSignal.prototype': ['reason', 'throwIfAborted'], URL: ['canParse', 'parse'],
    'Set.prototype': ['union', 'intersection', 'difference', 'isSubsetOf'],
    'Crypto.prototype': ['randomUUID'],
    'Navigator.prototype': ['locks', 'serviceWorker', 'connection', 'wakeLock', 'userActivation', 'storage', 'userAgentData'],
    'Element.prototype': ['checkVisibility', 'setHTMLUnsafe'], 'HTMLElement.prototype': ['inert', 'popover', 'showPopover', 'attachInternals'],
    'Document.prototype': ['adoptedStyleSheets', 'startViewTransition'], 'ShadowRoot.prototype': ['adoptedStyleSheets'],
    'CSSStyleSheet.prototype': ['replaceSync', 'replace'], 'Performance.prototype': ['measureUserAgentSpecificMemory'],
  };
  for (const [path, names] of Object.entries(gone)) {
    const owner = path === 'window' ? window : path.split('.').reduce((at, name) => at && at[name], window);
    for (const name of names) if (owner) delete owner[name];
  }
}

test('without what WebViews of iOS 15 lack, a service worker among it, the whole road can be gone as well', async () => {
  const context = await site.browser.newContext({ viewport: PHONE, locale: 'zh-CN', timezoneId: 'Asia/Shanghai' });
  await context.addInitScript(takeAway);
  await road(context, 'webview');
  const [page] = context.pages();
  const left = await page.evaluate(() => [
    typeof structuredClone, typeof [].at, typeof crypto.randomUUID, typeof Object.hasOwn, 'serviceWorker' in navigator, 'locks' in navigator, typeof CompressionStream,
    typeof BroadcastChannel, 'adoptedStyleSheets' in document, 'inert' in document.body]);
  assert.deepEqual(left, ['undefined', 'undefined', 'undefined', 'undefined', false, false, 'undefined', 'undefined', false, false], 'they were gone indeed');
  await context.close();
});

test('a browser that keeps nothing says so, and its exam goes on as long as the page is open', async () => {
  const exam = await makeExam(author, 'keeps-nothing');
  const context = await site.browser.newContext({ viewport: PHONE, locale: 'zh-CN', timezoneId: 'Asia/Shanghai', serviceWorkers: 'block' });
  await context.addInitScript(() => {
    for (const name of ['localStorage', 'sessionStorage', 'indexedDB']) {
      Object.defineProperty(window, name, { get() { throw new DOMException('The operation is insecure.', 'SecurityError'); } });
    }
  });
  const hand = new Hand(await context.newPage());
  const { page } = hand;
  await page.goto(`${site.origin}/sign-in?next=/exams/${exam}`);
  await hand.type('input[name=username]', 'learner90');
  await hand.type('input[name=password]', 'keju-demo');
  await hand.press('button', '登录');
  await hand.find('.checks .warn, .checks .bad', '断网');
  await hand.press('.check input');
  await hand.press('button', '开始考试');
  await hand.find('.notice.warn');
  await context.setOffline(true);
  await hand.press('.question .option:nth-child(2)');
  await hand.find('.saving.offline');
  await context.setOffline(false);
  await hand.saved();
  assert.deepEqual(page.faults, []);
  await context.close();
});

test('an engine that cannot read the application is told so, and a network that is away is named', async () => {
  const context = await site.browser.newContext({ serviceWorkers: 'block' });
  const words = async (route) => {
    const page = await context.newPage();
    await page.route('**/assets/**', (request) => (route.test(request.request().url()) ? route.answer(request) : request.continue()));
    await page.goto(`${site.origin}/sign-in`);
    const told = await until(async () => {
      const text = await page.textContent('#boot-words');
      return !/正在打开/.test(text) && text;
    }, 'the reason');
    await page.close();
    return told;
  };
  const strange = (request) => request.fulfill({ contentType: 'text/javascript', body: 'export class Young { @new #thing = 1 }' });
  const away = (request) => request.abort();
  const cases = [[/core\/stream|app\.js/, strange, /版本过低.*too old/], [/core\/dom\.js/, strange, /版本过低/], [/core\/keep\.js/, away, /检查网络.*network/], [/i18n\//, away, /检查网络/]];
  for (const [path, answer, expected] of cases) assert.match(await words({ test: (url) => path.test(url), answer }), expected, String(path));
  await context.close();
});
