// Answers on their way, without a browser: what is kept, in which order it is sent, and what is never lost.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Outbox } from '../../ws-gateway/web/exam/outbox.js';
import { Countdown, digits } from '../../ws-gateway/web/exam/countdown.js';
import { readNumber } from '../../ws-gateway/web/exam/questions.js';

/** A drawer that outlives its outbox, as a browser's storage outlives a page. */
function memory() {
  const kept = new Map();
  return {
    kept,
    get: (key) => (kept.has(key) ? JSON.parse(kept.get(key)) : undefined),
    set: (key, value) => { kept.set(key, JSON.stringify(value)); return true; },
    remove: (key) => kept.delete(key),
    keys: () => [...kept.keys()],
  };
}

const problem = (code, status = 0, more = {}) => Object.assign(new Error(code), {
  code, status, errors: [], temporary: ['network', 'overloaded', 'rate_limited', 'unavailable'].includes(code), ...more,
});

/** A server that keeps what it is sent by command, and can be told to fail. */
function world(drawer = memory()) {
  const seen = { calls: [], held: new Map(), commands: new Map(), fail: null, closed: null, caughtUp: 0, refused: [], receipts: [] };
  let time = Date.parse('2026-05-01T00:00:00Z');
  let ids = 0;
  let timers = [];
  const accept = (entry) => {
    if (!seen.commands.has(entry.command_id)) {
      seen.commands.set(entry.command_id, seen.commands.size + 1);
      seen.held.set(entry.slot, entry.response);
    }
    return { slot: entry.slot, seq: seen.commands.get(entry.command_id), saved_at: new Date(time).toISOString(), receipt: 'r' };
  };
  const send = {
    async catchUp() {
      seen.caughtUp += 1;
      if (seen.fail === 'lost answer' || (seen.fail && seen.fail.code === 'network')) throw problem('network');
    },
    async one(entry) {
      seen.calls.push(['one', entry.slot, entry.response]);
      if (seen.fail === 'lost answer') { accept(entry); throw problem('network'); }
      if (seen.fail) throw seen.fail;
      return accept(entry);
    },
    async many(entries) {
      seen.calls.push(['many', entries.map((entry) => [entry.slot, entry.response])]);
      if (seen.fail === 'lost answer') { entries.forEach(accept); throw problem('network'); }
      if (seen.fail) throw seen.fail;
      return { receipts: entries.map(accept), refused: [] };
    },
  };
  const make = () => new Outbox({
    send, drawer, now: () => (time += 1000), id: () => `c${drawer.kept.size}-${(ids += 1)}`, random: () => 0.5,
    onchange() {}, onclosed: (code) => { seen.closed = code; }, onreceipt: (entry) => seen.receipts.push(entry.slot),
    onrefused: (entry, why) => seen.refused.push([entry.slot, why.code]),
    later: (run, ms) => { timers.push({ run, ms }); return timers.length; }, never: () => { timers = []; },
  });
  return { seen, drawer, make, timers: () => timers };
}

test('what is put in is kept before it is sent, and forgotten with its receipt', async () => {
  const { seen, drawer, make } = world();
  const outbox = make();
  outbox.put(1, { choices: ['o1'] });
  assert.equal(drawer.kept.size, 1);
  assert.equal(outbox.size, 1);
  assert.deepEqual(seen.calls, []);
  assert.equal(await outbox.flush(), true);
  assert.equal(drawer.kept.size, 0);
  assert.deepEqual(seen.calls, [['one', 1, { choices: ['o1'] }]]);
});

test('a later answer takes the place of one that was never sent', async () => {
  const { seen, make } = world();
  const outbox = make();
  outbox.put(1, { choices: ['o1'] });
  outbox.put(1, { choices: ['o2'] });
  assert.equal(outbox.size, 1);
  await outbox.flush();
  assert.deepEqual(seen.calls, [['one', 1, { choices: ['o2'] }]]);
});

test('an answer whose fate is unknown goes again under its own id and before the later one', async () => {
  const { seen, make } = world();
  const outbox = make();
  seen.fail = 'lost answer';
  outbox.put(1, { choices: ['o1'] });
  assert.equal(await outbox.flush(), false);
  assert.equal(outbox.hindrance, 'offline');
  outbox.put(1, { choices: ['o2'] });
  seen.fail = null;
  assert.equal(await outbox.wake(), true);
  assert.deepEqual(seen.calls.pop(), ['many', [[1, { choices: ['o1'] }], [1, { choices: ['o2'] }]]]);
  assert.deepEqual(seen.held.get(1), { choices: ['o2'] });
  assert.equal(seen.commands.size, 2);
  assert.equal(seen.caughtUp, 1, 'the attempt is read before anything is sent again');
});

test('a page that crashed finds its answers and sends them in their order', async () => {
  const { seen, drawer, make } = world();
  const outbox = make();
  seen.fail = problem('network');
  for (const slot of [3, 1, 2]) {
    outbox.put(slot, { text: String(slot) });
    await outbox.flush();
  }
  outbox.stop();
  const again = world(drawer);
  const reborn = again.make();
  assert.equal(reborn.size, 3);
  assert.equal(await reborn.flush(), true);
  assert.deepEqual(again.seen.calls, [['many', [[3, { text: '3' }], [1, { text: '1' }], [2, { text: '2' }]]]]);
  assert.equal(drawer.kept.size, 0);
});

