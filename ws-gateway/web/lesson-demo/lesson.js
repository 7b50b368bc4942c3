// The demo of the SDK: signs in, lists the learner's lessons and plays one. `?lang=en` shows it in English; `?id=` is
// the lesson. The clip, 90 s, was made for this page with ffmpeg (docs/sdk.md says how).
import '/sdk/exam-lesson.js';

const english = new URLSearchParams(location.search).get('lang') === 'en';
const TEXTS = {
  sign_in: ['登录', 'Sign in'],
  sign_out: ['退出', 'Sign out'],
  username: ['用户名', 'Username'],
  password: ['密码', 'Password'],
  lessons: ['我的课程', 'My lessons'],
  none: ['现在没有可以学习的课程。', 'There is no lesson for you at the moment.'],
  back: ['← 返回课程列表', '← All lessons'],
  note: [
    '播放中会随机出题，答对后继续。页面不在前台时自动暂停，已学进度实时保存。',
    'Questions come up while the lesson plays; a right answer goes on. It pauses while the page is hidden, and your progress is kept.',
  ],
  minutes: ['{} 分钟', '{} min'],
  seconds: ['{} 秒', '{} s'],
  learnt: ['已学 {}%', '{}% learnt'],
  completed: ['已学完', 'Complete'],
  fault: ['连接不上服务，请稍后再试。', 'The service does not answer. Please try again later.'],
};
const text = (key, value) => TEXTS[key][english ? 1 : 0].replace('{}', value);
const $ = (selector) => document.querySelector(selector);

function make(name, properties, ...children) {
  const node = Object.assign(document.createElement(name), properties);
  node.append(...children);
  return node;
}

/** Calls the service; what it refuses is thrown as its problem. */
async function call(method, path, body) {
  const headers = { 'Accept-Language': english ? 'en' : 'zh-CN' };
  if (body) headers['Content-Type'] = 'application/json';
  const response = await fetch('/api/v1' + path, { method, headers, body: body && JSON.stringify(body) });
  const said = response.status === 204 ? null : await response.json();
  if (!response.ok) throw said;
  return said;
}

function show(id) {
  ['sign-in', 'lessons', 'player'].forEach((one) => { document.getElementById(one).hidden = one !== id; });
}

function address(changes) {
  const query = new URLSearchParams(english ? { lang: 'en' } : {});
  Object.entries(changes).forEach(([key, value]) => query.set(key, value));
  return './?' + query;
}

async function lessons() {
  const found = [];
  let after = '';
  do {
    const page = await call('GET', '/lessons?limit=100' + (after && '&after=' + encodeURIComponent(after)));
    found.push(...page.items);
    after = page.next;
  } while (after);
  return found;
}

function row({ id, title, course, duration_ms: duration, covered_ms: covered, state }) {
  const length = duration < 120000 ? text('seconds', Math.round(duration / 1000)) : text('minutes', Math.round(duration / 60000));
  const part = Math.floor((covered / duration) * 100);
  const about = [typeof course === 'object' && course ? course.title : '', length].filter(Boolean).join(' · ');
  return make('li', {}, make('a', { href: address({ id }) },
    make('span', {}, make('strong', {}, title), make('small', {}, make('span', {}, about))),
    make('small', { className: 'state' }, state === 'completed' ? text('completed') : text('learnt', part))));
}

function list(found) {
  $('#lessons ul').replaceChildren(...found.map(row));
  $('#lessons .empty').hidden = found.length > 0;
  show('lessons');
}

function play(lesson) {
  document.title = lesson.title + ' · 科举 Keju';
  $('#player h1').textContent = lesson.title;
  $('#player .course').textContent = lesson.course && lesson.course.title ? lesson.course.title : '';
  $('#player a').href = address({});
  const video = make('video', { src: 'clip.webm', controls: true, playsInline: true, preload: 'auto' });
  video.setAttribute('aria-label', lesson.title);
  const player = make('exam-lesson', {}, video);
  player.setAttribute('lesson', lesson.id);
  player.setAttribute('ticket-endpoint', '/api/v1/tickets');
  $('#player .stage').replaceChildren(player);
  show('player');
}

async function open() {
  $('#fault').hidden = true;
  let person;
  try {
    person = await call('GET', '/me');
  } catch (problem) {
    if (problem.status !== 401) throw problem;
    show('sign-in');
    $('#sign-in input').focus();
    return;
  }
  $('#who').textContent = person.name;
  $('#leave').hidden = false;
  const found = await lessons();
  const wanted = new URLSearchParams(location.search).get('id');
  const lesson = found.find(({ id }) => id === wanted);
  if (lesson) play(lesson);
  else list(found);
}

function failed(problem) {
  $('#fault').textContent = problem.detail || problem.title || text('fault');
  $('#fault').hidden = false;
}

$('#sign-in').addEventListener('submit', async (event) => {
  event.preventDefault();
  const { username, password } = event.target.elements;
  const fault = $('#sign-in .fault');
  fault.textContent = '';
  try {
    await call('POST', '/session', { username: username.value, password: password.value });
  } catch (problem) {
    fault.textContent = problem.title || text('fault');
    return;
  }
  open().catch(failed);
});

$('#leave').addEventListener('click', async () => {
  await call('DELETE', '/session').catch(() => {});
  location.href = address({});
});

document.documentElement.lang = english ? 'en' : 'zh-CN';
document.querySelectorAll('[data-text]').forEach((node) => { node.textContent = text(node.dataset.text); });
$('#leave').textContent = text('sign_out');
open().catch(failed);
