// What the tests of the SDK share: a demo site with lessons that ask often, and a learner in front of one.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PASSWORD, api, startBrowser, startServer, until } from './kit.mjs';

const CHOICES = [
  ['<p>下列哪一项<strong>不能</strong>登记学时？</p>', '连续登录七天', ['考试合格', '课时全部学完', '经单位审核的培训证书']],
  ['继续教育每年累计不少于多少学时？', '90 学时', ['30 学时', '60 学时', '120 学时']],
  ['职业道德的核心是什么？', '为人民服务', ['追求利润', '服从管理', '个人荣誉']],
  ['发现考试系统异常时，应当首先怎样做？', '报告监考人员', ['自行重启', '离开考场', '拍照发布']],
  ['个人信息泄露后，下列做法最恰当的是哪一项？', '及时修改密码并报告', ['置之不理', '公开他人信息', '只删除聊天记录']],
  ['团队沟通中，复述对方的意思主要是为了什么？', '确认理解无误', ['拖延时间', '表示反对', '结束谈话']],
];

export const SINGLE = CHOICES.map(([stem, right, wrong], at) => ({
  code: `s${at}`, kind: 'single_choice', stem, options: [{ text: right, correct: true }, ...wrong.map((text) => ({ text }))],
}));

const PIXEL = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==';

export const KINDS = [
  SINGLE[0],
  {
    code: 'm', kind: 'multiple_choice', stem: '下列哪些属于诚信行为？',
    options: [{ text: '按约交货', correct: true }, { text: '如实申报', correct: true }, { text: '虚报工时' }, { text: '伪造记录' }],
  },
  { code: 't', kind: 'true_false', stem: '答错题目后，需要重新学习一段内容。', correct: true },
  { code: 'n', kind: 'numeric', stem: '2 的 10 次方是多少？', accepted: [{ value: 1024 }] },
  { code: 'x', kind: 'short_text', stem: '春秋五霸之首是谁？', accepted: [{ text: '齐桓公' }] },
  { code: 'o', kind: 'ordering', stem: '请按朝代先后排序。', entries: ['夏', '商', '周', '秦'] },
  {
    code: 'p', kind: 'matching', stem: `<p>请为人物选择著作。<img src="data:image/png;base64,${PIXEL}" alt="图"></p>`,
    pairs: [{ left: '司马迁', right: '《史记》' }, { left: '许慎', right: '《说文解字》' }], distractors: ['《汉书》'],
  },
];

const plain = (html) => html.replace(/<[^>]*>/g, '').trim();
const ITEMS = new Map([...SINGLE, ...KINDS].map((item) => [plain(item.stem), item]));

/** Beats every second, a question every other second, and no long wait after a wrong answer. */
const BRISK = {
  heartbeat_ms: 1000, silence_ms: 30000, gap_min_ms: 1000, gap_max_ms: 2500, rewind_ms: 2000, cooldown_ms: 3000,
  cooldown_growth_percent: 100, answer_within_ms: 120000,
};

/** A page of another site, at an origin of its own. */
export async function otherSite() {
  const pages = new Map();
  const server = createServer((request, response) => {
    const answer = pages.get(request.url.split('?')[0]);
    if (!answer) return response.writeHead(404).end();
    Promise.resolve(typeof answer === 'function' ? answer() : answer).then((body) => {
      const kind = typeof body === 'string' ? 'text/html; charset=utf-8' : 'application/json';
      response.writeHead(200, { 'content-type': kind }).end(typeof body === 'string' ? body : JSON.stringify(body));
    }, (error) => response.writeHead(500).end(String(error)));
  });
  await new Promise((ready) => server.listen(0, '127.0.0.1', ready));
  return { pages, origin: `http://127.0.0.1:${server.address().port}`, stop: () => server.close() };
}

/** The site, with the origins of other sites that may use its lessons. */
export async function startSite(allowed) {
  const folder = mkdtempSync(join(tmpdir(), 'keju-sdk-'));
  const config = join(folder, 'keju.toml');
  writeFileSync(config, `allowed_origins = ${JSON.stringify(allowed)}\n`);
  const [server, browser] = await Promise.all([startServer(['--config', config]), startBrowser()]);
  const admin = await api(server.origin, 'admin');
  const site = { origin: server.origin, server, browser, admin, count: 0 };
  site.single = await bank(site, 'sdk-single', SINGLE);
  site.kinds = await bank(site, 'sdk-kinds', KINDS);
  site.done = async () => {
    await browser.close();
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  };
  return site;
}

async function bank({ origin, admin }, code, items) {
  const { id } = await admin.ask('POST', 'banks', { code, title: code });
  const form = new FormData();
  form.append('format', 'json');
  form.append('file', new Blob([JSON.stringify({ format: 'keju-bank/1', items })]), 'bank.json');
  const response = await fetch(`${origin}/api/v1/banks/${id}/imports`, {
    method: 'POST', headers: { authorization: `Bearer ${admin.token}` }, body: form,
  });
  const report = await response.json();
  assert.equal(report.accepted, items.length, JSON.stringify(report));
  return id;
}

