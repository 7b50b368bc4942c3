// A certificate: taken out, on screen, on a phone and on paper; checked by anybody; revoked by an administrator.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { mkdirSync, statSync } from 'node:fs';
import { ARTIFACTS, DESKTOP, PHONE, api, findings, picture, start, tooWide } from './kit.mjs';
import { keysOf, makeExam, take } from './exams.mjs';

const YEAR = 2020;
const NUMBER = /[0-9A-Z]{5}(-[0-9A-Z]{5}){3}/;

let site;
let exams;
let keys;

before(async () => {
  site = await start();
  const author = await api(site.origin, 'author');
  keys = await keysOf(author);
  exams = [];
  for (const [subject, bucket, hours] of [['public', 'compulsory', 20], ['public', 'elective', 10], ['professional', 'compulsory', 20], ['professional', 'elective', 40]]) {
    const course = await author.ask('POST', 'courses', { code: `${subject}-${bucket}`, title: `${subject} ${bucket}`, subject, bucket, credit_year: YEAR, hours });
    exams.push(await makeExam(author, `${subject}-${bucket}`, { course: course.id }));
  }
});
after(() => site.done());

async function fulfil(username) {
  const learner = await api(site.origin, username);
  for (const exam of exams) assert.equal((await take(learner, exam, keys)).result.passed, true);
  return learner;
}

/** Looked at in every way that a page is looked at. */
async function inspect(page, name) {
  for (const [size, suffix] of [[DESKTOP, 'desktop'], [PHONE, 'phone']]) {
    await page.setViewportSize(size);
    await picture(page, `${name}-${suffix}`);
    assert.ok(await tooWide(page) <= 0, `${name} at ${suffix}`);
    assert.deepEqual(await findings(page), [], `${name} at ${suffix}`);
  }
  await page.setViewportSize(DESKTOP);
  await page.evaluate(() => document.documentElement.setAttribute('data-theme', 'dark'));
  await picture(page, `${name}-dark`);
  assert.deepEqual(await findings(page), [], `${name} in the dark`);
  await page.evaluate(() => document.documentElement.removeAttribute('data-theme'));
}

test('a fulfilled year becomes a certificate that prints on one page and that anybody can check', async () => {
  await fulfil('learner21');
  const page = await site.open('learner21');
  await page.goto(`${site.origin}/?year=${YEAR}`);
  await page.click('a:has-text("年度证书")');
  await page.click('button:has-text("出具证书")');
  await page.waitForSelector('.sheet');
  const number = NUMBER.exec(await page.textContent('.sheet-number'))[0];
  assert.match(await page.textContent('.sheet-words'), /2020 学年/);
  assert.match(await page.textContent('.sheet tfoot'), /90/);
  assert.ok((await page.getAttribute('.sheet-code', 'aria-label')).includes(`${site.origin}/verify/${number}`));
  await inspect(page, 'certificate');

  await page.emulateMedia({ media: 'print' });
  assert.equal(await page.isVisible('.sheet'), true);
  for (const hidden of ['header.top', '.foot', '.page-head']) assert.equal(await page.isVisible(hidden), false, hidden);
  mkdirSync(ARTIFACTS, { recursive: true });
  const path = join(ARTIFACTS, 'certificate.pdf');
  const pdf = await page.pdf({ path, preferCSSPageSize: true, printBackground: true });
  assert.equal(pdf.toString('latin1').match(/\/Type\s*\/Page\b/g).length, 1, 'one page');
  assert.ok(statSync(path).size > 1000);
  await page.setViewportSize({ width: 794, height: 1123 });
  await picture(page, 'certificate-print');
  await page.emulateMedia({ media: null });
  // Coming back shows the same one.
  await page.reload();
  await page.waitForSelector('.sheet');
  assert.equal(NUMBER.exec(await page.textContent('.sheet-number'))[0], number);
  assert.deepEqual(page.faults, []);

  const anybody = await site.open(null);
  await anybody.goto(`${site.origin}/verify/${number}`);
  await anybody.waitForSelector('.notice.good:has-text("证书有效")');
  const told = await anybody.textContent('.verify');
  assert.ok(told.includes(number) && told.includes('*'), told);
  await inspect(anybody, 'verify-valid');
  await anybody.fill('input[name=number]', '00000 00000 00000 00000');
  await anybody.keyboard.press('Enter');
  await anybody.waitForSelector('.notice.bad:has-text("没有这个编号的证书")');
  await inspect(anybody, 'verify-unknown');
  await anybody.fill('input[name=number]', number.toLowerCase().replaceAll('-', ''));
  await anybody.keyboard.press('Enter');
  await anybody.waitForSelector('.notice.good');
  assert.deepEqual(anybody.faults, []);
});

test('an administrator revokes one, the holder is told why, and another may be taken out', async () => {
  const learner = await fulfil('learner22');
  const issued = await learner.ask('POST', 'me/certificates', { command_id: crypto.randomUUID(), year: YEAR });
  const admin = await site.open('admin');
  await admin.goto(`${site.origin}/verify/${issued.number}`);
  await admin.click('button:has-text("撤销证书")');
  await admin.click('.dialog .danger');
  await admin.waitForSelector('.dialog .field-error:not([hidden])');
  await admin.fill('.dialog textarea', '姓名有误');
  await admin.check('.dialog input[type=checkbox]');
  await inspect(admin, 'verify-revoke');
  await admin.click('.dialog .danger');
  await admin.waitForSelector('.notice.bad:has-text("证书已撤销")');
  assert.equal(await admin.locator('button:has-text("撤销证书")').count(), 0);
  assert.deepEqual(admin.faults, []);

  const page = await site.open('learner22');
  await page.goto(`${site.origin}/certificates/${YEAR}`);
  await page.waitForSelector('.notice.bad:has-text("姓名有误")');
  assert.equal(await page.locator('.sheet').count(), 0);
  await inspect(page, 'certificate-revoked');
  await page.click('button:has-text("出具证书")');
  await page.waitForSelector('.sheet');
  assert.notEqual(NUMBER.exec(await page.textContent('.sheet-number'))[0], issued.number);
  await page.goto(`${site.origin}/certificates/2019`);
  await page.waitForSelector('.empty');
  await inspect(page, 'certificate-none');
  assert.deepEqual(page.faults, []);
});
