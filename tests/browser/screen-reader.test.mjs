// What somebody hears who does not see: the tree that the browser hands to screen readers, and what speaks up by itself.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { api, until } from './kit.mjs';
import { makeExam, slotsOf } from './exams.mjs';
import { asked, makeLesson, play, startSite, study, submit } from './sdk-site.mjs';

let site;
let author;

before(async () => {
  site = await startSite([]);
  author = await api(site.origin, 'author');
});
after(() => site.done());

/** A learner's page that keeps what its live regions say. */
async function listen(username, path) {
  const context = await site.browser.newContext({ viewport: { width: 1280, height: 800 }, locale: 'zh-CN', timezoneId: 'Asia/Shanghai', serviceWorkers: 'block' });
  const page = await context.newPage();
  page.on('dialog', (dialog) => dialog.accept());
  await page.addInitScript(hear);
  await page.goto(`${site.origin}/sign-in?next=${encodeURIComponent(path)}`);
  await page.fill('input[name=username]', username);
  await page.fill('input[name=password]', 'keju-demo');
  await page.keyboard.press('Enter');
  // The page of signing in has a heading too, and whoever leaves it too early is not signed in.
  await page.waitForSelector('header.top');
  return page;
}

/** As a screen reader does: whatever changes in a live region is read, loudly or at leisure. */
function hear() {
  window.heard = [];
  const LIVE = '[aria-live=polite], [aria-live=assertive], [role=status], [role=alert]';
  new MutationObserver((changes) => {
    const regions = new Set();
    for (const { target } of changes) {
      const element = target.nodeType === 1 ? target : target.parentElement;
      const region = element && !element.closest('[aria-hidden=true]') && element.closest(LIVE);
      if (region && region.getAttribute('aria-live') !== 'off') regions.add(region);
    }
    for (const region of regions) {
      const spoken = region.cloneNode(true);
      spoken.querySelectorAll('[aria-hidden=true]').forEach((silent) => silent.remove());
      const words = spoken.textContent.trim();
      const loud = region.getAttribute('aria-live') === 'assertive' || region.getAttribute('role') === 'alert';
      if (words) window.heard.push({ words, loud });
    }
  }).observe(document, { subtree: true, childList: true, characterData: true });
}

const heardSince = (page, from = 0) => page.evaluate((at) => window.heard.slice(at), from);
const heardNow = (page) => page.evaluate(() => window.heard.length);

/** All that is not ignored, in the order in which it is read. */
async function tree(page) {
  const session = await page.context().newCDPSession(page);
  const { nodes } = await session.send('Accessibility.getFullAXTree');
  await session.detach();
  const byId = new Map(nodes.map((node) => [node.nodeId, node]));
  const out = [];
  const walk = (id, depth) => {
    const node = byId.get(id);
    if (!node) return;
    if (!node.ignored && node.role) {
      const properties = Object.fromEntries((node.properties || []).map(({ name, value }) => [name, value.value]));
      out.push({ role: node.role.value, name: (node.name && node.name.value) || '', description: (node.description && node.description.value) || '', value: node.value && node.value.value, ...properties });
    }
    (node.childIds || []).forEach((child) => walk(child, depth + 1));
  };
  walk(nodes[0].nodeId, 0);
  return out;
}

const of = (nodes, role) => nodes.filter((node) => node.role === role);
const one = (nodes, role, name) => {
  const found = of(nodes, role).filter((node) => (name instanceof RegExp ? name.test(node.name) : node.name === name));
  assert.equal(found.length, 1, `${role} “${name}” among ${of(nodes, role).map((node) => node.name).join(' | ')}`);
  return found[0];
};
const focused = (page) => page.evaluate(() => `${document.activeElement.tagName} ${document.activeElement.textContent.trim()}`);

/** Until the page at hand has said its name, which it does a moment after it is there. */
const named = (page, from) => until(async () => {
  const title = await page.title();
  return (await heardSince(page, from)).some(({ words }) => title.startsWith(words));
}, 'the page to be named');

async function begin(page, exam) {
  if (!page.url().includes(`/exams/${exam}`)) await page.goto(`${site.origin}/exams/${exam}`);
  await page.check('.check input');
  await named(page, 0);
  const from = await heardNow(page);
  await page.click('button:has-text("开始考试")');
  await page.waitForSelector('.question .option, .question .answer-line, .question .order, .question .pair');
  await named(page, from);
  return page.url().split('/').pop();
}

