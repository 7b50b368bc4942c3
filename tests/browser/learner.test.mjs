// The learner's road in a real browser: signing in, practice, the exam, what happens to answers when the network,
// the page or the time goes, and the result.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { PHONE, api, signIn, start, tooWide, until } from './kit.mjs';
import * as exams from './exams.mjs';
import { keysOf, rightOptions, slotsOf } from './exams.mjs';

let site;
let author;
let proctor;
let keys;

before(async () => {
  site = await start();
  author = await api(site.origin, 'author');
  proctor = await api(site.origin, 'proctor');
  keys = await keysOf(author);
});
after(() => site.done());

const examOf = (code) => exams.examOf(author, code);
const makeExam = (code, rules) => exams.makeExam(author, code, rules);

/** Starts an exam by its page. */
async function begin(page, exam) {
  await page.goto(`${site.origin}/exams/${exam}`);
  await page.check('.check input');
  await page.click('button:has-text("开始考试")');
  await page.waitForSelector('.question .option');
  return page.url().split('/').pop();
}

const saving = (page) => page.textContent('.saving');
const saved = (page) => until(async () => (await saving(page)) === '已保存', 'all to be saved');
const nextQuestion = (page) => page.click('.question-foot .step button.primary');

/** Ticks what is right in the question at hand, by the bank. */
async function answerRight(page, attempt, slot) {
  for (const index of rightOptions(keys, slot)) await page.click(`.option >> nth=${index}`);
}

test('the main road: my year, rules, answers saved one by one, hand-in, a pass with hours, and my year again', async () => {
  const page = await site.open('learner11');
  const learner = await api(site.origin, 'learner11');
  assert.match(await page.textContent('h1'), /学年/);
  assert.deepEqual(await page.locator('.ring').evaluateAll((rings) => rings.map((ring) => ring.getAttribute('aria-label'))),
    ['已获得 0 学时，共需 90 学时', '公需科目 已获得 0 学时，共需 30 学时', '专业科目 已获得 0 学时，共需 60 学时']);
  assert.match(await page.textContent('.year-top'), /还差：公需必修 20 学时.*(还剩 \d+ 天|最后一天)/);
  await page.click('nav a:has-text("考试") >> nth=0');
  const exam = await examOf('gx-ty-ks');
  const id = await begin(page, exam.id);
  assert.match(await page.textContent('.clock'), /^剩余时间0[45]:\d\d$/, 'from the first moment');
  const attempt = await learner.ask('GET', `attempts/${id}`);
  for (const [index, slot] of slotsOf(attempt).entries()) {
    assert.match(await page.textContent('.question-head h2'), new RegExp(`第 ${index + 1} 题`));
    await answerRight(page, attempt, slot);
    await saved(page);
    if (index < 4) await nextQuestion(page);
  }
  const held = await learner.ask('GET', `attempts/${id}`);
  assert.equal(Object.keys(held.answers).length, 5);
  assert.match(await page.textContent('.exam-side .tally'), /5 \/ 5/);
  await page.click('.hand-in');
  await page.waitForSelector('.dialog:has-text("5 题已全部作答")');
  await page.click('.dialog-foot .primary');
  await page.waitForSelector('.verdict-word.good');
  assert.equal(await page.textContent('.verdict-word'), '合格');
  assert.match(await page.textContent('.verdict-card'), /\+2 学时/);
  assert.equal(await page.locator('.review > li').count(), 5);
  assert.equal(await page.locator('.review .verdict:has-text("您选对了")').count(), 5);
  await page.click('summary');
  assert.match(await page.textContent('.hashes'), /种子/);
  await page.click('.actions a:has-text("我的学年")');
  await page.waitForSelector('.ring-words strong:has-text("2")');
  assert.match(await page.textContent('.table-holder'), /在线考试体验/);
  await page.click('nav a:has-text("考试记录")');
  await page.waitForSelector('td:has-text("合格")');
  assert.deepEqual(page.faults, []);
});

