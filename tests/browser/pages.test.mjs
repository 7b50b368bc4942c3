// Every page of every role, at desktop and phone size: nothing serious for axe in either theme, nothing cut off, a
// picture of each for people to look at; and what a first visit costs.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { PHONE, DESKTOP, api, findings, picture, start, tooWide } from './kit.mjs';
import { keysOf, take } from './exams.mjs';

const FIRST_LOAD_BYTES_MAX = 60 * 1024;
const FIRST_LOAD_REQUESTS_MAX = 32;
/** Signing in, the rules, the start and the paper: what a learner on a phone pays for an exam. */
const WHOLE_ROAD_BYTES_MAX = 92 * 1024;
/** The exam alone, on a device that was never here before. */
const EXAM_BYTES_MAX = 76 * 1024;
const EXAM_REQUESTS_MAX = 40;


let site;
let author;
let exam;
let bank;
let things;

before(async () => {
  site = await start();
  author = await api(site.origin, 'author');
  exam = (await author.ask('GET', 'exams')).items.find((one) => one.code === 'gx-ty-ks');
  bank = (await author.ask('GET', 'banks')).items.find((one) => one.code === 'gongxu');
  things = await story();
});
after(() => site.done());

/** So that the pages have something to show: a pass, an open attempt, hints. */
async function story() {
  const learner = await api(site.origin, 'learner60');
  const keys = await keysOf(author);
  // Away and fast: enough for a case, which changes nothing of the result.
  const away = (attempt) => learner.ask('POST', `attempts/${attempt.id}/signals`, { signals: [{ kind: 'blur', at: new Date().toISOString() }] });
  const { attempt: passed } = await take(learner, exam.id, keys, { wrong: [5], begun: away });
  for (let number = 61; number < 75; number += 1) {
    const other = await api(site.origin, `learner${number}`);
    const attempt = await other.ask('POST', `exams/${exam.id}/attempts`, { command_id: crypto.randomUUID(), mode: 'exam' });
    const at = new Date().toISOString();
    if (number % 4 === 0) await other.ask('POST', `attempts/${attempt.id}/signals`, { signals: Array.from({ length: 5 }, () => [{ kind: 'blur', at }, { kind: 'focus', at }]).flat() });
    if (number % 5 === 0) await other.ask('POST', `attempts/${attempt.id}/submission`, { command_id: crypto.randomUUID() });
  }
  const analysis = await analysed(keys);
  const admin = await api(site.origin, 'admin');
  const learnerId = learner.user.id;
  await admin.ask('POST', 'partners', { name: '健康系统', webhook_url: 'https://health.example/keju' });
  await admin.ask('POST', `exams/${exam.id}/overrides`, { person: learnerId, extra_ms: 1800000, reason: '视力障碍' });
  const elective = (await author.ask('GET', 'exams')).items.find((one) => one.code === 'gx-xx-ks');
  const practice = await learner.ask('POST', `exams/${elective.id}/attempts`, { command_id: crypto.randomUUID(), mode: 'practice' });
  const annual = (await author.ask('GET', 'exams')).items.find((one) => one.code === 'gx-bx-ks');
  return { analysis, learnerId, annual: annual.id, passed: passed.id, practice: practice.id, hinted: await hinted(), invalid: await invalid() };
}

/** Papers enough for figures and for words about them. */
const FIGURES = 72;

/** As many learners take an exam of ten questions, each better than the one before. */
async function analysed(keys) {
  const rules = await author.ask('GET', `authored/exams/${exam.id}`);
  const { id: _id, state: _state, bank_version: _version, audience: _audience, ...body } = rules;
  body.blueprint.sections[0].count = 10;
  body.blueprint.sections[0].points = 10;
  body.blueprint.sections[0].quotas[0].count = 10;
  const made = await author.ask('POST', 'exams', { ...body, code: 'analysed', title: '齐文化专题考试' });
  await author.ask('POST', `exams/${made.id}/publish`);
  const names = Array.from({ length: FIGURES }, (_, index) => `learner${index + 100}`);
  const take = async (name, index) => {
    const learner = await api(site.origin, name);
    const attempt = await learner.ask('POST', `exams/${made.id}/attempts`, { command_id: crypto.randomUUID(), mode: 'exam' });
    const answers = attempt.paper.sections.flatMap((section) => section.slots).map((slot) => {
      const right = new Set(keys.get(slot.stem).options.filter((option) => option.correct).map((option) => option.text));
      const good = (index * 7 + slot.slot * 13) % FIGURES < index;
      const chosen = slot.options.find((option) => right.has(option.text) === good);
      return { command_id: crypto.randomUUID(), slot: slot.slot, response: { choices: [chosen.id] }, answered_at: new Date().toISOString() };
    });
    await learner.ask('POST', `attempts/${attempt.id}/answers`, { answers });
    await learner.ask('POST', `attempts/${attempt.id}/submission`, { command_id: crypto.randomUUID() });
  };
  for (let at = 0; at < names.length; at += 6) await Promise.all(names.slice(at, at + 6).map((name, index) => take(name, at + index)));
  return made.id;
}

