// Hostile texts in questions and names, shown by the pages themselves: no script runs, with the policy and without it.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { api, start } from './kit.mjs';

let site;
before(async () => { site = await start(); });
after(() => site.done());

const RUN = "window.ran=true;document.title='RAN'";
const PAYLOADS = [
  `<script>${RUN}</script>`, `<img src=x onerror="${RUN}">`, `<svg onload="${RUN}">`, `<svg><script>${RUN}</script></svg>`,
  `<iframe srcdoc="<script>parent.ran=true</script>"></iframe>`, `<a href="javascript:${RUN}">x</a>`, `<details open ontoggle="${RUN}">x</details>`,
  `<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=${RUN}&gt;"></table></mtext></math>`,
  `<input autofocus onfocus="${RUN}">`, `<form action="javascript:${RUN}"><button autofocus>x</button></form>`, `<base href="//evil.invalid/">`,
  `<meta http-equiv="refresh" content="0;url=javascript:${RUN}">`, `<p style="animation:x" onanimationstart="${RUN}">x</p>`, `<template><img src=x onerror="${RUN}"></template>`,
  `<img src="data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' onload='${RUN}'/>" onload="${RUN}">`,
];

const body = (code, course, bank, count) => ({
  code, title: `恶意 <img src=x onerror="${RUN}">`, course, bank,
  blueprint: { sections: [{ title: `节 <script>${RUN}</script>`, count, points: 1, quotas: [] }], shuffle_options: true },
  duration_ms: 600000, grace_ms: 1000, pass_score: 0, attempts_max: 0, cooldown_ms: 0, opens_at: '2020-01-01T00:00:00Z', closes_at: '2100-01-01T00:00:00Z', practice: 'offered', review: 'full',
});

test('what the import lets through runs nothing on any page that shows it', async () => {
  const author = await api(site.origin, 'author');
  const admin = await api(site.origin, 'admin');
  const bank = await author.ask('POST', 'banks', { code: 'hostile', title: `题库 ${PAYLOADS[1]}` });
  const items = PAYLOADS.map((payload, index) => ({
    kind: 'single_choice', stem: `题${index} ${payload}`, explanation: `析${index} ${payload}`,
    options: [{ text: `甲${index} ${payload}`, correct: true }, { text: `乙${index}` }],
  }));
  const form = new FormData();
  form.append('file', new Blob([JSON.stringify({ format: 'keju-bank/1', items })]), 'hostile.json');
  const report = await (await fetch(`${site.origin}/api/v1/banks/${bank.id}/imports`, { method: 'POST', body: form, headers: { authorization: `Bearer ${author.token}` } })).json();
  const count = report.accepted + report.warned;
  assert.ok(count >= PAYLOADS.length / 2, JSON.stringify(report));
  const course = await author.ask('POST', 'courses', { code: 'hostile', title: `课 ${PAYLOADS[1]}`, subject: 'public', bucket: 'elective', credit_year: new Date().getFullYear(), hours: 1 });
  const exam = await author.ask('POST', 'exams', body('hostile', course.id, bank.id, count));
  await author.ask('POST', `exams/${exam.id}/publish`);
  const made = await admin.ask('POST', 'people', { people: [{ username: 'hostile', name: `<img src=x onerror="${RUN}">`, roles: ['learner'], password: 'keju-demo' }] });
  assert.equal(made.created, 1, JSON.stringify(made.refused));

  const visit = async (username, work) => {
    const page = await site.open(username);
    await work(page);
    assert.notEqual(await page.title(), 'RAN', username);
    assert.equal(await page.evaluate(() => window.ran), undefined, username);
    assert.equal(await page.locator('main script, main iframe, main form[action]').count(), 0, username);
  };
  let attempt;
  await visit('hostile', async (page) => {
    for (const path of ['/', '/courses', '/exams', `/exams/${exam.id}`]) {
      await page.goto(site.origin + path);
      await page.waitForSelector('main h1');
    }
    await page.check('.check input');
    await page.click('button:has-text("开始考试")');
    await page.waitForSelector('.question .option');
    attempt = page.url().split('/').pop();
    for (let index = 0; index < count; index += 1) {
      await page.click('.option >> nth=0');
      if (index + 1 < count) await page.click('.question-foot .step button.primary');
    }
    await page.click('.hand-in');
    await page.click('.dialog-foot .primary');
    await page.waitForSelector('.review > li');
    assert.equal(await page.locator('.review > li').count(), count);
  });
  await visit('proctor', async (page) => {
    await page.goto(`${site.origin}/proctor/${exam.id}`);
    await page.waitForSelector('.virtual-row');
    await page.goto(`${site.origin}/proctor/${exam.id}/${attempt}`);
    await page.waitForSelector('.timeline');
  });
  await visit('author', async (page) => {
    await page.goto(`${site.origin}/author/banks/${bank.id}`);
    await page.click('.virtual-row >> nth=0');
    await page.waitForSelector('.dialog .option');
    await page.goto(`${site.origin}/author/exams/${exam.id}`);
    await page.waitForSelector('main h1');
  });
});

test('texts that nobody sanitized run nothing either: the page looks for itself', async () => {
  const page = await site.open(null, { options: { bypassCSP: true } });
  await page.goto(`${site.origin}/sign-in`);
  await page.waitForSelector('input[name=username]');
  const version = await page.evaluate(() => document.querySelector('script[type=module]').src.split('/assets/')[1].split('/')[0]);
  const [proof, ran] = await page.evaluate(async ([texts, base]) => {
    const { rich } = await import(`/assets/${base}/core/dom.js`);
    texts.forEach((text) => document.body.append(rich(text)));
    await new Promise((done) => setTimeout(done, 300));
    const after = Boolean(window.ran);
    const raw = document.createElement('div');
    raw.innerHTML = texts.join('');
    document.body.append(raw);
    await new Promise((done) => setTimeout(done, 300));
    return [Boolean(window.ran), after];
  }, [PAYLOADS, version]);
  assert.equal(ran, false, 'something ran');
  assert.equal(proof, true, 'the payloads do nothing anyhow: this proves nothing');
});

test('the policy lets nothing inline run', async () => {
  const response = await fetch(`${site.origin}/`);
  const policy = response.headers.get('content-security-policy');
  assert.ok(!/unsafe-(inline|eval)/.test(policy), policy);
  const page = await site.open('learner');
  const refused = [];
  page.on('console', (message) => { if (/Content Security Policy/.test(message.text())) refused.push(message.text()); });
  for (const path of ['/', '/courses', '/exams', '/history']) {
    await page.goto(site.origin + path);
    await page.waitForSelector('main h1');
  }
  assert.deepEqual(refused, [], 'the pages themselves keep to it');
  await page.evaluate(() => { const script = document.createElement('script'); script.textContent = 'window.ran = true'; document.body.append(script); });
  assert.equal(await page.evaluate(() => window.ran), undefined);
});
