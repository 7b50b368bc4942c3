// Practice by topic, and the notebook of wrong answers that it fills.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { DESKTOP, PHONE, api, findings, picture, start, tooWide } from './kit.mjs';
import { examOf, keysOf, makeExam, slotsOf, take } from './exams.mjs';

let site;
let author;
let keys;

before(async () => {
  site = await start();
  author = await api(site.origin, 'author');
  keys = await keysOf(author);
});
after(() => site.done());

async function inspect(page, name) {
  for (const [size, suffix] of [[DESKTOP, 'desktop'], [PHONE, 'phone']]) {
    await page.setViewportSize(size);
    await picture(page, `${name}-${suffix}`);
    assert.ok(await tooWide(page) <= 0, `${name} at ${suffix}`);
    assert.deepEqual(await findings(page), [], `${name} at ${suffix}`);
  }
  await page.setViewportSize(DESKTOP);
}

test('a learner chooses topics and gets a practice of them', async () => {
  const page = await site.open('learner31');
  const exam = await examOf(author, 'gx-bx-ks');
  const topics = (await (await api(site.origin, 'learner31')).ask('GET', `exams/${exam.id}/topics`)).items;
  assert.ok(topics.length > 1);
  await page.goto(`${site.origin}/exams/${exam.id}`);
  await page.click('button:has-text("选知识点练习")');
  await page.waitForSelector('.dialog .check');
  assert.equal(await page.locator('.dialog .check').count(), topics.length);
  await page.check('.dialog .check input >> nth=1');
  await page.selectOption('.dialog select', '5');
  await inspect(page, 'topics');
  await page.click('.dialog button:has-text("开始练习")');
  await page.waitForSelector('.question');
  const attempt = await (await api(site.origin, 'learner31')).ask('GET', `attempts/${page.url().split('/').pop()}`);
  assert.equal(attempt.mode, 'practice');
  assert.ok(slotsOf(attempt).length <= 5);
  for (const slot of slotsOf(attempt)) assert.ok(keys.get(slot.stem).topic.startsWith(topics[1].topic), slot.stem);
  assert.deepEqual(page.faults, []);
});

test('what was wrong stands in the notebook on every device, is practised from there, and leaves', async () => {
  const learner = await api(site.origin, 'learner32');
  const exam = await makeExam(author, 'notebook');
  await take(learner, exam, keys, { mode: 'practice', wrong: [1, 2] });
  const page = await site.open('learner32');
  await page.goto(`${site.origin}/mistakes`);
  await page.waitForSelector('.review > li');
  assert.equal(await page.locator('.review > li').count(), 2);
  await page.click('button:has-text("看答案") >> nth=0');
  await page.waitForSelector('text=正确答案');
  await inspect(page, 'notebook');
  await page.click('.review > li >> nth=0 >> button:has-text("移除")');
  await page.waitForFunction(() => document.querySelectorAll('.review > li').length === 1);
  await page.reload();
  await page.waitForSelector('.review > li');
  assert.equal(await page.locator('.review > li').count(), 1, 'it stays out');
  await page.click('button:has-text("练习这些错题")');
  await page.waitForSelector('.question');
  assert.equal(await page.locator('.exam-side .number').count(), 1);
  const other = await site.open('learner33');
  await other.goto(`${site.origin}/mistakes`);
  await other.waitForSelector('.empty');
  await inspect(other, 'notebook-empty');
  assert.deepEqual(page.faults, []);
  assert.deepEqual(other.faults, []);
});

test('what stands in an exam under way is not shown', async () => {
  const learner = await api(site.origin, 'learner34');
  const exam = await makeExam(author, 'notebook-withheld');
  const { attempt } = await take(learner, exam, keys, { mode: 'practice', wrong: [1, 2, 3, 4, 5] });
  const wrong = new Set(slotsOf(attempt).map((slot) => slot.stem));
  const running = await learner.ask('POST', `exams/${exam}/attempts`, { command_id: crypto.randomUUID(), mode: 'exam' });
  const both = slotsOf(running).filter((slot) => wrong.has(slot.stem)).length;
  const page = await site.open('learner34');
  await page.goto(`${site.origin}/mistakes`);
  await page.waitForSelector('h1:has-text("错题本")');
  assert.equal(await page.locator('.review > li').count(), 5 - both);
  assert.equal(await page.locator('.notice.info').count(), both ? 1 : 0);
  assert.deepEqual(page.faults, []);
});