test('it waits as long as the server asks, and longer each time nothing is heard', async () => {
  const { seen, make, timers } = world();
  const outbox = make();
  seen.fail = problem('overloaded', 503, { retryAfterMs: 5000 });
  outbox.put(1, null);
  await outbox.flush();
  assert.equal(outbox.hindrance, 'busy');
  assert.ok(timers().some((timer) => timer.ms >= 5000));
  seen.fail = problem('network');
  const waits = [];
  for (let round = 0; round < 4; round += 1) {
    await outbox.flush();
    waits.push(timers().pop().ms);
  }
  assert.deepEqual([...waits].sort((one, two) => one - two), waits);
});

test('what the server refuses is dropped with its reason, and stops nothing else', async () => {
  const { seen, make } = world();
  const outbox = make();
  outbox.put(1, { number: 1 });
  seen.fail = problem('invalid', 400);
  await outbox.flush();
  assert.deepEqual(seen.refused, [[1, 'invalid']]);
  seen.fail = null;
  outbox.put(2, { number: 2 });
  assert.equal(await outbox.flush(), true);
});

test('a closed attempt keeps what was not received, to be told of, and sends no more', async () => {
  const { seen, make } = world();
  const outbox = make();
  outbox.put(1, { number: 1 });
  seen.fail = problem('deadline_passed', 409);
  await outbox.flush();
  assert.equal(seen.closed, 'deadline_passed');
  assert.equal(outbox.size, 1);
  const calls = seen.calls.length;
  outbox.put(2, { number: 2 });
  await outbox.wake();
  assert.equal(seen.calls.length, calls);
});

test('an ended session keeps everything until the person is back', async () => {
  const { seen, make, timers } = world();
  const outbox = make();
  outbox.put(1, { number: 1 });
  seen.fail = problem('unauthenticated', 401);
  await outbox.flush();
  assert.equal(outbox.hindrance, 'signed_out');
  assert.equal(timers().length, 0);
  seen.fail = null;
  assert.equal(await outbox.wake(), true);
});

test('a newer answer of another device wins over one that waited here', async () => {
  const { make } = world();
  const outbox = make();
  outbox.put(1, { choices: ['o1'] });
  outbox.put(2, { choices: ['o1'] });
  const lost = outbox.reconcile({
    1: { response: { choices: ['o3'] }, saved_at: '2026-05-01T01:00:00Z' },
    2: { response: { choices: ['o3'] }, saved_at: '2026-04-30T23:00:00Z' },
  });
  assert.deepEqual(lost, [1]);
  assert.equal(outbox.pending(1), undefined);
  assert.deepEqual(outbox.pending(2).response, { choices: ['o1'] });
});

test('the countdown believes the larger step of the two clocks and says when they part', () => {
  let [steady, wall] = [0, 1e12];
  const countdown = new Countdown({ steady: () => steady, wall: () => wall });
  countdown.sync({ remaining_ms: 60000, server_time: '2026-05-01T00:00:00.000Z', running: true });
  steady += 10000;
  wall += 10000;
  assert.equal(countdown.remaining(), 50000);
  assert.equal(countdown.doubtful(), false);
  wall += 20000;
  assert.equal(countdown.remaining(), 30000);
  assert.equal(countdown.doubtful(), true);
  wall += 3600000;
  assert.equal(countdown.remaining(), 0);
  assert.equal(countdown.over(), false, 'a clock that was set forward ends nothing');
  wall -= 7200000;
  assert.equal(countdown.remaining(), 50000);
  steady += 100000;
  assert.equal(countdown.remaining(), 0);
  assert.equal(countdown.over(), true);
  assert.equal(countdown.now(), Date.parse('2026-05-01T00:01:50.000Z'));
});

test('a paused countdown stands still, and a late receipt does not give time back', () => {
  let steady = 0;
  const countdown = new Countdown({ steady: () => steady, wall: () => steady });
  countdown.sync({ remaining_ms: 60000, server_time: '2026-05-01T00:00:00Z', running: false });
  steady += 5000;
  assert.equal(countdown.remaining(), 60000);
  countdown.sync({ remaining_ms: 60000, server_time: '2026-05-01T00:00:00Z', running: true });
  steady += 5000;
  countdown.told('2026-05-01T00:00:01Z', '2026-05-01T00:01:00Z');
  assert.equal(countdown.remaining(), 55000);
  countdown.told('2026-05-01T00:00:20Z', '2026-05-01T00:01:00Z');
  assert.equal(countdown.remaining(), 40000);
});

test('numbers are read as people type them', () => {
  for (const [text, value] of [['3.5', 3.5], ['３．５', 3.5], ['－２', -2], [' 1,000 ', 1000], ['.5', 0.5], ['1e3', 1000]]) {
    assert.equal(readNumber(text), value, text);
  }
  for (const text of ['', 'abc', '3..5', '1/2', '--1', 'Infinity']) assert.equal(readNumber(text), undefined, text);
});

test('time is shown in the fewest digits that say it', () => {
  assert.deepEqual([0, 59000, 60000, 3599500, 3600000, 5400000].map(digits), ['00:00', '00:59', '01:00', '1:00:00', '1:00:00', '1:30:00']);
});