test('practice tells right and wrong at once, fills the notebook, and takes every kind of question', async () => {
  const page = await site.open('learner12');
  const exam = await examOf('gx-xx-ks');
  await page.goto(`${site.origin}/exams/${exam.id}`);
  await page.waitForSelector('text=本考试要求先完成一次练习');
  assert.equal(await page.locator('button:has-text("开始考试")').count(), 0);
  await page.click('button:has-text("先做练习")');
  await page.waitForSelector('.question');
  const kinds = new Set();
  let wrong = 0;
  for (let index = 0; index < 17; index += 1) {
    const head = await page.textContent('.question-head h2');
    const kind = head.split('·')[1].trim();
    kinds.add(kind);
    if (['单选题', '判断题', '多选题'].includes(kind)) {
      await page.click('.option >> nth=0');
    } else if (kind === '数值题') {
      await page.fill('.answer-line input', '１２３．５');
    } else if (kind === '填空题') {
      await page.fill('.answer-line input', '不知道');
    } else if (kind === '排序题') {
      await page.click('.order button >> nth=1');
    } else {
      const rows = await page.locator('.pair select').count();
      for (let row = 0; row < rows; row += 1) await page.selectOption(`.pair select >> nth=${row}`, { index: row + 1 });
    }
    await page.click('button:has-text("确认作答")');
    await page.waitForSelector('.question .notice.good, .question .notice.bad');
    if (await page.locator('.question .notice.bad').count()) wrong += 1;
    if (index < 16) await nextQuestion(page);
  }
  assert.deepEqual([...kinds].sort(), ['单选题', '判断题', '匹配题', '填空题', '多选题', '排序题', '数值题'].sort());
  assert.ok(wrong > 0);
  await page.click('.hand-in');
  await page.click('.dialog-foot .primary');
  await page.waitForSelector('.verdict-word:has-text("练习完成")');
  await page.click('.actions a:has-text("错题本")');
  await page.waitForSelector('h1:has-text("错题本")');
  assert.equal(await page.locator('.review > li').count(), wrong);
  await page.click('button:has-text("看答案") >> nth=0');
  await page.waitForSelector('text=正确答案');
  await page.goto(`${site.origin}/exams/${exam.id}`);
  await page.waitForSelector('button:has-text("开始考试")');
  assert.deepEqual(page.faults, []);
});

test('every kind of question is saved as it is answered', async () => {
  const learner = await api(site.origin, 'learner13');
  const exam = await makeExam('every-kind', { ...(await examOf('gx-xx-ks')), id: undefined, state: undefined, bank_version: undefined, code: 'every-kind', title: '各种题型', practice: 'off' });
  const page = await site.open('learner13');
  const id = await begin(page, exam);
  const slots = slotsOf(await learner.ask('GET', `attempts/${id}`));
  for (const [index, slot] of slots.entries()) {
    if (index) await nextQuestion(page);
    if (slot.kind === 'numeric') {
      await page.fill('.answer-line input', 'abc');
      await page.locator('.answer-line input').blur();
      await page.waitForSelector('text=这不是一个数字');
      await page.fill('.answer-line input', '12');
      await page.locator('.answer-line input').blur();
    } else if (slot.kind === 'short_text') {
      await page.fill('.answer-line input', '黄河');
    } else if (slot.kind === 'ordering') {
      await page.click('button:has-text("就按这个顺序")');
      await page.focus('.order li:nth-child(1) button:not([disabled])');
      await page.keyboard.press('ArrowDown');
    } else if (slot.kind === 'matching') {
      await page.selectOption('.pair select >> nth=0', { index: 2 });
    } else {
      await page.click('.option >> nth=1');
      if (slot.kind === 'multiple_choice') await page.click('.option >> nth=0');
    }
  }
  await until(async () => {
    const { answers } = await learner.ask('GET', `attempts/${id}`);
    return Object.keys(answers).length === slots.length;
  }, 'every answer');
  const { answers } = await learner.ask('GET', `attempts/${id}`);
  for (const slot of slots) {
    const { response } = answers[slot.slot];
    const second = slot.options && slot.options[1].id;
    const wanted = {
      numeric: { number: 12 }, short_text: { text: '黄河' },
      multiple_choice: { choices: ['o1', 'o2'] }, single_choice: { choices: [second] }, true_false: { choices: [second] },
      ordering: { order: ['o2', 'o1', ...(slot.options || []).slice(2).map((option) => option.id)] },
      matching: { pairs: [['o1', 't2']] },
    }[slot.kind];
    assert.deepEqual(response, wanted, slot.kind);
  }
  await page.click('.number:has-text("1") >> nth=0');
  await page.click('button:has-text("清除答案")');
  await until(async () => (await learner.ask('GET', `attempts/${id}`)).answers[1].response === null, 'the cleared answer');
  assert.deepEqual(page.faults, []);
});

