// The roads of those who run exams: proctor, author, administrator, operator.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { writeFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { match } from '../../ws-gateway/web/routes.js';
import { api, start, until } from './kit.mjs';

let site;
let folder;
before(async () => {
  site = await start();
  folder = mkdtempSync(join(tmpdir(), 'keju-staff-'));
});
after(async () => {
  await site.done();
  rmSync(folder, { recursive: true, force: true });
});

const begin = async (username, code = 'gx-ty-ks') => {
  const learner = await api(site.origin, username);
  const exam = (await learner.ask('GET', 'exams')).items.find((one) => one.code === code);
  const attempt = await learner.ask('POST', `exams/${exam.id}/attempts`, { command_id: crypto.randomUUID(), mode: 'exam' });
  return { learner, exam, attempt };
};

test('a proctor sees incidents first, reads an attempt, and acts with a reason', async () => {
  for (const name of ['learner31', 'learner32', 'learner33']) await begin(name, 'gx-bx-ks');
  const { learner, exam, attempt } = await begin('learner30', 'gx-bx-ks');
  const at = () => new Date().toISOString();
  for (let round = 0; round < 4; round += 1) {
    await learner.ask('POST', `attempts/${attempt.id}/signals`, { signals: [{ kind: 'blur', at: at() }, { kind: 'focus', at: at() }, { kind: 'paste', at: at() }] });
  }
  const page = await site.open('proctor');
  await page.click(`a[href="/proctor/${exam.id}"]`);
  await page.waitForSelector('.virtual-row');
  assert.match(await page.textContent('.virtual-row >> nth=0'), /学员030/);
  assert.match(await page.textContent('.virtual-row >> nth=0'), /提示/);
  assert.equal(await page.locator('.virtual-row').count(), 4);
  await page.check('.filters input[type=checkbox]');
  assert.equal(await page.locator('.virtual-row').count(), 1);
  await page.uncheck('.filters input[type=checkbox]');
  await page.fill('.filters input[type=search]', '032');
  assert.equal(await page.locator('.virtual-row').count(), 1);
  await page.fill('.filters input[type=search]', '');

  await page.click('.virtual-row >> nth=0 >> button:has-text("处理")');
  await page.check('.dialog label:has-text("暂停") input');
  await page.click('.dialog button:has-text("执行")');
  await page.waitForSelector('.dialog .field-error:has-text("请填写")');
  await page.fill('.dialog textarea', '请到前台核对身份');
  await page.click('.dialog button:has-text("执行")');
  await page.waitForSelector('.virtual-row >> nth=0 >> text=已暂停');
  assert.equal((await learner.ask('GET', `attempts/${attempt.id}`)).state, 'paused');

  await page.click('.virtual-row >> nth=0 >> a');
  await page.waitForSelector('.timeline li:has-text("请到前台核对身份")');
  assert.match(await page.textContent('.timeline'), /监考人员/);
  const few = await page.locator('.timeline li').count();
  await page.check('label:has-text("显示全部事件") input');
  assert.ok(await page.locator('.timeline li').count() > few);
  await page.click('button:has-text("恢复")');
  await page.fill('.dialog textarea', '核对无误');
  await page.click('.dialog button:has-text("执行")');
  await page.waitForSelector('.timeline li:has-text("恢复作答")');
  await page.click('button:has-text("延时")');
  await page.fill('.dialog input[type=number]', '0');
  await page.fill('.dialog textarea', '断电');
  await page.click('.dialog button:has-text("执行")');
  await page.waitForSelector('.dialog .field-error:has-text("1 至 600")');
  await page.fill('.dialog input[type=number]', '15');
  await page.click('.dialog button:has-text("执行")');
  await page.waitForSelector('.timeline li:has-text("延长 15 分钟")');
  await page.click('button.danger:has-text("终止")');
  await page.fill('.dialog textarea', '替考');
  await page.click('.dialog button:has-text("执行")');
  await page.waitForSelector('.dialog:has-text("确定终止？")');
  await page.click('.dialog:has-text("确定终止？") button:has-text("取消")');
  assert.equal((await learner.ask('GET', `attempts/${attempt.id}`)).state, 'open');
  await page.click('.dialog button:has-text("执行")');
  await page.click('.dialog:has-text("确定终止？") button.danger');
  await page.waitForSelector('.timeline li:has-text("终止作答")');
  assert.equal((await learner.ask('GET', `attempts/${attempt.id}`)).state, 'terminated');
  assert.deepEqual(page.faults, []);
});