/** The attempt of learner65, which was looked at twice and does not count. */
async function invalid() {
  const [learner, proctor, city] = await Promise.all(['learner65', 'proctor', 'city'].map((name) => api(site.origin, name)));
  const { attempt } = (await learner.ask('GET', 'me/attempts')).items[0];
  const act = (who, path, body) => who.ask('POST', path, { command_id: crypto.randomUUID(), ...body });
  await act(proctor, `attempts/${attempt}/case`, { reason: '同考场考生举报，与监控画面相符' });
  await act(proctor, `cases/${attempt}/decisions`, { decision: 'second_review', reason: '请另一人查看监控画面' });
  await act(city, `cases/${attempt}/decisions`, { decision: 'confirmed', reason: '查实由他人代为作答' });
  return attempt;
}

async function hinted() {
  const proctor = await api(site.origin, 'proctor');
  return (await proctor.ask('GET', `exams/${exam.id}/sessions?limit=500`)).items.find((one) => one.flags > 1).attempt;
}

/** Looks at a page in all ways. */
async function inspect(page, name) {
  const wrong = [];
  for (const [size, suffix] of [[DESKTOP, 'desktop'], [PHONE, 'phone']]) {
    await page.setViewportSize(size);
    await page.evaluate(() => new Promise((done) => { window.scrollTo(0, 0); requestAnimationFrame(() => requestAnimationFrame(done)); }));
    await picture(page, `${name}-${suffix}`);
    const wide = await tooWide(page);
    if (wide > 0) wrong.push(`${name} is ${wide} px too wide at ${suffix}`);
    wrong.push(...(await findings(page)).map((finding) => `${name} at ${suffix}: ${finding}`));
  }
  await page.setViewportSize(DESKTOP);
  await page.evaluate(() => document.documentElement.setAttribute('data-theme', 'dark'));
  await picture(page, `${name}-dark`);
  wrong.push(...(await findings(page)).map((finding) => `${name} in the dark: ${finding}`));
  await page.evaluate(() => document.documentElement.removeAttribute('data-theme'));
  return wrong;
}

async function look(username, paths) {
  const page = await site.open(username);
  const wrong = [];
  for (const [name, path, then] of paths) {
    await page.goto(site.origin + path);
    await page.waitForSelector('h1');
    await page.waitForSelector('.skeletons', { state: 'detached' });
    if (then) await then(page);
    wrong.push(...await inspect(page, name));
    await page.evaluate(() => document.querySelectorAll('.layer').forEach((layer) => layer.remove()));
  }
  assert.deepEqual(page.faults, []);
  assert.deepEqual(wrong, []);
  await page.context().close();
}

test('signing in', async () => {
  const page = await site.open(null);
  await page.goto(`${site.origin}/sign-in`);
  await page.waitForSelector('input[name=username]');
  const wrong = await inspect(page, 'sign-in');
  await page.fill('input[name=username]', 'nobody');
  await page.fill('input[name=password]', 'nothing');
  await page.keyboard.press('Enter');
  await page.waitForSelector('.notice.bad');
  wrong.push(...await inspect(page, 'sign-in-wrong'));
  assert.deepEqual(wrong, []);
});

test('a learner’s pages', async () => {
  await look('learner60', [
    ['year', '/'], ['courses', '/courses'], ['exams', '/exams'],
    ['exam-passed', `/exams/${exam.id}`],
    ['exam', `/exams/${things.annual}`, (page) => page.waitForSelector('text=/网络(良好|较慢)/')],
    ['history', '/history'], ['home', '/home'], ['password', '/password'],
    ['result', `/attempts/${things.passed}/result`, (page) => page.click('summary')],
    ['practice', `/attempts/${things.practice}`, async (page) => {
      await page.click('.option >> nth=0');
      await page.click('button:has-text("确认作答")');
      await page.waitForSelector('.question .notice');
    }],
    ['practice-ordering', `/attempts/${things.practice}`, async (page) => { await page.click('.number:text-is("16")'); await page.waitForSelector('.order'); }],
    ['practice-matching', `/attempts/${things.practice}`, async (page) => { await page.click('.number:text-is("17")'); await page.waitForSelector('.pair'); }],
    ['mistakes', '/mistakes'],
    ['problem', '/exams/00000000-0000-7000-8000-000000000000', (page) => page.waitForSelector('.notice.bad')],
  ]);
});