test('the network goes in the middle: nothing is called saved, and everything is sent on return', async () => {
  const exam = await makeExam('offline');
  const learner = await api(site.origin, 'learner14');
  const page = await site.open('learner14');
  const id = await begin(page, exam);
  await page.click('.option >> nth=0');
  await saved(page);
  await page.context().setOffline(true);
  await nextQuestion(page);
  const told = [];
  for (const index of [1, 2]) {
    await page.click('.option >> nth=1');
    await until(async () => /暂存本机/.test(await saving(page)), 'the page to say it is offline');
    told.push(await saving(page));
    if (index < 2) await nextQuestion(page);
  }
  assert.ok(told.every((words) => !words.includes('已保存')), told.join());
  assert.match(told[1], /2 题/);
  assert.equal(await page.locator('.number.pending').count(), 2);
  assert.equal(Object.keys((await learner.ask('GET', `attempts/${id}`)).answers).length, 1);
  await page.context().setOffline(false);
  await saved(page);
  const { answers } = await learner.ask('GET', `attempts/${id}`);
  assert.deepEqual(Object.keys(answers), ['1', '2', '3']);
  assert.deepEqual(page.faults, []);
});

test('a page that is closed with unsaved answers finds them when it is opened again', async () => {
  const exam = await makeExam('reload');
  const learner = await api(site.origin, 'learner15');
  const page = await site.open('learner15');
  const id = await begin(page, exam);
  await page.route('**/answers/**', (route) => route.abort());
  await page.route('**/answers', (route) => route.abort());
  await page.click('.option >> nth=2');
  await until(async () => /暂存本机/.test(await saving(page)), 'the failure to be noticed');
  await page.reload();
  await page.waitForSelector('.option.chosen');
  assert.equal(await page.locator('.option >> nth=2').getAttribute('class'), 'option chosen');
  assert.ok(!(await saving(page)).includes('已保存'));
  assert.deepEqual((await learner.ask('GET', `attempts/${id}`)).answers, {});
  await page.unroute('**/answers/**');
  await page.unroute('**/answers');
  await saved(page);
  assert.deepEqual((await learner.ask('GET', `attempts/${id}`)).answers[1].response, { choices: ['o3'] });
});

test('an exam that is reloaded while the network is away goes on, and loses nothing', async () => {
  const exam = await makeExam('reload-offline');
  const learner = await api(site.origin, 'learner29');
  const page = await site.open('learner29', { options: { serviceWorkers: 'allow' } });
  await page.evaluate(async () => { await navigator.serviceWorker.ready; });
  const id = await begin(page, exam);
  await page.click('.option >> nth=0');
  await saved(page);
  await page.context().setOffline(true);
  await nextQuestion(page);
  await page.click('.option >> nth=1');
  await until(async () => /暂存本机/.test(await saving(page)), 'the page to say it is offline');
  const before = await page.textContent('.clock');
  await page.reload();
  await page.waitForSelector('.option.chosen');
  assert.match(await page.textContent('.question-head h2'), /第 2 题/);
  assert.match(await saving(page), /网络中断，1 题暂存本机|正在保存/);
  assert.ok((await page.textContent('.clock')) <= before, 'no time is won');
  await page.click('.number:text-is("1")');
  await page.waitForSelector('.option.chosen');
  await page.click('.number:text-is("3")');
  await page.click('.option >> nth=2');
  await page.context().setOffline(false);
  await saved(page);
  const { answers } = await learner.ask('GET', `attempts/${id}`);
  assert.deepEqual(Object.keys(answers), ['1', '2', '3']);
  assert.deepEqual(page.faults, []);
  await page.click('.hand-in');
  await page.click('.dialog-foot .primary');
  await page.waitForSelector('.verdict-word');
  assert.equal(await page.evaluate(() => Object.keys(localStorage).filter((key) => /paper|saved|answer/.test(key)).length), 0, 'nothing of the paper stays');
});