test('the console is live: who starts and what happens shows by itself, and nothing moves away under the pointer', async () => {
  const { exam } = await begin('learner34', 'gx-ty-ks');
  const page = await site.open('proctor');
  await page.goto(`${site.origin}/proctor/${exam.id}`);
  await page.waitForSelector('.badge:has-text("实时")');
  const { learner, attempt } = await begin('learner35', 'gx-ty-ks');
  await page.waitForSelector('.virtual-row:has-text("学员035")');
  const first = await page.textContent('.virtual-row >> nth=0 >> .name');
  await page.hover('.virtual-row >> nth=0');
  const other = first === '学员035' ? null : attempt;
  const at = new Date().toISOString();
  const [loser, name] = other ? [learner, '学员035'] : [await api(site.origin, 'learner34'), '学员034'];
  const id = other || (await loser.ask('GET', 'me/attempts')).items[0].attempt;
  await loser.ask('POST', `attempts/${id}/signals`, { signals: Array.from({ length: 5 }, () => [{ kind: 'blur', at }, { kind: 'focus', at }]).flat() });
  await page.waitForSelector(`.virtual-row:has-text("${name}") .badge.bad`);
  assert.equal(await page.textContent('.virtual-row >> nth=0 >> .name'), first, 'the list moved under the pointer');
  await page.hover('h1');
  await until(async () => (await page.textContent('.virtual-row >> nth=0 >> .name')) === name, 'the incident to come first');
  assert.deepEqual(page.faults, []);
});

test('thousands of sessions are a list that holds what is seen', async () => {
  const page = await site.open('proctor');
  const exam = (await (await api(site.origin, 'author')).ask('GET', 'exams')).items.find((one) => one.code === 'gx-xx-ks');
  const row = (index) => ({
    attempt: `00000000-0000-7000-8000-${String(index).padStart(12, '0')}`, learner: 'x', learner_name: `学员${index}`, mode: 'exam', number: 1, state: 'open',
    started_at: '2026-05-01T00:00:00Z', deadline: '2026-05-01T01:00:00Z', closed_at: null, answered: 1, integrity_score: index === 4321 ? 99 : 0, flags: index === 4321 ? 3 : 0,
    signals: 1, focus_losses: 0, last_at: null,
  });
  await page.route('**/api/v1/tickets', (route) => route.abort());
  await page.route('**/sessions?**', (route) => {
    const from = Number((new URL(route.request().url()).searchParams.get('after') || 'x-0').split('-').pop());
    const first = from > 0 || route.request().url().includes('after') ? from + 1 : 0;
    const items = Array.from({ length: Math.min(500, 5000 - first) }, (_, index) => row(first + index));
    return route.fulfill({ json: { items, next: first + 500 < 5000 ? items[items.length - 1].attempt : null } });
  });
  await page.goto(`${site.origin}/proctor/${exam.id}`);
  await page.waitForSelector('.virtual-row');
  assert.match(await page.textContent('.counts'), /5,000/);
  assert.match(await page.textContent('.virtual-row >> nth=0'), /学员4321/);
  assert.ok(await page.locator('.virtual-row').count() < 60);
  await page.evaluate(() => { const list = document.querySelector('.virtual'); list.scrollTop = list.scrollHeight; });
  await until(async () => (await page.locator('.virtual [aria-posinset="5000"]').count()) === 1, 'the last row');
  assert.ok(await page.locator('.virtual-row').count() < 60);
});

