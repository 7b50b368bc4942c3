// The core of the SDK against every turn that a network, a page and a server can take.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { World, core, source } from './sdk-world.mjs';

const playing = async (options, welcome) => {
  const world = new World(options);
  await world.begin(welcome);
  world.player.play();
  return world;
};

describe('saying hello', () => {
  test('a fresh ticket is the first message, and never in the address', async () => {
    const world = new World();
    await world.start();
    assert.equal(world.socket.url, 'wss://keju.example/api/v1/stream');
    assert.equal(world.socket.protocol, 'exam.v1');
    assert.deepEqual(world.socket.sent, []);
    await world.connect();
    assert.deepEqual(world.socket.sent, [{ t: 'hello', ticket: 'ticket-1' }]);
    assert.equal(Object.keys(world.socket.sent[0])[0], 't');
  });

  test('nothing plays before the welcome, and what was to play plays after it', async () => {
    const world = new World();
    world.player.play();
    await world.start();
    assert.equal(world.player.isPlaying, false);
    world.player.play();
    assert.equal(world.player.isPlaying, false);
    assert.equal(world.client.locked, 'connecting');
    await world.welcome({ covered_ms: 5, duration_ms: 9 });
    assert.equal(world.player.isPlaying, true);
    assert.equal(world.told('ready').length, 1);
    assert.equal(world.client.durationMs, 9);
  });

  test('a lesson begun elsewhere goes on where it was', async () => {
    const world = new World();
    await world.begin({ furthest_ms: 60_000, covered_ms: 60_000 });
    assert.equal(world.player.ms, 60_000);
  });

  test('a player that is further than what was learnt is brought back', async () => {
    const world = new World();
    world.player.ms = 90_000;
    await world.begin({ furthest_ms: 60_000, covered_ms: 60_000 });
    assert.equal(world.player.ms, 60_000);
  });

  test('a ticket that is refused is replaced once', async () => {
    const world = new World();
    await world.start();
    await world.connect();
    await world.cut(4401);
    assert.equal(world.sockets.length, 2);
    await world.connect();
    assert.equal(world.said('hello')[0].ticket, 'ticket-2');
    await world.cut(4401);
    assert.equal(world.client.state, 'failed');
    assert.deepEqual(world.told('error'), [{ type: 'error', code: 'closed_4401', temporary: false }]);
  });

  test('a welcome makes the next refused ticket a first one again', async () => {
    const world = new World();
    await world.start();
    await world.cut(4401);
    await world.welcome();
    await world.cut(4401);
    assert.equal(world.client.state, 'connecting');
  });

  test('who may not have a ticket is told, and not asked for again', async () => {
    const world = new World({ ticket: async () => { throw new core.FinalError('unauthenticated'); } });
    await world.start();
    assert.equal(world.client.state, 'failed');
    assert.equal(world.told('error')[0].code, 'unauthenticated');
    await world.pass(120_000);
    assert.equal(world.sockets.length, 0);
  });

  test('a ticket that fails for a while is asked for again', async () => {
    let asked = 0;
    const world = new World({ ticket: async () => { if ((asked += 1) < 3) throw new Error('503'); return 'x'; } });
    await world.start();
    assert.equal(world.client.state, 'waiting');
    await world.pass(3_000);
    assert.equal(asked, 3);
    assert.equal(world.sockets.length, 1);
  });

  test('a ticket that never comes is not waited for for ever', async () => {
    const world = new World({ ticket: () => new Promise(() => {}) });
    await world.start();
    await world.pass(8_500);
    assert.equal(world.client.state, 'waiting');
  });
});