test('a lost response leads to one answer, not two', async () => {
  const exam = await makeExam('lost-response');
  const page = await site.open('learner16');
  const id = await begin(page, exam);
  let lost = 0;
  await page.route('**/answers/1', async (route) => {
    await route.fetch();
    lost += 1;
    await route.abort();
  });
  await page.click('.option >> nth=0');
  await saved(page);
  assert.equal(lost, 1);
  const timeline = await proctor.ask('GET', `attempts/${id}/timeline`);
  assert.equal(timeline.events.filter((event) => event.event.t === 'answered').length, 1);
});

test('a second device goes on where the first one was, and the newer answer stands', async () => {
  const exam = await makeExam('devices');
  const first = await site.open('learner17');
  const id = await begin(first, exam);
  await first.click('.option >> nth=0');
  await saved(first);
  await first.context().setOffline(true);
  await nextQuestion(first);
  await first.click('.option >> nth=0');
  await until(async () => /暂存本机/.test(await saving(first)), 'the first device to be offline');
  const second = await site.open('learner17', { size: PHONE });
  await second.goto(`${site.origin}/exams`);
  await second.click('a:has-text("继续作答")');
  await second.waitForSelector('.option.chosen');
  await second.click('.exam-foot .primary');
  await second.click('.option >> nth=3');
  await saved(second);
  await first.context().setOffline(false);
  await first.waitForSelector('text=在另一台设备上有更新的答案');
  await saved(first);
  const learner = await api(site.origin, 'learner17');
  assert.deepEqual((await learner.ask('GET', `attempts/${id}`)).answers[2].response, { choices: ['o4'] });
  await first.waitForSelector('.option.chosen >> nth=0');
  await second.click('.hand-in');
  await second.click('.dialog-foot .primary');
  await second.waitForSelector('.verdict-word');
  await first.waitForSelector('.verdict-word');
});

test('the time ends while offline: it is said, sent when it can be, and what came too late is named', async () => {
  const exam = await makeExam('expiry', { duration_ms: 4000, grace_ms: 500 });
  const learner = await api(site.origin, 'learner18');
  const page = await site.open('learner18');
  const id = await begin(page, exam);
  await page.click('.option >> nth=0');
  await saved(page);
  await page.context().setOffline(true);
  await nextQuestion(page);
  await page.click('.option >> nth=1');
  await page.waitForSelector('.dialog:has-text("考试时间到")');
  await until(async () => (await learner.ask('GET', `attempts/${id}`)).state === 'expired', 'the server to close it');
  assert.match(await page.textContent('.dialog'), /1 题还没有送达|正在发送/);
  await page.context().setOffline(false);
  await page.waitForSelector('text=有答案没有计入');
  assert.match(await page.textContent('.notice.bad'), /第 2 题/);
  const { answers } = await learner.ask('GET', `attempts/${id}`);
  assert.deepEqual(Object.keys(answers), ['1']);
  assert.deepEqual(page.faults, []);
});

test('the time ends with the page open: the last answer goes along and it is handed in', async () => {
  const exam = await makeExam('time-up', { duration_ms: 3000, grace_ms: 5000 });
  const page = await site.open('learner19');
  await begin(page, exam);
  await page.click('.option >> nth=0');
  await page.waitForSelector('.verdict-word', { timeout: 20000 });
  assert.equal(await page.locator('text=有答案没有计入').count(), 0);
});