test('an author makes a bank, imports after a preview by row, and sees an item as the learner does', async () => {
  const page = await site.open('author');
  await page.click('button:has-text("新建题库")');
  await page.fill('.dialog input >> nth=0', '');
  await page.click('.dialog button:has-text("创建")');
  await page.waitForSelector('.dialog .field-error:visible');
  await page.fill('.dialog input >> nth=0', 'web-bank');
  await page.fill('.dialog input >> nth=1', '网页题库');
  await page.click('.dialog button:has-text("创建")');
  await page.waitForSelector('h1:has-text("网页题库")');
  const rows = ['题型,题干,选项A,选项B,选项C,答案,解析,知识点,难度'];
  for (let index = 1; index <= 12; index += 1) rows.push(`单选题,第${index}道：一加${index}等于几？,${index},${index + 1},${index + 2},B,顺着数,算术/加法,1`);
  rows.push('单选题,,甲,乙,丙,A,,,', '论述题,谈谈看法,,,,,,,');
  const file = join(folder, 'items.csv');
  writeFileSync(file, rows.join('\n'));
  await page.setInputFiles('input[type=file]', file);
  await page.waitForSelector('text=可导入 12 题（尚未写入）');
  assert.match(await page.textContent('.table-holder'), /第 14 行[\s\S]*题干为空/);
  assert.equal(await page.locator('.virtual-row').count(), 0);
  await page.click('button:has-text("确认导入 12 题")');
  await page.waitForSelector('.virtual-row');
  assert.match(await page.textContent('main'), /显示 12 \/ 12 题/);
  await page.click('.virtual-row >> nth=0');
  await page.waitForSelector('.dialog .option.right');
  assert.match(await page.textContent('.dialog'), /正确答案/);
  await page.selectOption('.dialog select', 'retired');
  await page.click('.dialog button:has-text("更改状态")');
  await page.waitForSelector('.virtual-row:has-text("停用")');
  assert.deepEqual(page.faults, []);
});

test('an author writes an item of every kind by hand, sees it as learners do, and changes it again', async () => {
  const author = await api(site.origin, 'author');
  const bank = await author.ask('POST', 'banks', { code: 'by-hand', title: '手写题库' });
  const page = await site.open('author');
  await page.goto(`${site.origin}/author/banks/${bank.id}`);
  await page.waitForSelector('text=题库还是空的');
  const fill = {
    single_choice: async () => { for (const [index, text] of ['甲', '乙', '丙', '丁'].entries()) await page.fill(`.editor-row >> nth=${index} >> input:not([type=radio])`, text); },
    multiple_choice: async () => { for (const [index, text] of ['甲', '乙', '丙', '丁'].entries()) await page.fill(`.editor-row >> nth=${index} >> input:not([type=checkbox])`, text); },
    true_false: async () => page.selectOption('.editor select >> nth=2', 'false'),
    numeric: async () => { await page.fill('.editor-row input >> nth=0', '90'); await page.fill('.editor-row input >> nth=1', '0.5'); },
    short_text: async () => page.fill('.editor-row input >> nth=0', '齐桓公'),
    ordering: async () => { for (const [index, text] of ['夏', '商', '周'].entries()) await page.fill(`.editor-row input >> nth=${index}`, text); },
    matching: async () => { for (const [index, text] of ['司马迁', '《史记》', '许慎', '《说文解字》'].entries()) await page.fill(`.editor-row input >> nth=${index}`, text); },
  };
  for (const [kind, work] of Object.entries(fill)) {
    await page.click('button:has-text("新增试题")');
    await page.selectOption('.editor select >> nth=0', kind);
    await page.fill('.editor textarea >> nth=0', `手写的 <b>${kind}</b> 题`);
    await work();
    await page.waitForSelector(`.editor > .card b:has-text("${kind}")`);
    await page.click('.editor button:has-text("保存")');
    await until(async () => (await page.locator('.dialog').count()) === 0, `${kind} to be kept`);
  }
  const items = (await author.ask('GET', `banks/${bank.id}/items?limit=500`)).items;
  assert.deepEqual(items.map((item) => item.kind).sort(), Object.keys(fill).sort());
  assert.equal(items.find((item) => item.kind === 'numeric').solution.key.accepted[0].tolerance, 0.5);

  // All that is wrong at once, and nothing is kept.
  await page.click('button:has-text("新增试题")');
  await page.click('.editor button:has-text("保存")');
  await page.waitForSelector('.dialog .notice.bad');
  await page.click('.dialog button:has-text("取消")');

  await page.click('.virtual-row:has-text("single_choice")');
  await page.click('.dialog button:has-text("编辑")');
  await page.waitForSelector('.editor');
  await page.fill('.editor textarea >> nth=1', '新的解析');
  await page.check('.editor-row >> nth=2 >> input[type=radio]');
  await page.click('.editor button:has-text("保存")');
  await until(async () => (await page.locator('.dialog').count()) === 0, 'the change to be kept');
  const changed = (await author.ask('GET', `banks/${bank.id}/items?limit=500`)).items.find((item) => item.kind === 'single_choice');
  assert.equal(changed.version, 2);
  assert.deepEqual([changed.solution.key.correct, changed.solution.explanation], [[2], '新的解析']);
  assert.deepEqual(page.faults, []);
});

