// The SDK in a real browser against the real server: what a learner sees and does in a lesson.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { PHONE, api, findings, picture, tooWide, until } from './kit.mjs';
import {
  asked, client, closed, dialog, fill, finish, heard, live, makeLesson, otherSite, play, startSite, status, study, submit, video,
} from './sdk-site.mjs';

let site;
let school;
let player;

before(async () => {
  [school, player] = await Promise.all([otherSite(), otherSite()]);
  site = await startSite([player.origin]);
});
after(async () => {
  await site?.done();
  school.stop();
  player.stop();
});

const paused = (page) => until(() => video(page, 'paused'), 'the picture to stop');
const playing = (page) => until(async () => !(await video(page, 'paused')), 'the picture to go on');
const end = async (page) => {
  assert.deepEqual(page.faults, []);
  await page.context().close();
};

test('a lesson from its first second to its hours: wrong, right, and nothing beyond', async () => {
  const lesson = await makeLesson(site, { duration_ms: 10000 });
  const page = await study(site, 'learner31', lesson);
  assert.equal((await heard(page, 'ready')).length, 1);
  await picture(page, 'sdk-lesson');
  await play(page);
  const first = await asked(page);
  await paused(page);
  await picture(page, 'sdk-question');
  assert.deepEqual(await findings(page), []);

  await play(page);
  await paused(page);
  await page.locator('video').evaluate((media) => { media.currentTime = 60; });
  await until(async () => (await video(page, 'currentTime')) < 10, 'the picture to come back');

  await submit(page);
  assert.match(await dialog(page).textContent(), /请先作答/);
  const reached = await video(page, 'currentTime');
  await fill(page, first, false);
  await picture(page, 'sdk-chosen');
  await submit(page);
  await dialog(page).locator('.verdict').waitFor();
  assert.match(await dialog(page).textContent(), /回答不正确/);
  assert.match(await dialog(page).textContent(), /\d 秒后换一道题/);
  await picture(page, 'sdk-wrong');
  assert.deepEqual(await findings(page), []);
  const [verdict] = await heard(page, 'verdict');
  assert.equal(verdict.correct, false);
  assert.ok(await video(page, 'currentTime') <= reached);

  const second = await asked(page, first.challenge);
  assert.notEqual(second.stem, first.stem);
  await fill(page, second);
  await submit(page);
  await closed(page);
  await playing(page);
  assert.match(await status(page), /回答正确/);
  await finish(page);
  const [complete] = await heard(page, 'complete');
  assert.equal(complete.hours_granted, 2.5);
  assert.equal(await status(page), '本课已学完，获得 2.5 学时。');
  await picture(page, 'sdk-complete');
  const learner = await api(site.origin, 'learner31');
  const { entries } = await learner.ask('GET', 'me/hours?year=2026');
  assert.equal(entries.length, 1);
  await end(page);
});

test('every kind of question can be read, answered and is accessible', async () => {
  const lesson = await makeLesson(site, { bank: site.kinds, policy: { gap_max_ms: 1000 } });
  const page = await study(site, 'learner32', lesson);
  await play(page);
  const seen = new Set();
  let before;
  while (seen.size < 7) {
    const question = await asked(page, before);
    before = question.challenge;
    assert.ok(!seen.has(question.kind), `${question.kind} again, before all were seen`);
    seen.add(question.kind);
    assert.deepEqual(await findings(page), [], question.kind);
    await fill(page, question);
    await picture(page, `sdk-kind-${question.kind}`);
    await submit(page);
    await until(async () => (await client(page, 'challenge'))?.challenge !== before, 'the verdict');
    assert.equal((await heard(page, 'verdict')).pop().correct, true, question.kind);
  }
  await end(page);
});

test('the network goes in the middle of an answer, and the answer arrives all the same', async () => {
  const lesson = await makeLesson(site);
  const page = await study(site, 'learner33', lesson);
  await play(page);
  const question = await asked(page);
  await page.context().setOffline(true);
  await until(async () => (await client(page, 'state')) !== 'live', 'the cut to be seen');
  await fill(page, question);
  await submit(page);
  await until(async () => /网络已断开/.test(await dialog(page).textContent()), 'the word that the answer waits');
  await picture(page, 'sdk-offline');
  const { command_id: id } = await client(page, 'pending');
  await page.context().setOffline(false);
  await closed(page);
  assert.equal((await heard(page, 'verdict')).length, 1);
  assert.match(id, /^[0-9a-f-]{36}$/);
  await playing(page);
  await end(page);
});