test('the exam page, its summary, and without a network', async () => {
  const page = await site.open('learner75');
  await page.goto(`${site.origin}/exams/${exam.id}`);
  await page.check('.check input');
  await page.click('button:has-text("开始考试")');
  await page.waitForSelector('.question .option');
  await page.click('.option >> nth=1');
  await page.click('button:has-text("标记此题")');
  const wrong = await inspect(page, 'attempt');
  await page.setViewportSize(PHONE);
  await page.click('.exam-foot button:has-text("答题卡")');
  wrong.push(...await inspect(page, 'attempt-card'));
  await page.keyboard.press('Escape');
  await page.context().setOffline(true);
  await page.click('.question-foot .step button.primary');
  await page.click('.option >> nth=0');
  await page.waitForSelector('.saving.offline');
  wrong.push(...await inspect(page, 'attempt-offline'));
  await page.click('.hand-in');
  await page.waitForSelector('.dialog');
  wrong.push(...await inspect(page, 'attempt-summary'));
  assert.deepEqual(wrong, []);
});

test('a proctor’s pages', async () => {
  await look('proctor', [
    ['proctor', '/proctor'],
    ['console', `/proctor/${exam.id}`, (page) => page.waitForSelector('.virtual-row')],
    ['console-act', `/proctor/${exam.id}`, async (page) => { await page.click('.virtual-row button >> nth=0'); await page.waitForSelector('.dialog'); }],
    ['timeline', `/proctor/${exam.id}/${things.hinted}`],
    ['cases', '/cases?state='],
    ['case', `/cases/${things.passed}`, async (page) => { await page.click('.evidence summary >> nth=0'); await page.check('input[type=radio] >> nth=2'); }],
    ['case-open', `/proctor/${exam.id}/${things.hinted}`, async (page) => { await page.click('button:has-text("提请核查")'); await page.waitForSelector('.dialog'); }],
  ]);
  await look('city', [['case-decided', `/cases/${things.invalid}`]]);
  await look('learner65', [['result-invalidated', `/attempts/${things.invalid}/result`], ['history-invalidated', '/history']]);
});

test('an author’s pages', async () => {
  await look('author', [
    ['banks', '/author/banks'],
    ['bank', `/author/banks/${bank.id}`, (page) => page.waitForSelector('.virtual-row')],
    ['bank-import', `/author/banks/${bank.id}`, async (page) => {
      const rows = '题型,题干,选项A,选项B,答案\n单选题,一加一等于几？,一,二,B\n单选题,,甲,乙,A\n论述题,谈谈看法,,,\n';
      await page.setInputFiles('input[type=file]', { name: 'items.csv', mimeType: 'text/csv', buffer: Buffer.from(rows) });
      await page.waitForSelector('.table-holder');
    }],
    ['item', `/author/banks/${bank.id}`, async (page) => { await page.click('.virtual-row >> nth=0'); await page.waitForSelector('.dialog .option'); }],
    ['item-editor', `/author/banks/${bank.id}`, async (page) => { await page.click('.virtual-row >> nth=1'); await page.click('.dialog button:has-text("编辑")'); await page.waitForSelector('.editor .option'); }],
    ['author-exams', '/author/exams'],
    ['author-exam-new', '/author/exams/new'],
    ['author-exam', `/author/exams/${exam.id}`],
    ['analysis', `/author/exams/${things.analysis}/analysis`, (page) => page.waitForSelector('.virtual-row')],
    ['analysis-item', `/author/exams/${things.analysis}/analysis`, async (page) => { await page.click('.virtual-row >> nth=0'); await page.waitForSelector('.dialog .choices'); }],
    ['analysis-none', `/author/exams/${things.annual}/analysis`],
    ['sample', `/author/exams/${things.annual}`, async (page) => { await page.click('button:has-text("抽一份样卷")'); await page.waitForSelector('.dialog .option'); }],
  ]);
});