test('an author writes a blueprint with live counts, is told what is short, publishes, and releases results', async () => {
  const page = await site.open('author');
  await page.goto(`${site.origin}/author/exams/new`);
  await page.waitForSelector('h1:has-text("新建考试")');
  const label = (words) => page.locator(`.field:has(> label:text-is("${words}"))`);
  await label('编号').locator('input').fill('web-exam');
  await label('考试名称').locator('input').fill('网页考试');
  await page.click('button:has-text("保存草稿")');
  await page.waitForSelector('.field-error:visible');
  await page.click('button:has-text("新建课程…")');
  await page.fill('.dialog input >> nth=0', 'web-course');
  await page.fill('.dialog input >> nth=1', '网页课程');
  await page.click('.dialog button:has-text("创建")');
  await until(async () => (await page.locator('.dialog').count()) === 0, 'the dialog to close');
  await label('题库').locator('select').selectOption({ label: '公需科目题库' });
  await page.waitForSelector('.stock.good');
  await label('题数').first().locator('input').fill('400');
  await page.waitForSelector('.stock.bad:has-text("少于需要的 400 题")');
  await page.click('button:has-text("保存草稿")');
  await page.waitForSelector('h1:has-text("网页考试")');
  await page.waitForSelector('.stock.bad');
  await page.click('button:text-is("发布")');
  await page.click('.dialog button:has-text("发布")');
  await page.waitForSelector('.notice.bad:has-text("题库无法满足组卷蓝图")');
  assert.match(await page.textContent('.notice.bad'), /第 1 大题：.*单选题.*需 400 题/);
  await label('题数').first().locator('input').fill('10');
  await page.click('button:text-is("发布")');
  await page.waitForSelector('.field-error:has-text("卷面总分 50")');
  await label('每题分值').first().locator('input').fill('10');
  await page.click('button:has-text("添加配额")');
  await page.locator('.stratum select').first().selectOption('公需选修/齐文化');
  await page.locator('.stratum input').fill('3');
  await until(async () => (await page.locator('.stock.bad').count()) === 0, 'enough stock');
  await page.click('button:has-text("抽一份样卷")');
  await page.waitForSelector('.dialog .card .option');
  assert.equal(await page.locator('.dialog .card').count(), 10);
  await page.click('.dialog button:has-text("再抽一份")');
  await page.waitForSelector('.dialog .card .option');
  await page.click('.dialog .actions button:has-text("关闭")');
  await page.click('button:text-is("发布")');
  await page.click('.dialog button:has-text("发布")');
  await page.waitForSelector('.badge:has-text("已发布")');
  await page.fill('input[type=datetime-local]', '2099-01-01T08:00');
  await page.click('button:has-text("设定公布时间")');
  await page.click('.dialog button:has-text("设定公布时间")');
  await page.waitForSelector('text=将于 2099年1月1日 08:00 公布');

  const { learner, attempt } = await begin('learner40', 'web-exam');
  await learner.ask('POST', `attempts/${attempt.id}/submission`, { command_id: crypto.randomUUID() });
  const other = await site.open('learner40');
  await other.goto(`${site.origin}/attempts/${attempt.id}/result`);
  await other.waitForSelector('text=成绩将于');
  assert.equal(await other.locator('.ring').count(), 0);
  await page.click('button:has-text("立即公布")');
  await page.click('.dialog button:has-text("立即公布")');
  await page.waitForSelector('text=交卷后立即公布');
  await other.reload();
  await other.waitForSelector('.verdict-word.bad');
  assert.deepEqual(page.faults, []);
});