test('the network goes while playing: the picture stops, and goes on with the network', async () => {
  const lesson = await makeLesson(site, { policy: { gap_min_ms: 60000, gap_max_ms: 60000, challenges_min: 0 } });
  const page = await study(site, 'learner34', lesson);
  await play(page);
  await until(async () => (await client(page, 'coveredMs')) > 0, 'some credit');
  await page.context().setOffline(true);
  await paused(page);
  assert.match(await status(page), /网络已断开/);
  await picture(page, 'sdk-offline-playing');
  await page.context().setOffline(false);
  await live(page);
  await playing(page);
  const before = await client(page, 'coveredMs');
  await until(async () => (await client(page, 'coveredMs')) > before, 'more credit');
  await end(page);
});

test('a reload in the middle of a question brings the same question back', async () => {
  const lesson = await makeLesson(site);
  const page = await study(site, 'learner35', lesson);
  await play(page);
  const question = await asked(page);
  await page.reload();
  await live(page);
  const again = await asked(page);
  assert.equal(again.challenge, question.challenge);
  assert.equal((await heard(page, 'ready'))[0].resumed, true);
  await fill(page, again);
  await submit(page);
  await closed(page);
  const before = await client(page, 'coveredMs');
  assert.ok(await video(page, 'currentTime') * 1000 <= before + 2000);
  await play(page);
  await until(async () => (await client(page, 'coveredMs')) > before, 'credit after the reload');
  await end(page);
});

test('a second page takes over, and the first one can take it back', async () => {
  const lesson = await makeLesson(site, { policy: { gap_min_ms: 60000, gap_max_ms: 60000, challenges_min: 0 } });
  const first = await study(site, 'learner36', lesson);
  await play(first);
  const second = await study(site, 'learner36', lesson, { within: first.context() });
  await until(async () => (await client(first, 'state')) === 'takenover', 'the first page to be told');
  assert.equal((await heard(first, 'takenover')).length, 1);
  await paused(first);
  await play(first);
  await paused(first);
  assert.match(await status(first), /其他页面或设备/);
  await first.bringToFront();
  await picture(first, 'sdk-takenover');
  assert.deepEqual(await findings(first), []);
  await first.getByRole('button', { name: '在此继续' }).click();
  await live(first);
  await until(async () => (await client(second, 'state')) === 'takenover', 'the second page to be told');
  await end(first);
});

test('everything can be done by keyboard, and the focus stays where it belongs', async () => {
  const lesson = await makeLesson(site);
  const page = await study(site, 'learner37', lesson);
  await page.focus('video');
  await page.keyboard.press('Space');
  const question = await asked(page);
  const inside = () => page.evaluate(() => {
    const { shadowRoot: root } = document.querySelector('exam-lesson');
    return !!root.activeElement && root.querySelector('[role=dialog]').contains(root.activeElement);
  });
  assert.ok(await inside());
  const label = await dialog(page).evaluate((box) => box.getRootNode().getElementById(box.getAttribute('aria-labelledby')).textContent.trim());
  assert.equal(label, question.stem.replace(/<[^>]*>/g, '').trim());
  for (const key of ['Tab', 'Shift+Tab']) {
    for (let presses = 0; presses < 8; presses += 1) {
      await page.keyboard.press(key);
      // Out of the page is the browser's own bar, which nobody may be kept from.
      assert.ok(await inside() || await page.evaluate(() => document.activeElement === document.body), key);
    }
  }
  await page.keyboard.press('Escape');
  assert.ok(await dialog(page).isVisible(), 'a question is not closed');
  await dialog(page).focus();
  await page.keyboard.press('Tab');
  await page.keyboard.press('Space');
  const right = await dialog(page).locator('label').evaluateAll((labels, texts) => labels.findIndex((one) => texts.includes(one.textContent.trim())),
    ['连续登录七天', '90 学时', '为人民服务', '报告监考人员', '及时修改密码并报告', '确认理解无误']);
  for (let down = 0; down < right; down += 1) await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await closed(page);
  assert.equal((await heard(page, 'verdict')).pop().correct, true);
  assert.equal(await page.evaluate(() => document.activeElement.localName), 'video', 'the focus returns');
  await end(page);
});