test('a session that ends in the middle is taken up again over the page', async () => {
  const exam = await makeExam('session');
  const page = await site.open('learner20');
  const id = await begin(page, exam);
  await page.context().clearCookies();
  await page.click('.option >> nth=1');
  await page.waitForSelector('.dialog:has-text("请重新登录")');
  assert.match(await saving(page), /1 题暂存本机/);
  await page.fill('.dialog input', 'wrong');
  await page.keyboard.press('Enter');
  await page.waitForSelector('.dialog .field-error:has-text("用户名或密码不正确")');
  await page.fill('.dialog input', 'keju-demo');
  await page.keyboard.press('Enter');
  await saved(page);
  const learner = await api(site.origin, 'learner20');
  assert.deepEqual((await learner.ask('GET', `attempts/${id}`)).answers[1].response, { choices: ['o2'] });
});

test('what a proctor does shows at once, over the stream', async () => {
  const exam = await makeExam('streamed');
  const page = await site.open('learner21');
  const id = await begin(page, exam);
  const act = (action, reason, more = {}) => proctor.ask('POST', `attempts/${id}/actions`, { command_id: crypto.randomUUID(), action, reason, ...more });
  await act('warn', '请把手机收起来');
  await page.waitForSelector('.notice.warn:has-text("请把手机收起来")');
  await act('extend', '断电', { minutes: 30 });
  await page.waitForSelector('.notice.good:has-text("延长了时间")');
  await until(async () => /3[45]:\d\d/.test(await page.textContent('.clock')), 'the clock to show it');
  await act('pause', '核对身份');
  await page.waitForSelector('.question:has-text("作答已暂停"):has-text("核对身份")');
  const still = await page.textContent('.clock');
  await act('resume', '核对无误');
  await page.waitForSelector('.option');
  assert.ok(still);
  await page.click('.option >> nth=0');
  await saved(page);
  await act('terminate', '替考');
  await page.waitForSelector('text=由监考人员终止');
  assert.deepEqual(page.faults, []);
});

test('what a proctor said before the stream was open, or while nobody was there, is not lost', async () => {
  const exam = await makeExam('said-before');
  const page = await site.open('learner31');
  const act = (id, action, reason) => proctor.ask('POST', `attempts/${id}/actions`, { command_id: crypto.randomUUID(), action, reason });
  // The ticket of the stream is asked for and does not come until the proctor has spoken.
  let open;
  const spoken = new Promise((resolve) => { open = resolve; });
  await page.route('**/api/v1/tickets', async (route) => { await spoken; await route.continue(); });
  const id = await begin(page, exam);
  await act(id, 'warn', '请把手机收起来');
  open();
  await page.waitForSelector('.notice.warn:has-text("请把手机收起来")');
  // Read on this device: a reload does not repeat it, and tells what came while the page was away, with the reason.
  await page.goto('about:blank');
  await act(id, 'warn', '不要离开座位');
  await act(id, 'pause', '核对身份');
  await page.goto(`${site.origin}/attempts/${id}`);
  await page.waitForSelector('.notice.warn:has-text("不要离开座位")');
  await page.waitForSelector('.question:has-text("作答已暂停"):has-text("核对身份")');
  assert.equal(await page.locator('.notice.warn').count(), 1);
  // A cut that nobody notices for a while: what was said meanwhile comes with the next stream.
  await page.context().setOffline(true);
  await act(id, 'resume', '核对无误');
  await act(id, 'warn', '第三次提醒');
  await page.context().setOffline(false);
  await page.waitForSelector('.notice.warn:has-text("第三次提醒")');
  await page.waitForSelector('.option');
  assert.deepEqual(page.faults, []);
});

test('without the stream the page finds out all the same', async () => {
  const exam = await makeExam('proctored');
  const page = await site.open('learner28');
  await page.route('**/api/v1/tickets', (route) => route.abort());
  const id = await begin(page, exam);
  const act = (action) => proctor.ask('POST', `attempts/${id}/actions`, { command_id: crypto.randomUUID(), action, reason: '测试' });
  await act('pause');
  await page.click('.option >> nth=0');
  await page.waitForSelector('.question:has-text("作答已暂停")');
  await act('resume');
  await page.click('button:has-text("检查是否已恢复")');
  await page.waitForSelector('.option');
  await saved(page);
  await act('terminate');
  await page.click('.option >> nth=1');
  await page.waitForSelector('text=由监考人员终止');
});