test('an administrator grants one learner an exception', async () => {
  const exam = (await (await api(site.origin, 'author')).ask('GET', 'exams')).items.find((one) => one.code === 'gx-bx-ks');
  const page = await site.open('admin');
  await page.goto(`${site.origin}/author/exams/${exam.id}`);
  const label = (words) => page.locator(`.field:has(> label:text-is("${words}")) input`);
  await label('用户名').fill('nobody-at-all');
  await page.click('button:has-text("批准例外")');
  await page.waitForSelector('.field-error:has-text("没有这个用户名")');
  await label('用户名').fill('learner45');
  await page.click('button:has-text("批准例外")');
  await page.waitForSelector('.field-error:has-text("请填写理由")');
  await label('额外时间（分钟）').fill('30');
  await label('理由').fill('视力障碍');
  await page.click('button:has-text("批准例外")');
  await page.waitForSelector('.notice.good:has-text("已为 学员045 批准例外")');
  const learner = await api(site.origin, 'learner45');
  assert.equal((await learner.ask('GET', `exams/${exam.id}`)).duration_ms, 120 * 60000);
  assert.deepEqual(page.faults, []);
});

test('an administrator adds people one by one and by many, and shuts one out at once', async () => {
  const page = await site.open('admin');
  await page.goto(`${site.origin}/site/people`);
  await page.waitForSelector('.virtual-row');
  await page.click('button:has-text("添加人员")');
  await page.fill('.dialog input >> nth=0', 'web person');
  await page.fill('.dialog input >> nth=3', '110105194912310021');
  await page.click('.dialog button:has-text("添加人员")');
  await until(async () => (await page.locator('.dialog .field-error:visible').count()) === 3, 'all three faults at once');
  await page.fill('.dialog input >> nth=0', 'web-person');
  await page.fill('.dialog input >> nth=1', '网页人员');
  await page.fill('.dialog input >> nth=3', '11010519491231002X');
  await page.click('.dialog button:has-text("添加人员")');
  await page.waitForSelector('.dialog:has-text("一次性密码")');
  const password = await page.textContent('.dialog code');
  await page.click('.dialog-body button:has-text("关闭")');
  await page.fill('.filters input[type=search]', 'web-person');
  await page.waitForSelector('.virtual-row:has-text("网页人员")');
  assert.match(await page.textContent('.virtual-row'), /110105\*+002X/);

  await page.click('button:has-text("批量添加")');
  await page.fill('.dialog textarea', '用户名\t姓名\t角色\nmany1\t甲\t学员\nmany2\t乙\t学员 监考人员\nmany 3\t丙\t学员');
  await page.click('.dialog button:has-text("检查")');
  await page.click('.dialog button:has-text("添加 3 人")');
  await page.waitForSelector('.dialog:has-text("已添加 2 人，1 人未添加")');
  const [file] = await Promise.all([page.waitForEvent('download'), page.click('button:has-text("下载一次性密码")')]);
  assert.equal(file.suggestedFilename(), 'keju-passwords.csv');
  await page.click('.dialog .actions button:has-text("关闭")');

  const person = await api(site.origin, 'web-person', password);
  await page.fill('.filters input[type=search]', 'web-person');
  await page.click('.virtual-row button:has-text("停用")');
  await page.click('.dialog button:has-text("停用")');
  await page.waitForSelector('.virtual-row:has-text("已停用")');
  await assert.rejects(person.ask('GET', 'me'), { status: 401 });
  await page.click('nav a:has-text("审计日志")');
  await page.waitForSelector('tbody tr:first-child td:has-text("停用人员")');
  assert.deepEqual(page.faults, []);
});