describe('beats', () => {
  test('come at their interval while playing, and at once with each act', async () => {
    const world = await playing();
    const before = world.beats().length;
    await world.pass(30_250);
    assert.equal(world.beats().length - before, 3);
    const last = (act) => { act(); return world.beats().pop(); };
    await world.pass(1_000);
    const paused = last(() => world.player.pause());
    assert.equal(paused.playing, false);
    assert.ok(Math.abs(paused.position_ms - 31_250) <= 250);
    await world.pass(1_000);
    assert.equal(last(() => world.player.play()).playing, true);
    await world.pass(1_000);
    assert.equal(last(() => world.player.seek(10_000)).position_ms, 10_000);
    await world.pass(1_000);
    assert.equal(last(() => world.player.setRate(0.75)).rate, 0.75);
    const numbers = world.beats().map(({ n }) => n);
    assert.deepEqual(numbers, numbers.map((_, at) => numbers[0] + at));
    assert.deepEqual(Object.keys(world.beats()[0]), ['t', 'n', 'position_ms', 'playing', 'rate']);
  });

  test('dragging a slider is one move', async () => {
    const world = await playing();
    await world.pass(20_000);
    const before = world.beats().length;
    for (let ms = 20_000; ms > 10_000; ms -= 500) world.player.seek(ms);
    assert.ok(world.beats().length - before <= 1);
    await world.pass(500);
    assert.ok(world.beats().length - before <= 2);
    assert.ok(Math.abs(world.beats().pop().position_ms - 10_500) < 600);
  });

  test('a paused player says so now and then, which shows whether the connection lives', async () => {
    const world = new World();
    await world.begin();
    const before = world.beats().length;
    await world.pass(60_000);
    assert.equal(world.beats().length - before, 2);
    assert.ok(world.beats().every(({ playing }) => !playing));
  });
});

describe('questions', () => {
  test('pause the player, and nothing plays or gets ahead until the verdict', async () => {
    const world = await playing();
    await world.pass(12_000);
    await world.challenge(1);
    assert.equal(world.player.isPlaying, false);
    assert.equal(world.client.locked, 'challenge');
    assert.equal(world.told('challenge')[0].challenge, 'c1');
    world.player.play();
    assert.equal(world.player.isPlaying, false);
    world.player.seek(300_000);
    assert.ok(world.player.ms <= 12_000);
    await world.pass(1_000);
    assert.ok(world.beats().slice(-2).every((beat) => !beat.playing));
  });

  test('a right answer goes on', async () => {
    const world = await playing();
    await world.challenge(1);
    const id = world.client.answer({ choices: ['o1'] });
    assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    assert.deepEqual(world.said('answer'), [{ t: 'answer', command_id: id, challenge: 'c1', response: { choices: ['o1'] } }]);
    assert.equal(world.client.answer({ choices: ['o2'] }), id, 'one answer at a time');
    await world.say({ t: 'verdict', seq: 2, challenge: 'c1', correct: true, continue: true });
    assert.equal(world.player.isPlaying, true);
    assert.equal(world.beats().pop().playing, true, 'credit begins with a beat that says so');
    assert.equal(world.client.pending, null);
    assert.equal(world.told('resumed').pop().reason, 'challenge');
  });

  test('a wrong answer goes back, waits and asks anew', async () => {
    const world = await playing();
    await world.pass(20_000);
    await world.challenge(1);
    world.client.answer({ choices: ['o1'] });
    await world.say({
      t: 'verdict', seq: 2, challenge: 'c1', correct: false, continue: false, next_in_ms: 10_000, rewind_to_ms: 5_000,
    });
    assert.equal(world.player.ms, 5_000);
    assert.equal(world.client.locked, 'cooldown');
    world.player.play();
    assert.equal(world.player.isPlaying, false);
    await world.pass(10_000, { credits: false });
    await world.challenge(3, 'c2');
    world.client.answer({ choices: ['o2'] });
    await world.say({ t: 'verdict', seq: 4, challenge: 'c2', correct: true, continue: true });
    assert.equal(world.player.isPlaying, true);
    world.player.seek(20_000);
    assert.equal(world.player.ms, 5_000, 'what was taken back has to be learnt again');
  });

  test('a next question that does not come is asked for', async () => {
    const world = await playing();
    await world.challenge(1);
    world.client.answer({ choices: ['o1'] });
    await world.say({ t: 'verdict', seq: 2, challenge: 'c1', correct: false, continue: false, next_in_ms: 5_000 });
    await world.pass(9_500);
    assert.equal(world.sockets.length, 2);
    await world.welcome({ seq: 2 });
    assert.equal(world.client.locked, '', 'the server says nothing is open');
  });

  test('one that is not answered in time is replaced when the learner is back', async () => {
    const world = await playing();
    await world.challenge(1, 'c1', { answer_within_ms: 30_000 });
    await world.pass(31_000);
    assert.equal(world.told('expired').length, 1);
    assert.equal(world.client.locked, 'challenge');
    world.client.askAgain();
    assert.equal(world.beats().pop().playing, true);
    await world.challenge(2);
    assert.equal(world.client.challenge.challenge, 'c2');
  });

  test('an answer that is refused for good may be given again', async () => {
    const world = await playing();
    await world.challenge(1);
    const first = world.client.answer({ choices: ['o1'] });
    await world.say({ t: 'error', code: 'invalid', temporary: false });
    assert.equal(world.client.pending, null);
    assert.notEqual(world.client.answer({ choices: ['o1'] }), first);
  });

  test('an answer that is refused for a while is sent again as it is', async () => {
    const world = await playing();
    await world.challenge(1);
    world.client.answer({ choices: ['o1'] });
    await world.say({ t: 'error', code: 'overloaded', temporary: true });
    await world.pass(4_000);
    const [first, second, ...more] = world.said('answer');
    assert.deepEqual(second, first);
    assert.equal(more.length, 0);
  });
});