test('what the page notices is told to the server', async () => {
  const exam = await makeExam('signals');
  const page = await site.open('learner22');
  const id = await begin(page, exam);
  await page.evaluate(() => { window.dispatchEvent(new Event('blur')); window.dispatchEvent(new Event('focus')); });
  await until(async () => {
    const { events } = await proctor.ask('GET', `attempts/${id}/timeline`);
    const kinds = events.filter((event) => event.event.t === 'signalled').map((event) => event.event.kind);
    return ['visible', 'blur', 'focus'].every((kind) => kinds.includes(kind));
  }, 'the signals');
});

test('leaving asks first, and coming back goes on', async () => {
  const exam = await makeExam('leaving');
  const page = await site.open('learner23');
  const id = await begin(page, exam);
  await page.click('.option >> nth=0');
  await page.click('button:has-text("暂时离开")');
  await page.waitForSelector('.dialog:has-text("离开考试页面？")');
  await page.click('.dialog button:has-text("留在考试")');
  assert.match(page.url(), new RegExp(id));
  await page.evaluate(() => history.back());
  await page.waitForSelector('.dialog:has-text("离开考试页面？")');
  await page.click('.dialog button:has-text("离开") >> nth=0');
  await page.waitForSelector('h1:has-text("考试 leaving")');
  await page.click('a:has-text("继续作答")');
  await page.waitForSelector('.option.chosen');
});

test('a full house: the page waits as long as it is asked and gets in with the same start', async () => {
  const exam = await makeExam('queue');
  const page = await site.open('learner24');
  const commands = [];
  const places = [];
  await page.route(`**/exams/${exam}/attempts`, async (route) => {
    places.push(route.request().headers()['keju-queue']);
    commands.push(route.request().postDataJSON().command_id);
    if (commands.length > 2) return route.continue();
    return route.fulfill({
      status: 429, contentType: 'application/problem+json', headers: { 'retry-after': '1' },
      body: JSON.stringify({ type: '/problems/queued', title: '正在排队，请稍候', status: 429, detail: '', code: 'queued', retry_after_ms: 700, position: 42, ticket: 'place-42' }),
    });
  });
  await page.goto(`${site.origin}/exams/${exam}`);
  await page.check('.check input');
  await page.click('button:has-text("开始考试")');
  await page.waitForSelector('text=前面还有 42 人');
  await page.waitForSelector('.question .option');
  assert.equal(commands.length, 3);
  assert.equal(new Set(commands).size, 1);
  assert.deepEqual(places, [undefined, 'place-42', 'place-42']);
});

test('a first password is changed before anything else', async () => {
  const admin = await api(site.origin, 'admin');
  const { people } = await admin.ask('POST', 'people', { people: [{ username: 'fresh', name: '新学员', roles: ['learner'] }] });
  const page = await site.open(null);
  await page.goto(`${site.origin}/exams`);
  await page.waitForSelector('input[name=username]');
  assert.match(page.url(), /next=%2Fexams/);
  await page.fill('input[name=username]', 'fresh');
  await page.fill('input[name=password]', 'nonsense');
  await page.keyboard.press('Enter');
  await page.waitForSelector('.notice.bad:has-text("用户名或密码不正确")');
  await page.fill('input[name=password]', people[0].password);
  await page.keyboard.press('Enter');
  await page.waitForSelector('h1:has-text("修改密码")');
  await page.goto(`${site.origin}/exams`);
  await page.waitForSelector('h1:has-text("修改密码")');
  const [old, fresh, again] = await page.locator('input[type=password]').all();
  await old.fill('not it at all');
  await fresh.fill('short');
  await again.fill('other');
  await page.keyboard.press('Enter');
  assert.equal(await page.locator('[aria-invalid=true]').count(), 2);
  await fresh.fill('a-good-one-9');
  await again.fill('a-good-one-9');
  await page.keyboard.press('Enter');
  await page.waitForSelector('.field-error:visible');
  await old.fill(people[0].password);
  await page.keyboard.press('Enter');
  await page.waitForSelector('h1:has-text("学年")');
  await page.click('header button:has-text("退出")');
  await page.waitForSelector('input[name=username]');
  await signIn(page, site.origin, 'fresh', 'a-good-one-9');
});