test('an administrator changes what a person is: it holds at once where they are signed in, and a password is given anew', async () => {
  const admin = await api(site.origin, 'admin');
  const { people } = await admin.ask('POST', 'people', { people: [{ username: 'mover', name: '调动者', password: 'keju-demo', roles: ['learner'], unit: '370302-01' }] });
  const theirs = await site.open('mover');
  await theirs.waitForSelector('.ring');
  const page = await site.open('admin');
  await page.goto(`${site.origin}/site/people/${people[0].id}`);
  await page.click('button:text-is("修改")');
  await page.fill('.dialog input[type=text], .dialog input:not([type])', '');
  await page.click('.dialog button:has-text("保存")');
  await page.waitForSelector('.dialog .field-error:visible');
  await page.fill('.dialog input[type=text], .dialog input:not([type])', '调动后');
  await page.selectOption('.dialog select', '370303-02');
  await page.uncheck('.dialog input[value=learner]');
  await page.check('.dialog input[value=author]');
  await page.click('.dialog button:has-text("保存")');
  await page.waitForSelector('h1:has-text("调动后")');
  assert.match(await page.textContent('.facts'), /命题人员[\s\S]*张店区中心医院（370303-02）/);
  // The other window asks for its next page with the session that it had.
  await theirs.reload();
  await theirs.waitForSelector('nav a:has-text("题库")');
  assert.equal(await theirs.locator('nav a:has-text("我的学年")').count(), 0);

  await page.click('button:has-text("重置密码")');
  await page.click('.dialog-foot .danger');
  const password = await page.textContent('.dialog code');
  await page.click('.dialog-foot button');
  await theirs.goto(`${site.origin}/author/banks`);
  await theirs.waitForSelector('input[name=username]');
  await theirs.fill('input[name=username]', 'mover');
  await theirs.fill('input[name=password]', password);
  await theirs.keyboard.press('Enter');
  await theirs.waitForSelector('h1:has-text("修改密码")');

  await page.goto(`${site.origin}/site/people/${admin.user.id}`);
  await page.click('button:text-is("修改")');
  assert.ok(await page.isDisabled('.dialog input[value=admin]'), 'nobody takes their own administrator’s role away');
  assert.equal(await page.locator('button:has-text("重置密码")').count(), 0);
  await page.click('.dialog button:has-text("取消")');
  await page.goto(`${site.origin}/site/audit`);
  // Who it was done to, and what became of it.
  const entry = page.locator('tbody tr:has(td:has-text("修改人员"))').first();
  await entry.locator('a:has-text("调动后")').waitFor();
  assert.match(await entry.textContent(), /roles: .*unit: "370303-02"/);
  assert.deepEqual(page.faults, []);
  assert.deepEqual(theirs.faults, []);
});

test('a unit that nothing belongs to is removed, one that something belongs to is not', async () => {
  const admin = await api(site.origin, 'admin');
  await admin.ask('PUT', 'units', { units: [{ code: '370399', name: '撤销的单位', level: 'unit', parent: '3703' }] });
  const page = await site.open('admin');
  await page.goto(`${site.origin}/site/units`);
  assert.equal(await page.locator('button[aria-label="移除单位 淄博市"]').count(), 0, 'others are below it');
  await page.click('button[aria-label="移除单位 张店区第一中学"]');
  await page.click('.dialog-foot .danger');
  await page.waitForSelector('.notice.bad:has-text("人员")');
  await page.click('button[aria-label="移除单位 撤销的单位"]');
  await page.click('.dialog-foot .danger');
  await page.waitForSelector('.toast:has-text("撤销的单位")');
  await until(async () => !/撤销的单位/.test(await page.textContent('.table-holder')), 'the unit to be gone');
  assert.deepEqual(page.faults, []);
});

