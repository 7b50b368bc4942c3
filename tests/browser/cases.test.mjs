// The road of a case: asked for, handed on, decided by another person, and what its learner sees of it.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { api, start } from './kit.mjs';

let site;
before(async () => { site = await start(); });
after(() => site.done());

test('a case is asked for, handed on, decided by another person, taken up again, and told to its learner', async () => {
  const learner = await api(site.origin, 'learner30');
  const exam = (await learner.ask('GET', 'exams')).items.find((one) => one.code === 'gx-ty-ks');
  const attempt = await learner.ask('POST', `exams/${exam.id}/attempts`, { command_id: crypto.randomUUID(), mode: 'exam' });
  await learner.ask('POST', `attempts/${attempt.id}/submission`, { command_id: crypto.randomUUID() });

  const proctor = await site.open('proctor');
  await proctor.goto(`${site.origin}/proctor/${exam.id}/${attempt.id}`);
  await proctor.click('button:has-text("提请核查")');
  await proctor.click('.dialog button.primary');
  await proctor.waitForSelector('.dialog .field-error:has-text("请填写")');
  await proctor.fill('.dialog textarea', '同考场举报');
  await proctor.click('.dialog button.primary');
  await proctor.click('a:has-text("查看核查（待核查）")');
  await proctor.waitForSelector('text=监考人员 提请：同考场举报');
  await proctor.click('button:text-is("提交")');
  await proctor.waitForSelector('text=请先选择结论');
  await proctor.check('label:has-text("请另一人复核") input');
  await proctor.fill('textarea', '请查看监控');
  await proctor.click('button:text-is("提交")');
  await proctor.waitForSelector('.notice:has-text("复核须由另一人")');
  assert.equal(await proctor.locator('textarea').count(), 0, 'no form in vain');
  await proctor.click('a:has-text("核查") >> nth=0');
  await proctor.selectOption('.filters select', 'second_review');
  await proctor.waitForSelector('td:has-text("学员030")');

  const city = await site.open('city');
  await city.waitForURL(`${site.origin}/cases`);
  await city.waitForSelector('nav a[href="/cases"]');
  await city.selectOption('.filters select', 'second_review');
  await city.click('a:text-is("查看")');
  await city.waitForSelector('.timeline li:has-text("请查看监控")');
  assert.equal(await city.locator('label:has-text("请另一人复核") input').count(), 0);
  await city.check('label:has-text("认定无效") input');
  await city.fill('textarea', '查实替考');
  await city.click('button:text-is("提交")');
  await city.click('.dialog:has-text("确定认定无效？") button:has-text("取消")');
  assert.equal((await learner.ask('GET', `attempts/${attempt.id}/result`)).invalidated, undefined);
  await city.click('button:text-is("提交")');
  await city.click('.dialog:has-text("确定认定无效？") button.danger');
  await city.waitForSelector('.timeline li:has-text("查实替考")');

  const page = await site.open('learner30');
  await page.goto(`${site.origin}/attempts/${attempt.id}/result`);
  await page.waitForSelector('text=本次考试经核查无效');
  await page.waitForSelector('text=查实替考');
  await page.goto(`${site.origin}/history`);
  await page.waitForSelector('.badge:has-text("经核查无效")');
  await page.goto(`${site.origin}/cases`);
  await page.waitForURL(`${site.origin}/`);

  await city.click('button:has-text("重新核查")');
  await city.fill('.dialog textarea', '学员申诉');
  await city.click('.dialog button.primary');
  await city.waitForSelector('.notice:has-text("复核须由另一人")');
  const admin = await site.open('admin');
  await admin.goto(`${site.origin}/cases/${attempt.id}`);
  await admin.check('label:has-text("无异常") input');
  await admin.fill('textarea', '证据不足');
  await admin.click('button:text-is("提交")');
  await admin.click('.dialog:has-text("确定为无异常？") button.primary');
  await admin.waitForSelector('.timeline li:has-text("证据不足")');
  await page.goto(`${site.origin}/attempts/${attempt.id}/result`);
  await page.waitForSelector('.verdict-card');
  for (const one of [proctor, city, admin]) assert.deepEqual(one.faults, []);
});