test('the exam: question, options with their state, navigator, timer', async () => {
  const exam = await makeExam(author, 'heard');
  const learner = await api(site.origin, 'learner120');
  const page = await listen('learner120', `/exams/${exam}`);
  const id = await begin(page, exam);
  const [slot] = slotsOf(await learner.ask('GET', `attempts/${id}`));
  const words = slot.stem.replace(/<[^>]*>/g, '').trim();

  let nodes = await tree(page);
  assert.equal(one(nodes, 'heading', '考试 heard').level, 1);
  assert.equal(one(nodes, 'heading', /^第 1 题（共 5 题）/).level, 2);
  const group = of(nodes, 'radiogroup');
  assert.equal(group.length, 1);
  assert.equal(group[0].name.replace(/\s/g, ''), words.replace(/\s/g, ''), 'the group is named by the question');
  const options = of(nodes, 'radio');
  assert.deepEqual(options.map((option) => option.name.replace(/\s+/g, ' ').trim()), slot.options.map((option, index) => `${'ABCD'[index]} ${option.text}`));
  assert.ok(options.every((option) => option.checked === 'false'));
  const timer = one(nodes, 'timer', '剩余时间');
  assert.ok(timer.live === undefined || timer.live === 'off', 'the timer speaks only when it is asked');
  one(nodes, 'navigation', '答题卡');
  assert.equal(one(nodes, 'button', '第 1 题、未答').focusable, true);
  one(nodes, 'banner', '');
  one(nodes, 'main', '');

  await page.check('.option input >> nth=1');
  await page.click('button:has-text("标记此题")');
  await until(async () => (await page.textContent('.saving')) === '已保存', 'the answer to be saved');
  nodes = await tree(page);
  assert.deepEqual(of(nodes, 'radio').map((option) => option.checked), ['false', 'true', 'false', 'false']);
  one(nodes, 'button', '第 1 题、已答、已标记');
  assert.equal(one(nodes, 'button', /^.\s*已标记$/).pressed, 'true');
  await page.context().close();
});

test('every kind of question is named by its text, and says what to do', async () => {
  const base = (await author.ask('GET', 'authored/exams?limit=500')).items.find((one) => one.code === 'gx-xx-ks');
  const exam = await makeExam(author, 'heard-kinds', { ...base, id: undefined, state: undefined, bank_version: undefined, code: 'heard-kinds', title: '各种题型', practice: 'off' });
  const learner = await api(site.origin, 'learner121');
  const page = await listen('learner121', `/exams/${exam}`);
  const id = await begin(page, exam);
  const seen = new Set();
  for (const slot of slotsOf(await learner.ask('GET', `attempts/${id}`))) {
    if (!seen.has(slot.kind)) {
      seen.add(slot.kind);
      await page.click(`.exam-side .number:text-is("${slot.slot}")`);
      const nodes = await tree(page);
      const stem = slot.stem.replace(/<[^>]*>/g, '').replace(/\s/g, '');
      const role = { single_choice: 'radiogroup', true_false: 'radiogroup', multiple_choice: 'group', numeric: 'textbox', short_text: 'textbox', ordering: 'list', matching: 'group' }[slot.kind];
      const named = of(nodes, role).filter((node) => node.name.replace(/\s/g, '') === stem);
      assert.equal(named.length, 1, `${slot.kind}: ${role}`);
      if (role === 'textbox') assert.ok(named[0].description, `${slot.kind} says how it is filled in`);
      if (slot.kind === 'multiple_choice') assert.equal(of(nodes, 'checkbox').length, slot.options.length);
      if (slot.kind === 'matching') {
        for (const option of slot.options) assert.equal(of(nodes, 'combobox').filter((node) => node.name === option.text.replace(/<[^>]*>/g, '')).length, 1, option.text);
      }
      if (slot.kind === 'ordering') {
        const from = await heardNow(page);
        await page.click('.order li:nth-child(1) [data-by="1"]');
        await until(async () => (await heardSince(page, from)).some(({ words }) => /现在第 2 位/.test(words)), 'the new place to be said');
      }
    }
  }
  assert.equal(seen.size, 7, [...seen].join(' '));
  await page.context().close();
});

test('the focus goes with the page: to the heading of a page, to that of a question, into a dialog and back', async () => {
  const exam = await makeExam(author, 'heard-focus');
  const page = await listen('learner122', '/');
  await page.waitForSelector('.ring');
  for (const [entry, heading] of [['课程', 'H1 课程'], ['考试', 'H1 考试'], ['考试记录', 'H1 考试记录']]) {
    await page.click(`nav a:text-is("${entry}")`);
    await until(async () => (await focused(page)) === heading, `the focus at ${heading}`);
    await until(async () => (await heardSince(page)).some(({ words, loud }) => words === entry && !loud), `${entry} to be said`);
  }
  await begin(page, exam);
  await page.click('.question-foot button:has-text("下一题")');
  assert.match(await focused(page), /^H2 第 2 题/);
  await page.focus('.hand-in');
  await page.keyboard.press('Enter');
  await page.waitForSelector('.dialog');
  const nodes = await tree(page);
  const [box] = of(nodes, 'dialog');
  assert.equal(box.name, '交卷前检查');
  assert.equal(box.modal, true);
  assert.equal(of(nodes, 'radio').length, 0, 'what is under the dialog is not read');
  assert.ok(await page.evaluate(() => document.querySelector('.dialog').contains(document.activeElement)));
  await page.keyboard.press('Escape');
  assert.match(await focused(page), /^BUTTON 交卷/);
  await page.click('.exam-side button:has-text("暂时离开")');
  await page.waitForSelector('.dialog');
  const [asks] = of(await tree(page), 'alertdialog');
  assert.ok(asks && asks.name && asks.modal, 'what cannot be undone is asked by an alert');
  await page.context().close();
});