test('the keyboard alone is enough for the whole road', async () => {
  const exam = await makeExam('keyboard');
  const page = await site.open(null);
  await page.goto(`${site.origin}/sign-in`);
  await page.waitForSelector('input[name=username]');
  const tabTo = async (selector, most = 80) => {
    for (let step = 0; step < most; step += 1) {
      if (await page.evaluate((wanted) => Boolean(document.activeElement && document.activeElement.matches(wanted)), selector)) return;
      await page.keyboard.press('Tab');
    }
    throw new Error(`no way by Tab to ${selector}`);
  };
  await tabTo('input[name=username]');
  await page.keyboard.type('learner25');
  await page.keyboard.press('Tab');
  await page.keyboard.type('keju-demo');
  await page.keyboard.press('Enter');
  await page.waitForSelector('header.top');
  await tabTo('nav a[href="/exams"]');
  await page.keyboard.press('Enter');
  await page.waitForSelector('h1:has-text("考试")');
  assert.equal(await page.evaluate(() => document.activeElement.tagName), 'H1');
  await tabTo(`a[href="/exams/${exam}"]`);
  await page.keyboard.press('Enter');
  await page.waitForSelector('.check input');
  await tabTo('.check input');
  await page.keyboard.press('Space');
  await tabTo('button.primary');
  await page.keyboard.press('Enter');
  await page.waitForSelector('.question .option');
  for (let question = 0; question < 5; question += 1) {
    await tabTo('.option input');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowUp');
    assert.equal(await page.locator('.option input').first().isChecked(), true);
    await tabTo('.question-foot .step button.primary');
    await page.keyboard.press('Enter');
  }
  await page.waitForSelector('.dialog:has-text("5 题已全部作答")');
  await page.keyboard.press('Escape');
  assert.equal(await page.locator('.dialog').count(), 0);
  await page.keyboard.press('Enter');
  await page.waitForSelector('.dialog');
  await tabTo('.dialog-foot .primary', 6);
  await page.keyboard.press('Enter');
  await page.waitForSelector('.verdict-word');
  assert.deepEqual(page.faults, []);
});

test('at 360 pixels and at twice the size nothing is cut off, and nothing moves while it loads', async () => {
  const exam = await makeExam('phone');
  const page = await site.open('learner26', { size: PHONE });
  for (const path of ['/', '/courses', '/exams', '/history', '/mistakes', '/home', `/exams/${exam}`]) {
    await page.goto(site.origin + path);
    await page.waitForSelector('main h1');
    assert.ok((await tooWide(page)) <= 0, `${path} is too wide`);
  }
  await begin(page, exam);
  assert.ok((await tooWide(page)) <= 0, 'the exam is too wide');
  await page.click('.exam-foot button:has-text("答题卡")');
  await page.click('.dialog .number:has-text("3")');
  await page.waitForSelector('.question-head h2:has-text("第 3 题")');
  // Twice the size on a desktop is half the window.
  await page.setViewportSize({ width: 640, height: 400 });
  assert.ok((await tooWide(page)) <= 0, 'magnified, the exam is too wide');
  await page.evaluate(() => {
    window.shifts = [];
    new PerformanceObserver((list) => list.getEntries().forEach((entry) => { if (!entry.hadRecentInput) window.shifts.push(entry.value); }))
      .observe({ type: 'layout-shift', buffered: true });
  });
  await page.click('.option >> nth=0');
  await saved(page);
  const shifts = await page.evaluate(() => window.shifts.reduce((sum, value) => sum + value, 0));
  assert.ok(shifts < 0.1, `moved by ${shifts}`);
});

