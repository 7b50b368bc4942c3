// What the browser tests share: a server of their own, a browser, and ways about the pages.
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const here = dirname(fileURLToPath(import.meta.url));
const root = resolve(here, '../..');
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

export const ARTIFACTS = join(root, 'tests/artifacts');
export const PASSWORD = 'keju-demo';
export const DESKTOP = { width: 1280, height: 800 };
export const PHONE = { width: 360, height: 740 };

/** The server program: `KEJU_BIN`, or what was built last. */
function program() {
  const path = process.env.KEJU_BIN || join(root, 'target/debug/keju');
  if (!existsSync(path)) throw new Error(`there is no ${path}: build the server, or set KEJU_BIN`);
  return path;
}

function browserPath() {
  const names = ['chromium', 'chromium-browser', 'google-chrome'];
  const paths = (process.env.PATH || '').split(':').flatMap((folder) => names.map((name) => join(folder, name)));
  const found = paths.find((path) => existsSync(path));
  if (!found) throw new Error('these tests need Chromium');
  return found;
}

/** Looked for before any server is started: one without a browser would be left running. */
const BROWSER = browserPath();

/** A demo site on a port of its own with an empty database. */
export async function startServer(args = []) {
  const folder = mkdtempSync(join(tmpdir(), 'keju-browser-'));
  const command = ['--demo', '--listen', '127.0.0.1:0', '--database', `sqlite:${join(folder, 'demo.db')}`, ...args];
  const child = spawn(program(), command, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
  let errors = '';
  child.stderr.on('data', (text) => { errors += text; });
  const origin = await new Promise((found, failed) => {
    let output = '';
    child.stdout.on('data', (text) => {
      output += text;
      const line = /listening on (http:\/\/\S+)/.exec(output);
      if (line) found(line[1]);
    });
    child.on('exit', (code) => failed(new Error(`the server ended with ${code}\n${errors}`)));
  });
  return {
    origin,
    async stop() {
      const ended = new Promise((resolved) => child.on('exit', resolved));
      child.kill('SIGTERM');
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export async function startBrowser() {
  return chromium.launch({
    executablePath: BROWSER,
    args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update', '--disable-sync',
      '--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1'],
  });
}

/** A server and a browser for the tests of a file; `done()` ends both. */
export async function start() {
  const [server, browser] = await Promise.all([startServer(), startBrowser()]);
  return {
    server,
    browser,
    origin: server.origin,
    /**
     * A page of a person of its own. Routes of a test are heard only where no worker stands in between: the test that
     * is about it asks for `serviceWorkers: 'allow'`.
     * What it logs as an error fails the test by `page.faults`.
     */
    async open(username, { size = DESKTOP, options = {} } = {}) {
      const context = await browser.newContext({ viewport: size, serviceWorkers: 'block', locale: 'zh-CN', timezoneId: 'Asia/Shanghai', ...options });
      const page = await context.newPage();
      page.faults = [];
      page.on('pageerror', (error) => page.faults.push(String(error)));
      page.on('console', (message) => {
        if (message.type() === 'error' && !/Failed to load resource/.test(message.text())) page.faults.push(message.text());
      });
      page.on('dialog', (dialog) => dialog.accept());
      if (username) await signIn(page, server.origin, username);
      return page;
    },
    async done() {
      await browser.close();
      await server.stop();
    },
  };
}

export async function signIn(page, origin, username, password = PASSWORD) {
  await page.goto(`${origin}/sign-in`);
  await page.fill('input[name=username]', username);
  await page.fill('input[name=password]', password);
  await page.click('button:has-text("登录")');
  await page.waitForSelector('header.top');
}

/** The API as a person, for what a test needs done besides its page. */
export async function api(origin, username, password = PASSWORD) {
  const headers = { 'content-type': 'application/json' };
  const ask = async (method, path, body) => {
    const response = await fetch(`${origin}/api/v1/${path}`, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
    const text = await response.text();
    const value = text ? JSON.parse(text) : null;
    if (!response.ok) throw Object.assign(new Error(`${method} ${path}: ${response.status} ${text}`), { status: response.status, value });
    return value;
  };
  const session = await ask('POST', 'session', { username, password });
  headers.authorization = `Bearer ${session.token}`;
  return { ask, user: session.user, token: session.token };
}

/** Findings of axe that are serious or critical, in words. */
export async function findings(page) {
  // As text into the page's own world by the debugger: the policy forbids a script element.
  await page.evaluate(axe);
  const result = await page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }));
  return result.violations
    .filter((violation) => ['serious', 'critical'].includes(violation.impact))
    .map((violation) => `${violation.id} (${violation.impact}): ${violation.nodes.slice(0, 3).map((node) => `${node.target} ${node.failureSummary}`).join(' | ')}`);
}

/** A picture for people to look at. */
export async function picture(page, name) {
  mkdirSync(ARTIFACTS, { recursive: true });
  await page.screenshot({ path: join(ARTIFACTS, `${name}.png`), fullPage: true });
}

/** Whether the page is wider than its window: on a phone nothing may be. */
export async function tooWide(page) {
  return page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
}

/** Waits until a test's own condition holds, at most this long. */
export async function until(holds, what, ms = 15000) {
  const end = Date.now() + ms;
  for (;;) {
    const value = await holds();
    if (value) return value;
    if (Date.now() > end) throw new Error(`waited too long for ${what}`);
    await new Promise((resolved) => setTimeout(resolved, 50));
  }
}