test('a phone, in the dark, in English', async () => {
  const lesson = await makeLesson(site, { bank: site.kinds, policy: { gap_max_ms: 1000 } });
  const page = await study(site, 'learner38', lesson, { size: PHONE, english: true, context: { colorScheme: 'dark', hasTouch: true, isMobile: true } });
  assert.equal(await tooWide(page), 0);
  await picture(page, 'sdk-phone-lesson');
  await play(page);
  let before;
  for (let count = 0; count < 3; count += 1) {
    const question = await asked(page, before);
    before = question.challenge;
    assert.ok((await dialog(page).textContent()).startsWith('Question'));
    assert.equal(await tooWide(page), 0);
    const box = await dialog(page).boundingBox();
    assert.ok(box.x >= 0 && box.x + box.width <= PHONE.width, JSON.stringify(box));
    await page.screenshot({ path: `${(await import('./kit.mjs')).ARTIFACTS}/sdk-phone-${question.kind}.png` });
    assert.deepEqual(await findings(page), []);
    if (question.kind === 'ordering') break;
    await fill(page, question);
    await submit(page);
    await until(async () => (await client(page, 'challenge'))?.challenge !== before, 'the verdict');
  }
  await end(page);
});

test('at 200 % nothing is cut off', async () => {
  const lesson = await makeLesson(site);
  // Half the pixels for the same window is what a browser's zoom of 200 % is.
  const page = await study(site, 'learner39', lesson, { size: { width: 500, height: 380 } });
  await play(page);
  const question = await asked(page);
  assert.equal(await tooWide(page), 0);
  await page.screenshot({ path: `${(await import('./kit.mjs')).ARTIFACTS}/sdk-zoom.png` });
  await fill(page, question);
  await submit(page);
  await closed(page);
  await end(page);
});

test('a partner: script from here, key in its back end, player in a frame, a foreign player', async () => {
  const lesson = await makeLesson(site);
  const { key } = await site.admin.ask('POST', 'partners', { name: '职业培训平台' });
  school.pages.set('/ticket', async () => {
    const response = await fetch(`${site.origin}/api/v1/partner/tickets`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify({ learner: 'learner40', lesson }),
    });
    return response.json();
  });
  player.pages.set('/lesson.html', `<!doctype html><html lang="zh-CN"><title>播放器</title>
    <meta http-equiv="content-security-policy" content="default-src 'self'; script-src 'self' ${site.origin} 'nonce-n'; connect-src ${site.origin.replace('http', 'ws')}; img-src data:">
    <exam-lesson lesson="${lesson}" parent-origin="${school.origin}"></exam-lesson>
    <script type="module" src="${site.origin}/sdk/exam-lesson.js"></script>
    <script type="module" nonce="n">
      // A player of four functions that is no media element.
      let at = 0, since = 0;
      const position = () => at + (since ? performance.now() - since : 0);
      const tell = (act) => document.querySelector('exam-lesson').notify(act);
      window.foreign = {
        play() { if (!since) { since = performance.now(); tell('play'); } },
        pause() { at = position(); since = 0; tell('pause'); },
        position,
        seek(ms) { at = ms; if (since) since = performance.now(); tell('seek'); },
      };
      document.querySelector('exam-lesson').player = window.foreign;
    </script>`);
  const around = (origin) => `<!doctype html><html lang="zh-CN"><title>学校</title><iframe src="${player.origin}/lesson.html" width="700" height="600"></iframe>
    <script>
      window.told = [];
      const frame = document.querySelector('iframe');
      window.say = (message) => frame.contentWindow.postMessage({ exam_lesson: 1, ...message }, '${player.origin}');
      addEventListener('message', async ({ origin, data }) => {
        window.told.push(data.type);
        if (data.type === 'ticket') window.say({ type: 'ticket', ticket: (await (await fetch('/ticket')).json()).ticket });
      });
    </script>`;
  school.pages.set('/', around());
  const page = await site.browser.newPage();
  await page.goto(school.origin);
  const told = (type) => until(() => page.evaluate((wanted) => window.told.includes(wanted), type), `the frame's ${type}`, 20000);
  await told('ready');
  await page.evaluate(() => window.say({ type: 'play' }));
  await told('challenge');
  const frame = page.frames().find((one) => one.url().startsWith(player.origin));
  const stopped = await frame.evaluate(() => window.foreign.position());
  assert.equal(await frame.evaluate(() => window.foreign.position()), stopped);
  await picture(page, 'sdk-frame');
  await fill(frame, await client(frame, 'challenge'));
  await submit(frame);
  await told('verdict');
  await told('resumed');
  await page.close();

  // The same frame in the page of somebody who was not named: it says nothing and hears nothing.
  const stranger = await otherSite();
  stranger.pages.set('/', around());
  stranger.pages.set('/ticket', school.pages.get('/ticket'));
  const bad = await site.browser.newPage();
  await bad.goto(stranger.origin);
  const inside = await until(() => bad.frames().find((one) => one.url().startsWith(player.origin)), 'the frame');
  await until(() => inside.evaluate(() => !!document.querySelector('exam-lesson').client), 'the element');
  await bad.evaluate(() => window.say({ type: 'ticket', ticket: 'x' }));
  await bad.evaluate(() => window.say({ type: 'play' }));
  assert.equal(await inside.evaluate(() => window.foreign.position()), 0);
  assert.deepEqual(await bad.evaluate(() => window.told), []);
  await bad.close();
  stranger.stop();
});