describe('what is numbered', () => {
  test('is taken once', async () => {
    const world = await playing();
    await world.challenge(1);
    await world.challenge(1);
    world.client.answer({ choices: ['o1'] });
    const verdict = { t: 'verdict', seq: 2, challenge: 'c1', correct: true, continue: true };
    await world.say(verdict);
    await world.say(verdict);
    await world.challenge(1);
    assert.equal(world.told('challenge').length, 1);
    assert.equal(world.told('verdict').length, 1);
    assert.equal(world.client.locked, '');
  });

  test('and missing is asked for', async () => {
    const world = await playing();
    await world.challenge(1);
    await world.say({ t: 'complete', seq: 3, hours_granted: 1 });
    assert.equal(world.told('complete').length, 0);
    assert.equal(world.socket.closedWith, 1000);
    await world.pass(1_000);
    await world.welcome({ seq: 3 });
    assert.deepEqual(world.said('hello')[0].resume, { session: 's1', seq: 1 });
    await world.say({ t: 'verdict', seq: 2, challenge: 'c1', correct: true, continue: true });
    await world.say({ t: 'complete', seq: 3, hours_granted: 1 });
    assert.equal(world.told('complete').length, 1);
  });

  test('and missing for ever ends in a new session', async () => {
    const world = await playing();
    await world.say({ t: 'notice', seq: 5, level: 'info', text: '' });
    await world.pass(1_000);
    await world.welcome({ seq: 5 });
    await world.say({ t: 'notice', seq: 6, level: 'info', text: '' });
    await world.pass(2_000);
    await world.welcome({ session: 's2', seq: 6 });
    assert.equal(world.said('hello')[0].resume, undefined);
    await world.say({ t: 'notice', seq: 7, level: 'info', text: 'there' });
    assert.equal(world.told('notice').pop().text, 'there');
  });

  test('resync begins a new session', async () => {
    const world = await playing();
    await world.say({ t: 'resync' });
    await world.pass(1_000);
    await world.connect();
    assert.deepEqual(world.said('hello'), [{ t: 'hello', ticket: 'ticket-2' }]);
  });

  test('messages of a later server are let pass', async () => {
    const world = await playing();
    await world.say({ t: 'weather', seq: 1 });
    await world.say({ t: 'constructor' });
    await world.challenge(2);
    assert.equal(world.client.locked, 'challenge');
  });
});