test('a practice’s verdict is said, and the keyboard goes on from there', async () => {
  const exam = await makeExam(author, 'heard-practice', { practice: 'offered' });
  const page = await listen('learner123', `/exams/${exam}`);
  await page.click('button:has-text("先做练习")');
  await page.waitForSelector('.question .option');
  await page.focus('.option input');
  await page.keyboard.press('Space');
  await page.focus('button:has-text("确认作答")');
  await page.keyboard.press('Enter');
  await page.waitForSelector('.question .notice');
  await until(async () => (await heardSince(page)).some(({ words }) => /^回答(正确|错误)/.test(words)), 'the verdict to be said');
  assert.match(await focused(page), /^DIV 回答(正确|错误)/);
  await page.keyboard.press('Tab');
  assert.match(await focused(page), /^BUTTON 再答一次/);
  await page.context().close();
});

test('the time left is said at the last minute and not with every second', async () => {
  const exam = await makeExam(author, 'heard-time', { duration_ms: 66000 });
  const page = await listen('learner124', `/exams/${exam}`);
  await begin(page, exam);
  const from = await heardNow(page);
  const first = await page.textContent('.clock');
  const told = await until(async () => { const all = await heardSince(page, from); return all.some(({ words }) => /1 分钟/.test(words)) && all; }, 'the last minute to be said', 20000);
  assert.notEqual(await page.textContent('.clock'), first, 'seconds went by');
  assert.deepEqual(told, [{ words: '还剩 1 分钟', loud: true }]);
  await page.context().close();
});

test('what is saved is quiet, what is not is said, and so is its end', async () => {
  const exam = await makeExam(author, 'heard-saving');
  const page = await listen('learner125', `/exams/${exam}`);
  await begin(page, exam);
  let from = await heardNow(page);
  for (const at of [0, 1, 2]) {
    await page.check(`.option input >> nth=${at}`);
    await until(async () => (await page.textContent('.saving')) === '已保存', 'the answer to be saved');
  }
  assert.deepEqual(await heardSince(page, from), [], 'nobody is told of each receipt');
  from = await heardNow(page);
  await page.context().setOffline(true);
  await page.check('.option input >> nth=0');
  await until(async () => (await heardSince(page, from)).some(({ words }) => /网络中断/.test(words)), 'the cut to be said');
  const cut = await heardNow(page);
  await page.context().setOffline(false);
  await until(async () => (await heardSince(page, cut)).some(({ words }) => /恢复|已保存/.test(words)), 'the end of it to be said');
  assert.ok((await heardSince(page, from)).every(({ loud }) => !loud), 'and nothing of it interrupts');
  await page.context().close();
});

test('a lesson’s question is a dialog with a name, its options have state, its verdict is said', async () => {
  const lesson = await makeLesson(site);
  const page = await study(site, 'learner126', lesson);
  await play(page);
  const question = await asked(page);
  const stem = question.stem.replace(/<[^>]*>/g, '').replace(/\s/g, '');
  let nodes = await tree(page);
  const [box] = of(nodes, 'dialog');
  assert.equal(box.name.replace(/\s/g, ''), stem);
  assert.equal(box.modal, true);
  assert.ok(of(nodes, 'radiogroup').some((group) => group.name.replace(/\s/g, '') === stem));
  assert.deepEqual(of(nodes, 'radio').map((option) => option.name.trim()), question.options.map((option) => option.text));
  assert.ok(await page.evaluate(() => document.activeElement.localName === 'exam-lesson' && document.activeElement.shadowRoot.activeElement !== null));
  await page.keyboard.press('Tab');
  await page.keyboard.press('Space');
  nodes = await tree(page);
  assert.equal(of(nodes, 'radio').filter((option) => option.checked === 'true').length, 1);
  // Its live regions are under a shadow root of its own.
  const live = () => page.evaluate(() => [...document.querySelector('exam-lesson').shadowRoot.querySelectorAll('[aria-live]:not([aria-live=off]), [role=status], [role=alert]')].map((region) => region.textContent).join('\n'));
  assert.doesNotMatch(await live(), /剩余/, 'the countdown is none of them');
  await submit(page);
  // A right one is told by the status; a wrong one is the dialog's new name, and the focus goes to it.
  const named = async () => {
    const [waits] = of(await tree(page), 'dialog');
    const holds = await page.evaluate(() => { const root = document.activeElement.shadowRoot; return Boolean(root && root.activeElement && root.activeElement.getAttribute('role') === 'dialog'); });
    return waits && waits.name === '回答不正确' && holds && /秒后换一道题/.test(await live());
  };
  await until(async () => /回答正确/.test(await live()) || named(), 'the verdict to be said');
  await page.context().close();
});
