// The catalogues of words, and small readers, without a browser.
import assert from 'node:assert/strict';
import { readFileSync, readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'node:test';
import zhBase from '../../ws-gateway/web/i18n/zh-CN.js';
import enBase from '../../ws-gateway/web/i18n/en.js';
import zhStaff from '../../ws-gateway/web/i18n/staff-zh-CN.js';
import enStaff from '../../ws-gateway/web/i18n/staff-en.js';
import { ROUTES } from '../../ws-gateway/web/routes.js';
import { toJson } from '../../ws-gateway/web/staff/item-editor.js';
import { readPeople, readRows } from '../../ws-gateway/web/staff/csv.js';
import { parse, quantile, sum } from '../../ws-gateway/web/staff/metrics.js';

const web = fileURLToPath(new URL('../../ws-gateway/web', import.meta.url));
const APPLICATION = ['', 'core', 'exam', 'pages', 'staff'];

const [zh, en] = [{ ...zhBase, ...zhStaff }, { ...enBase, ...enStaff }];

function sources() {
  return APPLICATION.flatMap((folder) => readdirSync(join(web, folder))
    .map((name) => join(web, folder, name)).filter((path) => path.endsWith('.js') && statSync(path).isFile()));
}

test('both languages hold the same keys and the same places for values', () => {
  assert.deepEqual(Object.keys(enBase).sort(), Object.keys(zhBase).sort());
  assert.deepEqual(Object.keys(enStaff).sort(), Object.keys(zhStaff).sort());
  assert.deepEqual(Object.keys(zhStaff).filter((key) => key in zhBase), [], 'each key in one catalogue');
  const places = (text) => [...new Set(text.match(/\{\w+\}/g) || [])].sort();
  for (const key of Object.keys(zh)) assert.deepEqual(places(en[key]), places(zh[key]), key);
});

test('every key that a page names has words', () => {
  const missing = [];
  for (const path of sources()) {
    for (const [, key] of readFileSync(path, 'utf8').matchAll(/\bt\('([^']+)'/g)) if (!(key in zh)) missing.push(`${path}: ${key}`);
  }
  assert.deepEqual(missing, []);
});

test('every key of the catalogue is named by a page, whole or by its beginning', () => {
  const text = sources().map((path) => readFileSync(path, 'utf8')).join('\n');
  const begun = [...text.matchAll(/`([\w.]+)\$\{/g)].map((found) => found[1]);
  const unused = Object.keys(zh).filter((key) => !text.includes(`'${key}'`) && !begun.some((beginning) => key.startsWith(beginning)));
  assert.deepEqual(unused, []);
});

test('what everybody loads needs no word that only staff load', () => {
  const read = new Map();
  const follow = (path) => {
    if (read.has(path)) return;
    read.set(path, readFileSync(path, 'utf8'));
    for (const [, other] of read.get(path).matchAll(/from '(\.[^']+)'/g)) follow(join(dirname(path), other));
  };
  follow(join(web, 'app.js'));
  const pages = ROUTES.filter((route) => !route.staff).map((route) => /'(\.\/pages\/[^']+)'/.exec(route.load)[1]);
  assert.ok(pages.length > 10, 'this finds nothing');
  pages.forEach((page) => follow(join(web, page)));
  const text = [...read.values()].join('\n');
  const begun = [...text.matchAll(/`([\w]+\.[\w.]*)\$\{/g)].map((found) => found[1]);
  // A key without a dot may be the name of something else as well.
  const named = (key) => text.includes(key.includes('.') ? `'${key}'` : `t('${key}'`);
  assert.deepEqual(Object.keys(zhStaff).filter((key) => named(key) || begun.some((beginning) => key.startsWith(beginning))), []);
});

test('rows are read as spreadsheets write them', () => {
  assert.deepEqual(readRows('a,"b,""c""",d\r\n\r\ne,f,g\n'), [['a', 'b,"c"', 'd'], ['e', 'f', 'g']]);
  assert.deepEqual(readRows('a\tb\nc\td'), [['a', 'b'], ['c', 'd']]);
  assert.deepEqual(readPeople('用户名,姓名,角色,单位\nzhang,张三,学员 监考人员,甲\nli,李四,,'), [
    { username: 'zhang', name: '张三', roles: ['learner', 'proctor'], unit: '甲' },
    { username: 'li', name: '李四', roles: ['learner'] },
  ]);
  assert.deepEqual(readPeople('wang,王五'), [{ username: 'wang', name: '王五', roles: ['learner'] }]);
});

test('metrics are read, and quantiles are of what happened between two readings', () => {
  const text = (one, two, three) => `# TYPE x histogram\nx_bucket{le="0.1"} ${one}\nx_bucket{le="1.0"} ${two}\nx_bucket{le="+Inf"} ${three}\ny_total{a="b",c="d"} 3\ny_total{a="e"} 4\n`;
  const [before, after] = [parse(text(10, 10, 10)), parse(text(10, 20, 20))];
  assert.equal(sum(after, 'y_total'), 7);
  assert.equal(sum(after, 'y_total', (labels) => labels.a === 'e'), 4);
  assert.ok(Math.abs(quantile(before, after, 'x', 0.5) - 0.55) < 1e-9);
  assert.equal(quantile(before, before, 'x', 0.5), null);
});

test('nothing is used that browsers of 2021 do not know', () => {
  const young = [/\.at\(-?\d/, /structuredClone/, /Object\.hasOwn\(/, /\.findLast/, /\.toSorted\(/, /\.groupBy\(/, /\binert\b/, /\.showModal\(/, /randomUUID\(/];
  const found = [];
  for (const path of sources()) {
    const code = readFileSync(path, 'utf8').replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, '');
    young.forEach((word) => { if (word.test(code)) found.push(`${path}: ${word}`); });
  }
  const sheets = ['style.css', 'staff.css', 'certificate.css'];
  const style = sheets.map((name) => readFileSync(join(web, name), 'utf8')).join('').replace(/\/\*[\s\S]*?\*\//g, '');
  for (const word of [/light-dark\(/, /color-mix\(/, /:has\(/, /@container/, /@layer/, /\d[dsl]v[hw]\b/, /\binset:/, /oklch\(/, /&:/]) {
    if (word.test(style)) found.push(`style sheets: ${word}`);
  }
  assert.deepEqual(found, []);
});

test('an item goes through the editor without losing anything', () => {
  const item = (kind, interaction, key, feedback = []) => ({
    code: 'c', kind, topic: 'a/b', difficulty: 4, tags: ['x'], enemies: ['y'], points: 2.5, prompt: { stem: 's', interaction }, solution: { key, explanation: 'e', feedback },
  });
  const common = { code: 'c', stem: 's', difficulty: 4, topic: 'a/b', tags: ['x'], enemies: ['y'], points: 2.5, explanation: 'e' };
  const cases = [
    [item('multiple_choice', { type: 'choice', multiple: true, fixed_order: true, options: ['p', 'q'] }, { type: 'choice', correct: [1], weights: [-5000000, 10000000] }, [null, 'f']),
      { kind: 'multiple_choice', options: [{ text: 'p', correct: false, fraction: -50 }, { text: 'q', correct: true, fraction: 100, feedback: 'f' }], fixed_order: true }],
    [item('true_false', { type: 'true_false' }, { type: 'true_false', correct: false }, [null, 'f']), { kind: 'true_false', correct: false, feedback: { false: 'f' } }],
    [item('numeric', { type: 'numeric' }, { type: 'numeric', accepted: [{ value: 90, tolerance: 0, fraction: 10000000 }, { value: 90, tolerance: 5, fraction: 5000000 }] }),
      { kind: 'numeric', accepted: [{ value: 90 }, { value: 90, tolerance: 5, fraction: 50 }] }],
    [item('short_text', { type: 'short_text' }, { type: 'short_text', accepted: [{ text: 'a', fraction: 10000000 }], case_sensitive: true, wildcards: false }), { kind: 'short_text', accepted: [{ text: 'a' }], case_sensitive: true }],
    [item('ordering', { type: 'ordering', entries: ['b', 'a'] }, { type: 'ordering', order: [1, 0] }), { kind: 'ordering', entries: ['a', 'b'] }],
    [item('matching', { type: 'matching', left: ['l'], right: ['d', 'r'] }, { type: 'matching', targets: [1] }), { kind: 'matching', pairs: [{ left: 'l', right: 'r' }], distractors: ['d'] }],
  ];
  for (const [kept, json] of cases) assert.deepEqual(toJson(kept), { ...common, ...json }, json.kind);
});