describe('a connection that breaks', () => {
  test('comes back with what was seen last, and sends the answer again as the same command', async () => {
    const world = await playing();
    await world.challenge(1);
    const id = world.client.answer({ choices: ['o1'] });
    await world.cut();
    await world.pass(1_000);
    await world.connect();
    assert.deepEqual(world.said('hello')[0], { t: 'hello', ticket: 'ticket-2', resume: { session: 's1', seq: 1 } });
    await world.welcome({ seq: 2 });
    assert.deepEqual(world.said('answer'), [{ t: 'answer', command_id: id, challenge: 'c1', response: { choices: ['o1'] } }]);
    await world.say({ t: 'verdict', seq: 2, challenge: 'c1', correct: true, continue: true });
    assert.equal(world.client.pending, null);
    assert.equal(world.told('verdict').length, 1);
  });

  test('keeps an open question as it was', async () => {
    const world = await playing();
    await world.challenge(1);
    await world.cut();
    await world.pass(1_000);
    await world.welcome({ seq: 1, challenge: { seq: 1, challenge: 'c1', kind: 'true_false', stem: '?', options: [], answer_within_ms: 9 } });
    assert.equal(world.told('challenge').length, 1);
    assert.equal(world.client.locked, 'challenge');
  });

  test('waits a random while, twice as long each time, half a minute at most', async () => {
    const world = await playing();
    const waits = [];
    world.random = 0.999_999;
    for (let at = 0; at < 8; at += 1) {
      await world.cut();
      waits.push(Math.round((world.client.retryAt - world.now) / 1000));
      await world.pass(world.client.retryAt - world.now + 250);
    }
    assert.deepEqual(waits, [1, 2, 4, 8, 16, 30, 30, 30]);
    world.random = 0;
    await world.cut();
    assert.equal(world.client.retryAt, world.now, 'full jitter begins at nothing');
  });

  test('that was good for a while begins the waiting anew', async () => {
    const world = await playing();
    world.random = 0.999_999;
    for (const expected of [1, 1, 2]) {
      await world.cut();
      assert.equal(Math.round((world.client.retryAt - world.now) / 1000), expected);
      await world.pass(2_000);
      await world.welcome();
      if (expected === 1 && world.sockets.length === 2) await world.pass(11_000);
    }
  });

  test('by a restart is spread out', async () => {
    const world = await playing();
    world.random = 0.9;
    await world.cut(1012);
    assert.equal(world.client.retryAt - world.now, 9_000);
  });

  test('by a flood, a frame too big or a slow reader comes back', async () => {
    for (const code of [1001, 1006, 1008, 1009, 1011, 1013]) {
      const world = await playing();
      await world.cut(code);
      assert.equal(world.client.state, 'waiting', String(code));
    }
  });

  test('by a final code does not, until the learner says so', async () => {
    for (const code of [4400, 4403, 4408, 4429]) {
      const world = await playing();
      await world.cut(code);
      assert.equal(world.client.state, 'failed', String(code));
      assert.equal(world.player.isPlaying, false);
      await world.pass(120_000);
      assert.equal(world.sockets.length, 1);
      world.client.continueHere();
      await world.welcome();
      assert.equal(world.client.state, 'live');
    }
  });

  test('for a moment stops nothing, for longer it stops the picture', async () => {
    const world = await playing();
    await world.pass(5_000);
    world.random = 0.999_999;
    await world.cut();
    await world.pass(2_500);
    assert.equal(world.player.isPlaying, true);
    await world.pass(1_000);
    assert.equal(world.player.isPlaying, false);
    assert.equal(world.client.locked, 'offline');
    await world.welcome({ covered_ms: 5_000, furthest_ms: 5_000 });
    assert.equal(world.player.isPlaying, true);
  });

  test('is tried for five seconds', async () => {
    const world = new World();
    await world.start();
    await world.pass(4_900);
    assert.equal(world.client.state, 'connecting');
    await world.pass(500);
    assert.equal(world.client.state, 'waiting');
    assert.equal(world.socket.closedWith, 1000);
  });

  test('is known by the silence after a beat, whatever the socket says', async () => {
    const world = await playing();
    await world.pass(9_000);
    const { socket } = world;
    await world.pass(11_000, { credits: false });
    assert.equal(socket.readyState, 3);
    assert.equal(world.sockets.length, 2);
  });

  test('is looked at when the machine has slept', async () => {
    const world = await playing();
    await world.pass(5_000);
    world.player.pause();
    await world.pass(1_000);
    const before = world.beats().length;
    world.sleep(3_600_000);
    await world.pass(1_000, { credits: false });
    assert.equal(world.beats().length, before + 1);
    await world.pass(3_000, { credits: false });
    assert.equal(world.sockets.length, 2);
  });

  test('outlives a clock that is set back', async () => {
    const world = await playing();
    await world.pass(5_000);
    world.now -= 3_600_000;
    [...world.timers.values()].forEach((timer) => { timer.at -= 3_600_000; });
    const before = world.beats().length;
    await world.pass(21_000);
    assert.ok(world.beats().length >= before + 2);
    assert.equal(world.sockets.length, 1);
    await world.cut();
    world.now -= 3_600_000;
    [...world.timers.values()].forEach((timer) => { timer.at -= 3_600_000; });
    await world.pass(500);
    assert.equal(world.sockets.length, 2);
  });

  test('lives on after a sleep that it survived', async () => {
    const world = await playing();
    world.sleep(3_600_000);
    await world.pass(5_000);
    assert.equal(world.sockets.length, 1);
  });

  test('is given up when the network goes, and tried at once when it is back', async () => {
    const world = await playing();
    world.random = 0.999_999;
    await world.page('offline');
    assert.equal(world.socket.closedWith, 1000);
    assert.equal(world.client.state, 'waiting');
    await world.page('online');
    assert.equal(world.sockets.length, 2);
    await world.page('online');
    assert.equal(world.sockets.length, 2, 'one try at a time');
  });

  test('ends with the page, and comes back with it', async () => {
    const world = await playing();
    const { socket } = world;
    await world.page('pagehide', { persisted: true });
    assert.equal(socket.sent.pop().playing, false);
    assert.equal(socket.closedWith, 1000);
    await world.page('pageshow', { persisted: true });
    assert.equal(world.sockets.length, 2);
  });
});