test('an administrator’s and an operator’s pages', async () => {
  await look('admin', [
    ['people', '/site/people', (page) => page.waitForSelector('.virtual-row')],
    ['people-add', '/site/people', async (page) => { await page.click('button:text-is("添加人员")'); await page.waitForSelector('.dialog'); }],
    ['people-many', '/site/people', async (page) => {
      await page.click('button:has-text("批量添加")');
      await page.fill('.dialog textarea', '用户名,姓名\nzhang,张三\nli,李四');
      await page.click('.dialog button:has-text("检查")');
    }],
    ['people-import', '/site/people', async (page) => {
      await page.click('button:has-text("导入 Excel")');
      const rows = '用户名,姓名,身份证号,单位,角色\nzhang3,张三,11010519491231002X,370303-01,学员\nzhang3,李四,110105194912310021,999,皇帝\nadmin,王五,,,\nwang6,王六,,370302-01,\n';
      await page.setInputFiles('.dialog input[type=file]', { name: 'people.csv', mimeType: 'text/csv', buffer: Buffer.from(rows) });
      await page.waitForSelector('.dialog .table-holder');
    }],
    ['person', `/site/people/${things.learnerId}`],
    ['person-edit', `/site/people/${things.learnerId}`, async (page) => { await page.click('button:text-is("修改")'); await page.waitForSelector('.dialog select'); }],
    ['results-list', '/site/results'],
    ['results', `/site/results/${exam.id}`, (page) => page.waitForSelector('.virtual-row')],
    ['units', '/site/units'],
    ['units-add', '/site/units', async (page) => { await page.click('button:text-is("添加单位")'); await page.waitForSelector('.dialog'); }],
    ['partners', '/site/partners'],
    ['partners-add', '/site/partners', async (page) => {
      await page.click('button:has-text("添加伙伴系统") >> nth=0');
      await page.fill('.dialog input >> nth=0', '会计系统');
      await page.fill('.dialog input >> nth=1', 'https://kuaiji.example/keju');
      await page.click('.dialog button:has-text("添加伙伴系统")');
      await page.waitForSelector('.dialog .secret');
    }],
    ['exam-published', `/author/exams/${exam.id}`, (page) => page.waitForSelector('.table-holder')],
    ['audit', '/site/audit'],
  ]);
  await look('district', [
    ['people-district', '/site/people', (page) => page.waitForSelector('.virtual-row')],
    ['results-district', `/site/results/${exam.id}`, (page) => page.waitForSelector('.virtual-row')],
    ['units-district', '/site/units'],
  ]);
  await look('operator', [['status', '/site/status', (page) => page.waitForFunction(() => [...document.querySelectorAll('.plot .value')].some((one) => /\d/.test(one.textContent)))]]);
  await look('unit', [['home-unit', '/home']]);
});

test('the analysis of an exam says of each item what the server found: how easy, how telling, how often shown, who chose what', async () => {
  const { items, papers } = await author.ask('GET', `authored/exams/${things.analysis}/analysis?limit=500`);
  assert.equal(papers, FIGURES);
  const page = await site.open('author');
  await page.goto(`${site.origin}/author/exams/${things.analysis}/analysis`);
  await page.waitForSelector('.virtual-row');
  assert.equal(await page.locator('.histogram rect').count() > 3, true);
  assert.equal(await page.locator('.scatter .dot').count(), items.filter((item) => item.facility !== null && item.discrimination !== null).length);
  const figure = (value) => new Intl.NumberFormat('zh-CN', { maximumFractionDigits: 2 }).format(value);
  await page.selectOption('.filters >> nth=1 >> select >> nth=1', 'facility');
  const hardest = [...items].filter((item) => item.facility !== null).sort((one, other) => one.facility - other.facility)[0];
  const row = await page.textContent('.virtual-row >> nth=0');
  assert.match(row, new RegExp(`难度系数 ${figure(hardest.facility)}区分度 ${figure(hardest.discrimination)}`.replace(/[.]/g, '\\.')));
  assert.ok(row.includes(`出现 ${hardest.shown} 次`) && row.includes(`${figure(hardest.exposure * 100)} %`));
  await page.click('.virtual-row >> nth=0');
  const chosen = await page.locator('.dialog .choices li').allTextContents();
  assert.equal(chosen.length, hardest.options.length);
  hardest.options.forEach((option, index) => assert.ok(chosen[index].includes(`${option.chosen} 人选`), `${chosen[index]}: ${JSON.stringify(option)}`));
  assert.equal(await page.locator('.dialog .choices .key').count(), 1);
  assert.deepEqual(page.faults, []);
  await page.context().close();
});