test('an administrator imports people from a workbook after a preview by row, and hands out their passwords', async () => {
  const page = await site.open('admin');
  await page.goto(`${site.origin}/site/people`);
  await page.click('button:has-text("导入 Excel")');
  const [template] = await Promise.all([page.waitForEvent('download'), page.click('.dialog a:has-text("下载模板")')]);
  assert.equal(template.suggestedFilename(), 'keju-people.xlsx');
  const file = join(folder, 'people.csv');
  writeFileSync(file, '用户名,姓名,身份证号,单位,角色\nimport1,甲,11010519491231002X,370303-01,学员\nimport1,乙,110105194912310021,999,皇帝\nimport2,丙,,370302-01,\n');
  await page.setInputFiles('.dialog input[type=file]', file);
  await page.waitForSelector('.dialog:has-text("可添加 2 人（尚未添加）")');
  const bad = await page.textContent('.dialog .table-holder >> nth=0');
  for (const words of ['用户名与第 2 行重复', 'GB 11643', '没有这个单位代码', '不认识的角色“皇帝”']) assert.ok(bad.includes(words), `${words} in ${bad}`);
  assert.match(await page.textContent('.dialog'), /110105\*+002X/);
  const [passwords] = await Promise.all([page.waitForEvent('download'), page.click('button:has-text("确认添加这 2 人")')]);
  assert.equal(passwords.suggestedFilename(), 'keju-passwords.xlsx');
  await page.waitForSelector('.dialog:has-text("已添加 2 人")');
  await page.click('.dialog .actions button:has-text("关闭")');
  await page.fill('.filters input[type=search]', 'import');
  await until(async () => (await page.locator('.virtual-row').count()) === 2, 'the two to be listed');
  const [list] = await Promise.all([page.waitForEvent('download'), page.click('a:has-text("下载 Excel")')]);
  assert.equal(list.suggestedFilename(), 'keju-people.xlsx');
  await page.click('.virtual-row a:has-text("甲")');
  await page.waitForSelector('h1:has-text("甲")');
  assert.match(await page.textContent('main'), /张店区第一中学/);
  await page.waitForSelector('text=该年度还没有记入学时');
  assert.deepEqual(page.faults, []);
});

test('an administrator gives a partner its key once, and ends it', async () => {
  const page = await site.open('admin');
  await page.goto(`${site.origin}/site/partners`);
  await page.waitForSelector('text=还没有伙伴系统');
  await page.click('main button:has-text("添加伙伴系统") >> nth=0');
  await page.fill('.dialog input >> nth=1', 'not an address');
  await page.click('.dialog button:has-text("添加伙伴系统")');
  await page.waitForSelector('.dialog .field-error:visible');
  await page.fill('.dialog input >> nth=0', '健康系统');
  await page.fill('.dialog input >> nth=1', 'https://health.example/keju');
  await page.click('.dialog button:has-text("添加伙伴系统")');
  await page.waitForSelector('.dialog .secret');
  const [key, secret] = await page.locator('.dialog .secret input').evaluateAll((inputs) => inputs.map((input) => input.value));
  assert.ok(key.length > 20 && secret.length > 20 && key !== secret);
  await page.click('.dialog .secret button >> nth=0');
  await page.waitForSelector('.toast:has-text("已复制")');
  await page.keyboard.press('Escape');
  assert.equal(await page.locator('.dialog .secret').count(), 2, 'not lost by a key');
  await page.click('button:has-text("我已保存")');
  await page.waitForSelector('.tile:has-text("健康系统"):has-text("有效")');
  assert.ok(!(await page.content()).includes(key));
  await page.click('button:has-text("停用密钥")');
  await page.click('.dialog button.danger');
  await page.waitForSelector('.tile:has-text("健康系统"):has-text("已停用")');
  assert.deepEqual(page.faults, []);
});

test('those who oversee a unit, a district and the city see their own people, and move down the tree', async () => {
  const counted = {};
  for (const [username, name] of [['unit', 'unit'], ['district', 'district'], ['city', 'city']]) {
    const page = await site.open(username);
    await page.goto(`${site.origin}/site/people`);
    await page.waitForSelector('.virtual-row');
    counted[name] = Number(/\/ (\d+)/.exec((await page.textContent('main [role=status]')).replace(/,/g, ''))[1]);
    assert.equal(await page.locator('button:has-text("停用"), button:has-text("添加人员"), button:has-text("导入 Excel")').count(), 0);
    await page.click('nav a:has-text("成绩与学时")');
    await page.waitForSelector('a:has-text("查看成绩")');
    const [file] = await Promise.all([page.waitForEvent('download'), page.click('a:has-text("下载 CSV")')]);
    assert.match(file.suggestedFilename(), /^keju-hours-\d{4}\.csv$/);
    await page.context().close();
  }
  assert.ok(counted.unit > 0 && counted.unit < counted.district && counted.district < counted.city, JSON.stringify(counted));
  const page = await site.open('district');
  const other = (await (await api(site.origin, 'admin')).ask('GET', 'people?search=learner2')).items.find((person) => !person.unit.startsWith('370303'));
  await page.goto(`${site.origin}/site/people/${other.id}`);
  await page.waitForSelector('.notice.bad');
  assert.doesNotMatch(await page.textContent('main'), new RegExp(other.name));
  await page.goto(`${site.origin}/site/units`);
  await page.waitForSelector('td:has-text("张店区第一中学")');
  assert.doesNotMatch(await page.textContent('main'), /淄川/);
  assert.deepEqual(page.faults, []);
});