test('signing in leads on to a page of the site and to no other', async () => {
  for (const [next, path] of [['/exams', '/exams'], ['//evil.invalid/x', '/'], ['/\\\\evil.invalid', '/'], ['https://evil.invalid/', '/'], ['/nowhere', '/'], ['/exams/%E0%A4%A', '/']]) {
    const page = await site.open(null);
    await page.goto(`${site.origin}/sign-in?next=${encodeURIComponent(next)}`);
    await page.fill('input[name=username]', 'learner27');
    await page.fill('input[name=password]', 'keju-demo');
    await page.keyboard.press('Enter');
    await page.waitForSelector('header.top main h1, main h1');
    await until(() => new URL(page.url()).pathname === path, `${next} to lead to ${path}`);
    await page.context().close();
  }
});

test('English is a whole language, and the choice is kept', async () => {
  const page = await site.open('learner27');
  await page.click('button:has-text("English")');
  await page.waitForSelector('h1:has-text("Year")');
  assert.equal(await page.getAttribute('html', 'lang'), 'en');
  await page.reload();
  await page.waitForSelector('nav a:has-text("My year")');
  // Dates and numbers as each language writes them, and the time of Shanghai wherever the reader is.
  const { id } = await examOf('gx-ty-ks');
  await page.goto(`${site.origin}/exams/${id}`);
  await page.waitForSelector('dd:has-text("1 Jan 2020, 00:00")');
  await page.click('button:text-is("中文")');
  await page.waitForSelector('dd:has-text("2020年1月1日 00:00")');
  await page.click('button:text-is("English")');
  await page.goto(`${site.origin}/nowhere-at-all`).catch(() => {});
  await page.goto(`${site.origin}/attempts/00000000-0000-7000-8000-000000000000`);
  await page.waitForSelector('.notice.bad:has-text("Not found")');
});

test('a language whose words do not arrive leaves the page in the other one, and is spoken later', async () => {
  const page = await site.open('learner82', { options: { serviceWorkers: 'allow' } });
  await page.evaluate(async () => { await navigator.serviceWorker.ready; });
  // Through the worker once, so that it keeps what it sees.
  await page.reload();
  await page.waitForSelector('header.top');
  await page.context().setOffline(true);
  await page.click('button:has-text("English")');
  await page.waitForSelector('.toast.bad:has-text("连不上服务器")');
  await page.reload();
  // In whichever language the browser still has.
  await page.waitForSelector('.notice.bad >> text=/连不上服务器|cannot be reached/');
  await page.context().setOffline(false);
  await page.reload();
  await page.waitForSelector('nav a:has-text("My year")');
});

test('a course shows its lessons, how far they are, and leads to the player', async () => {
  const bank = (await author.ask('GET', 'banks')).items.find((one) => one.code === 'anquan');
  const course = (await author.ask('GET', 'courses')).items.find((one) => one.code === 'zy-aq');
  const lesson = await author.ask('POST', 'lessons', { code: 'web-lesson', course: course.id, title: '安全用电', duration_ms: 90000, bank: bank.id, policy: {} });
  const page = await site.open('learner81');
  await page.goto(`${site.origin}/courses`);
  const link = page.locator('a:has-text("安全用电")');
  await link.waitFor();
  assert.equal(await link.getAttribute('href'), `/lesson/?id=${lesson.id}`);
  await link.click();
  await page.waitForSelector('h1:has-text("安全用电")');
});

test('a clock that somebody sets ends no exam, not even without a network', async () => {
  const exam = await makeExam('clock');
  const page = await site.open('learner80', { options: { serviceWorkers: 'allow' } });
  await page.evaluate(async () => { await navigator.serviceWorker.ready; });
  const id = await begin(page, exam);
  await page.click('.option >> nth=0');
  await saved(page);
  await page.context().setOffline(true);
  await page.addInitScript(() => {
    const now = Date.now.bind(Date);
    Date.now = () => now() + 3600000;
  });
  await page.reload();
  await page.waitForSelector('.option.chosen');
  await until(async () => /00:00/.test(await page.textContent('.clock')), 'the clock to believe the device');
  assert.equal(await page.locator('.dialog').count(), 0, 'nothing ends by that');
  await page.context().setOffline(false);
  await until(async () => /04:\d\d/.test(await page.textContent('.clock')), 'the clock to be the server’s again');
  const learner = await api(site.origin, 'learner80');
  assert.equal((await learner.ask('GET', `attempts/${id}`)).state, 'open');
});