/** A lesson in a course of its own; returns its id. */
export async function makeLesson(site, { policy = {}, ...more } = {}) {
  site.count += 1;
  const code = `sdk-${site.count}`;
  const course = await site.admin.ask('POST', 'courses', {
    code, title: '职业道德与规范', subject: 'professional', bucket: 'compulsory', credit_year: 2026, hours: 2.5,
  });
  const lesson = await site.admin.ask('POST', 'lessons', {
    code, course: course.id, title: `第 ${site.count} 讲`, duration_ms: 90000, bank: site.single, policy: { ...BRISK, ...policy }, ...more,
  });
  return lesson.id;
}

/** Signs in on the demo page and waits until the lesson is connected. */
export async function study(site, username, lesson, options = {}) {
  const { size = { width: 1000, height: 760 }, english = false, context: more = {} } = options;
  const context = options.within || await site.browser.newContext({ viewport: size, locale: 'zh-CN', timezoneId: 'Asia/Shanghai', ...more });
  const page = await context.newPage();
  page.faults = [];
  page.on('pageerror', (error) => page.faults.push(error.stack));
  page.on('console', (message) => {
    if (message.type() === 'error' && !/Failed to load resource|ERR_INTERNET_DISCONNECTED/.test(message.text())) page.faults.push(message.text());
  });
  await page.addInitScript(record);
  await page.goto(`${site.origin}/lesson/?id=${lesson}${english ? '&lang=en' : ''}`);
  if (!options.within) {
    await page.fill('[name=username]', username);
    await page.fill('[name=password]', PASSWORD);
    await page.press('[name=password]', 'Enter');
  }
  await live(page);
  return page;
}

function record() {
  window.heard = [];
  'ready challenge verdict locked resumed takenover complete error'.split(' ').forEach((type) => {
    document.addEventListener(type, ({ target, detail }) => {
      if (target.localName === 'exam-lesson') window.heard.push({ type, ...detail });
    });
  });
}

export const heard = (page, type) => page.evaluate((wanted) => window.heard.filter((event) => event.type === wanted), type);
export const client = (page, what) => page.evaluate((key) => document.querySelector('exam-lesson')?.client?.[key], what);
export const live = (page) => until(async () => (await client(page, 'state')) === 'live', 'the lesson to be connected');
export const dialog = (page) => page.locator('exam-lesson [role=dialog]');
export const video = (page, read) => page.locator('video').evaluate((media, key) => media[key], read);
export const status = (page) => page.locator('exam-lesson .status').textContent();

/** Starts the picture as a learner's click would. */
export const play = (page) => page.locator('video').evaluate((media) => media.play().catch(() => {}));

/** Waits for a question, other than the one before. */
export async function asked(page, before) {
  return until(async () => {
    const question = await client(page, 'challenge');
    return question && question.challenge !== before && await dialog(page).isVisible() && question;
  }, 'a question', 30000);
}

/** Fills in the right answer, or for choices a wrong one, by hand. */
export async function fill(page, question, right = true) {
  const item = ITEMS.get(plain(question.stem));
  assert.ok(item, `not a question of these tests: ${question.stem}`);
  const box = dialog(page);
  const choose = (text) => box.locator('label', { hasText: text }).click();
  if (item.kind === 'true_false') await choose(item.correct === right ? /^\s*(正确|对|True)/ : /^\s*(错误|错|False)/);
  else if (item.options) {
    for (const option of item.options.filter((one) => !!one.correct === right)) {
      await choose(option.text);
      if (item.kind === 'single_choice') break;
    }
  } else if (item.kind === 'numeric') await box.locator('input').fill('１０２４');
  else if (item.kind === 'short_text') await box.locator('input').fill(item.accepted[0].text);
  else if (item.kind === 'ordering') await order(box, item.entries);
  else for (const { left, right: to } of item.pairs) await match(box, left, to);
}

/** Puts the entries in order, from the first on, by their buttons. */
async function order(box, entries) {
  for (const [to, entry] of entries.entries()) {
    const at = async () => (await box.locator('li').allTextContents()).findIndex((text) => text.includes(entry));
    for (let from = await at(); from > to; from -= 1) await box.getByRole('button', { name: `上移：${entry}` }).click();
  }
}

async function match(box, left, to) {
  const select = box.getByLabel(left);
  const label = (await select.locator('option').allTextContents()).find((text) => text.includes(to));
  await select.selectOption({ label });
}

export const submit = (page) => dialog(page).locator('.submit').click();
export const closed = (page) => dialog(page).waitFor({ state: 'hidden' });

/** Answers whatever comes until the lesson is complete. */
export async function finish(page) {
  const end = async () => (await heard(page, 'complete')).length > 0;
  while (!await end()) {
    const question = await until(async () => await end() || client(page, 'challenge'), 'a question or the end', 30000);
    if (question === true) break;
    await fill(page, question);
    await submit(page);
    await until(async () => (await client(page, 'challenge'))?.challenge !== question.challenge, 'the verdict');
  }
}