test('several on a page: each its own; one taken off the page lets go', async () => {
  const [one, two] = [await makeLesson(site), await makeLesson(site)];
  const page = await study(site, 'learner41', one);
  await page.evaluate((lesson) => {
    const other = document.createElement('exam-lesson');
    other.setAttribute('lesson', lesson);
    other.setAttribute('ticket-endpoint', '/api/v1/tickets');
    const media = document.createElement('video');
    media.src = 'clip.webm';
    other.append(media);
    document.querySelector('main').append(other);
    window.other = other;
  }, two);
  // One session a person: the newer takes over, in the same page as well.
  await until(() => page.evaluate(() => window.other.client?.state === 'live'), 'the second lesson');
  await until(async () => (await client(page, 'state')) === 'takenover', 'the first lesson to be told');
  await page.evaluate(() => {
    window.gone = window.other.client;
    window.other.remove();
  });
  await until(() => page.evaluate(() => window.gone.state === 'idle' && !window.other.client), 'the element to let go');
  await page.getByRole('button', { name: '在此继续' }).click();
  await live(page);
  await end(page);
});

test('what a question holds cannot run', async () => {
  const lesson = await makeLesson(site);
  const page = await study(site, 'learner42', lesson);
  const shown = await page.evaluate(async () => {
    const { richText } = await import('/sdk/exam-lesson.js');
    const box = document.createElement('div');
    document.body.append(box);
    box.append(richText(`<p onclick="window.ran=1" style="color:red" class="x" id="y">a<b>b</b><script>window.ran=1</script>
      <img src="x" onerror="window.ran=1"><img src="https://elsewhere.example/x.png"><img src="data:image/png;base64,AAAA" alt="c">
      <svg onload="window.ran=1"><script>window.ran=1</script></svg><a href="javascript:window.ran=1">d</a>
      <math><mtext><table><mglyph><style><img src=x onerror="window.ran=1"></style></table></mtext></math>
      <iframe srcdoc="<script>parent.ran=1</script>"></iframe><form action="//elsewhere.example"><input name="e"></form>
      <template><img src=x onerror="window.ran=1"></template><object data="x"></object></p><ol start="3"><li>f</li></ol>`));
    await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
    return box.innerHTML;
  });
  assert.equal(await page.evaluate(() => window.ran), undefined);
  assert.doesNotMatch(shown, /on\w+=|style|script|javascript|elsewhere|iframe|svg|<a|form|class|id=/i);
  assert.match(shown, /<b>b<\/b>/);
  assert.match(shown, /<img (alt="c" )?src="data:image\/png;base64,AAAA"/);
  assert.match(shown, /<ol start="3"><li>f<\/li><\/ol>/);
  await page.context().close();
});