test('an operator watches rates and latency as they go', async () => {
  const page = await site.open('operator');
  assert.match(page.url(), /site\/status/);
  await page.waitForSelector('.badge:has-text("可以接受工作")');
  await until(async () => (await page.locator('.plot .value').allTextContents()).some((words) => /\d/.test(words)), 'the first values');
  const busy = await begin('learner41');
  for (let index = 0; index < 20; index += 1) {
    await busy.learner.ask('PUT', `attempts/${busy.attempt.id}/answers/1`, { command_id: crypto.randomUUID(), response: { choices: ['o1'] } });
  }
  await until(async () => /[1-9]/.test(await page.textContent('.plot:has-text("保存答案") .small >> nth=1')), 'the answers to show');
  assert.ok((await page.getAttribute('.plot-line >> nth=0', 'points')).split(' ').length >= 2);
  assert.deepEqual(page.faults, []);
});

test('each role sees what it may do, and nothing of what it may not', async () => {
  const expected = {
    learner50: ['我的学年', '课程', '考试', '考试记录', '错题本'],
    author: ['题库', '考试管理'],
    proctor: ['监考', '核查'],
    admin: ['题库', '考试管理', '监考', '核查', '人员', '成绩与学时', '单位', '伙伴系统', '审计日志', '运行状态'],
    city: ['核查', '人员', '成绩与学时', '单位', '审计日志'],
    operator: ['运行状态'],
    unit: ['人员', '成绩与学时', '单位'],
  };
  for (const [username, entries] of Object.entries(expected)) {
    const page = await site.open(username);
    await page.waitForSelector('main h1');
    assert.deepEqual(await page.locator('nav.nav a').allTextContents(), entries, username);
    for (const path of ['/site/people', '/author/banks', '/proctor', '/cases', '/site/audit', '/site/partners', '/site/results']) {
      await page.goto(site.origin + path);
      await page.waitForSelector('main h1');
      const allowed = await page.locator(`nav.nav a[href="${path}"]`).count();
      assert.equal(new URL(page.url()).pathname === path, allowed === 1, `${username} at ${path}`);
    }
    await page.context().close();
  }
});

test('no page leads its reader where their role is not let in', async () => {
  for (const username of ['learner50', 'author', 'proctor', 'admin', 'city', 'unit', 'operator']) {
    const { user } = await api(site.origin, username);
    const page = await site.open(username);
    const seen = new Map([['/home', '']]);
    for (const [path, from] of seen) {
      // It leads everybody to the first page of their own.
      if (path === '/') continue;
      const found = match(path);
      assert.ok(found, `${username}: ${from} leads to ${path}, which is no page`);
      assert.ok(!found.route.roles || found.route.roles.some((role) => user.roles.includes(role)), `${username}: ${from} leads to ${path}`);
      // One of each kind is enough, and an exam under way is not left again without a question.
      if ([...seen.keys()].indexOf(path) > 40 || found.route.path === '/attempts/:attempt') continue;
      await page.goto(site.origin + path);
      await page.waitForSelector('main h1');
      await page.waitForSelector('.skeletons', { state: 'detached' });
      const kinds = new Map([...seen.keys()].map((one) => [match(one).route.path, one]));
      for (const href of await page.locator('a[href^="/"]:not([data-away]):not([download])').evaluateAll((all) => all.map((one) => one.getAttribute('href').split('?')[0]))) {
        const kind = match(href);
        if (!kind || !kinds.has(kind.route.path)) seen.set(href, path);
        if (kind) kinds.set(kind.route.path, href);
      }
    }
    assert.ok(seen.size > 1, username);
    await page.context().close();
  }
});