describe('a reload', () => {
  test('resumes; beats count on; an answer without a verdict is sent again', async () => {
    const world = await playing();
    await world.challenge(1);
    const id = world.client.answer({ choices: ['o1'] });
    const { n } = world.beats().pop();
    await world.page('pagehide');
    world.open();
    await world.start();
    await world.welcome({ seq: 1, challenge: { seq: 1, challenge: 'c1', kind: 'true_false', stem: '?', options: [] } });
    assert.deepEqual(world.said('hello')[0].resume, { session: 's1', seq: 1 });
    assert.equal(world.said('answer')[0].command_id, id);
    assert.ok(world.beats()[0].n > n);
    assert.equal(world.told('ready').pop().resumed, true);
  });

  test('does not shorten a cool-down', async () => {
    const world = await playing();
    await world.challenge(1);
    world.client.answer({ choices: ['o1'] });
    await world.say({ t: 'verdict', seq: 2, challenge: 'c1', correct: false, continue: false, next_in_ms: 10_000 });
    world.open();
    await world.start();
    await world.welcome({ seq: 2 });
    assert.equal(world.client.locked, 'cooldown');
  });

  test('begins a new session where a page may keep nothing', async () => {
    const broken = () => { throw new Error('denied'); };
    const world = await playing({ sessionStorage: { getItem: broken, setItem: broken } });
    await world.challenge(1);
    assert.equal(world.client.locked, 'challenge');
  });

  test('is not confused by what something else has kept under its name', async () => {
    const world = await playing({ sessionStorage: { getItem: () => '{"session":', setItem: () => {} } });
    assert.equal(world.client.state, 'live');
    assert.equal(world.said('hello')[0].resume, undefined);
  });
});

describe('another page', () => {
  test('takes over for good; going on here is a new session', async () => {
    const world = await playing();
    await world.challenge(1);
    await world.cut(4409);
    assert.equal(world.client.state, 'takenover');
    assert.equal(world.told('takenover').length, 1);
    assert.equal(world.client.challenge, null);
    assert.equal(world.player.isPlaying, false);
    await world.page('online');
    await world.pass(600_000);
    assert.equal(world.sockets.length, 1);
    world.client.continueHere();
    await world.pass(0);
    await world.connect();
    assert.equal(world.said('hello')[0].resume, undefined);
  });
});

describe('the player', () => {
  test('may go where it was, and not beyond', async () => {
    const world = await playing();
    await world.pass(30_000);
    world.player.seek(10_000);
    await world.pass(1_000);
    world.player.seek(28_000);
    await world.pass(500);
    assert.ok(world.player.ms >= 28_000);
    world.player.seek(500_000);
    assert.ok(world.player.ms <= 31_000);
    assert.equal(world.told('notice').pop().code, 'seek_back');
  });

  test('goes back to where credit ended', async () => {
    const world = await playing();
    await world.pass(1_000);
    await world.pass(9_500, { credits: false });
    const beat = world.beats().pop();
    await world.say({ t: 'credit', n: beat.n, covered_ms: 4_000, furthest_ms: 4_000 });
    assert.equal(world.player.ms, 4_000);
  });

  test('plays no faster than earns', async () => {
    const world = await playing();
    world.player.setRate(16);
    assert.equal(world.player.speed, 1);
    world.player.setRate(0.5);
    assert.equal(world.player.speed, 0.5);
  });

  test('rests while the page is hidden', async () => {
    const world = await playing();
    await world.pass(1_000);
    await world.see('hidden');
    assert.equal(world.player.isPlaying, false);
    assert.equal(world.beats().pop().playing, false);
    await world.see('visible');
    assert.equal(world.player.isPlaying, true);
  });

  test('plays on hidden where the page wants it, and says it earns nothing', async () => {
    const world = await playing({ pauseWhenHidden: false });
    await world.pass(1_000);
    await world.see('hidden');
    assert.equal(world.player.isPlaying, true);
    assert.equal(world.beats().pop().playing, false);
  });

  test('stays paused if it was paused', async () => {
    const world = new World();
    await world.begin();
    await world.challenge(1);
    world.client.answer({ choices: ['o1'] });
    await world.say({ t: 'verdict', seq: 2, challenge: 'c1', correct: true, continue: true });
    assert.equal(world.player.isPlaying, false);
  });

  test('may be a foreign one of four functions', async () => {
    let ms = 0;
    let runs = true;
    const player = { play: () => { runs = true; }, pause: () => { runs = false; }, position: () => ms, seek: (to) => { ms = to; } };
    const world = new World({ player });
    await world.begin();
    world.client.notify('play');
    await world.pass(500);
    assert.equal(world.beats().pop().playing, true);
    await world.challenge(1);
    assert.equal(runs, false);
    // It starts all the same, and forgets to say so.
    runs = true;
    ms += 1_000;
    await world.pass(250);
    assert.equal(runs, false);
    world.client.answer({ choices: ['o1'] });
    await world.say({ t: 'verdict', seq: 2, challenge: 'c1', correct: true, continue: true });
    assert.equal(runs, true);
    // A jump that was not told either.
    ms = 400_000;
    await world.pass(250);
    assert.ok(ms < 10_000);
  });
});