test('whose system is dark gets the dark colours without asking, and may choose the light ones', async () => {
  const page = await site.open('learner79', { options: { colorScheme: 'dark' } });
  await page.waitForSelector('.ring');
  const ground = () => page.evaluate(() => [getComputedStyle(document.body).backgroundColor, getComputedStyle(document.documentElement).colorScheme, document.documentElement.dataset.theme]);
  assert.deepEqual(await ground(), ['rgb(18, 21, 27)', 'dark', undefined]);
  assert.deepEqual(await findings(page), []);
  await page.click('button:text-is("深色")');
  assert.deepEqual(await ground(), ['rgb(247, 245, 240)', 'light', 'light']);
  await page.reload();
  await page.waitForSelector('.ring');
  assert.deepEqual(await ground(), ['rgb(247, 245, 240)', 'light', 'light'], 'and it is kept');
  await page.context().close();
});

test('a first visit costs little, and a second one almost nothing', async () => {
  const context = await site.browser.newContext({ serviceWorkers: 'block' });
  const page = await context.newPage();
  const session = await context.newCDPSession(page);
  await session.send('Network.enable');
  let [bytes, requests] = [0, 0];
  session.on('Network.loadingFinished', (event) => { bytes += event.encodedDataLength; requests += 1; });
  await page.goto(`${site.origin}/`);
  await page.waitForSelector('input[name=username]');
  await page.fill('input[name=username]', 'learner76');
  await page.fill('input[name=password]', 'keju-demo');
  await page.keyboard.press('Enter');
  await page.waitForSelector('.ring');
  console.log(`first visit to my year, signing in included: ${bytes} bytes, ${requests} requests`);
  assert.ok(bytes <= FIRST_LOAD_BYTES_MAX, `${bytes} bytes`);
  assert.ok(requests <= FIRST_LOAD_REQUESTS_MAX, `${requests} requests`);
  [bytes, requests] = [0, 0];
  await page.goto(`${site.origin}/exams`);
  await page.waitForSelector('.tile');
  console.log(`and then the exams: ${bytes} bytes, ${requests} requests`);
  assert.ok(bytes <= 12 * 1024, `${bytes} bytes`);
  await context.close();
});

test('the whole of an exam stays within the budget too', async () => {
  const context = await site.browser.newContext({ serviceWorkers: 'block' });
  const page = await context.newPage();
  const session = await context.newCDPSession(page);
  await session.send('Network.enable');
  let bytes = 0;
  session.on('Network.loadingFinished', (event) => { bytes += event.encodedDataLength; });
  await page.goto(`${site.origin}/sign-in?next=/exams/${exam.id}`);
  await page.waitForSelector('input[name=username]');
  await page.fill('input[name=username]', 'learner77');
  await page.fill('input[name=password]', 'keju-demo');
  await page.keyboard.press('Enter');
  await page.check('.check input');
  await page.click('button:has-text("开始考试")');
  await page.waitForSelector('.question .option');
  console.log(`from nothing to the first question: ${bytes} bytes`);
  assert.ok(bytes <= WHOLE_ROAD_BYTES_MAX, `${bytes} bytes`);
  await context.close();
});

test('an exam that is gone on with on a new device stays within its budget, its paper packed', async () => {
  const learner = await api(site.origin, 'learner78');
  const attempt = await learner.ask('POST', `exams/${things.annual}/attempts`, { command_id: crypto.randomUUID(), mode: 'exam' });
  const page = await site.open('learner78');
  const cookies = await page.context().cookies();
  const context = await site.browser.newContext({ serviceWorkers: 'block' });
  await context.addCookies(cookies);
  const fresh = await context.newPage();
  const session = await context.newCDPSession(fresh);
  await session.send('Network.enable');
  const plain = Buffer.byteLength(JSON.stringify(attempt));
  let [bytes, paper, requests] = [0, 0, 0];
  const paths = new Map();
  session.on('Network.responseReceived', (event) => paths.set(event.requestId, event.response.url));
  session.on('Network.loadingFinished', (event) => {
    bytes += event.encodedDataLength;
    requests += 1;
    if ((paths.get(event.requestId) || '').endsWith(`/api/v1/attempts/${attempt.id}`)) paper = event.encodedDataLength;
  });
  await fresh.goto(`${site.origin}/attempts/${attempt.id}`);
  await fresh.waitForSelector('.question .option');
  console.log(`an exam on a new device: ${bytes} bytes, ${requests} requests, its paper ${paper} of ${plain}`);
  assert.ok(bytes <= EXAM_BYTES_MAX, `${bytes} bytes`);
  assert.ok(requests <= EXAM_REQUESTS_MAX, `${requests} requests`);
  assert.ok(paper > 0 && paper < plain * 0.8, `${paper} bytes`);
  await context.close();
  await page.context().close();
});