describe('the end', () => {
  test('of the lesson frees the player and forgets the session', async () => {
    const world = await playing();
    await world.challenge(1);
    world.client.answer({ choices: ['o1'] });
    await world.say({ t: 'verdict', seq: 2, challenge: 'c1', correct: true, continue: true });
    await world.say({ t: 'complete', seq: 3, hours_granted: 2.5 });
    assert.equal(world.told('complete')[0].hours_granted, 2.5);
    assert.equal(world.socket.closedWith, 1000);
    assert.equal(world.client.locked, '');
    world.player.seek(599_000);
    assert.equal(world.player.ms, 599_000);
    await world.pass(120_000);
    assert.equal(world.sockets.length, 1);
    assert.equal(JSON.parse(world.store.get('exam-lesson:l1')).session, '');
  });

  test('of the element leaves nothing behind', async () => {
    const world = await playing();
    const { socket } = world;
    world.client.stop();
    assert.equal(socket.closedWith, 1000);
    assert.equal(world.timers.size, 0);
    assert.equal(world.listeners.size, 0);
    const told = world.events.length;
    world.player.play();
    await world.say({ t: 'challenge', seq: 1, challenge: 'c1' });
    assert.equal(world.events.length, told);
    assert.equal(world.player.isPlaying, true);
  });
});

test('both files together are small', async () => {
  const sizes = await Promise.all(['exam-lesson-core.js', 'exam-lesson.js'].map(async (name) => gzipSync(await source(name), { level: 9 }).length));
  const sum = sizes[0] + sizes[1];
  assert.ok(sum > 4_096, 'this measures nothing');
  assert.ok(sum <= 12 * 1024, `${sum} bytes`);
});

test('the style sheet for older browsers says what the component says', async () => {
  const [, dark] = /^const DARK = '(.+)';$/m.exec(String(await source('exam-lesson.js')));
  const [, style] = /^const STYLE = `([^`]+)`;$/m.exec(String(await source('exam-lesson.js')));
  assert.equal(String(await source('exam-lesson.css')), `${style.split('${DARK}').join(dark)}\n`);
});

test('every text that is asked for is there, in both languages', async () => {
  const component = String(await source('exam-lesson.js'));
  const there = new Map([...component.matchAll(/^  (\w+): \['(.+)', '(.+)'\],$/gm)].map(([, key, ...texts]) => [key, texts]));
  assert.ok(there.size > 20, 'this finds nothing');
  const asked = [...component.matchAll(/\bt\(([^)]*)/g)].flatMap(([, inside]) => inside.match(/'(\w+)'/g) || []);
  assert.ok(asked.length > 15, 'this finds nothing');
  const missing = asked.map((key) => key.slice(1, -1)).filter((key) => !there.has(key) && !['live', 'numeric', 'multiple_choice'].includes(key));
  assert.deepEqual(missing, []);
  for (const [key, [chinese, english]] of there) {
    assert.match(chinese, /[\u4e00-\u9fff]/, key);
    assert.doesNotMatch(english, /[\u4e00-\u9fff]/, key);
  }
});
