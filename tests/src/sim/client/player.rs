//! Players of lessons: honest ones with jitter, pauses, sleeps, reloads and second devices, and liars with
//! forged positions and rates, beats under an open challenge, replays and old studies.

use super::device::respond;
use crate::sim::checker::LessonSeen;
use crate::sim::env::Env;
use crate::sim::rng::Rng;
use crate::sim::schedule::{Event, NodeIndex};
use crate::sim::socket::{ConnId, PlayerIndex, Push, Saying, Says, Welcome};
use exam_core::lesson::{Beat, Told, ToldWhat};
use exam_core::log::CommandId;
use exam_core::{ChallengeId, LessonId, PersonId, StudyId};
use question_bank::Response;
use question_bank::draw::DrawnQuestion;
use std::sync::Arc;

/// After so long without a word from the server a connection is taken for dead.
const DEAF_MS: i64 = 14_000;

/// All players.
pub(crate) struct Players(Vec<Player>);

struct Player {
    learner: PersonId,
    liar: bool,
    /// Percent of questions answered right.
    skill: u64,
    lesson: LessonId,
    conn: Option<Conn>,
    study: Option<StudyId>,
    old_study: Option<StudyId>,
    told: u32,
    n: u64,
    /// Where the player was when, and whether it goes on.
    position_ms: i64,
    at_ms: i64,
    playing: bool,
    challenge: Option<Open>,
    answer: Option<Answer>,
    /// Answers of earlier challenges, for those who try them again.
    answered: Vec<Answer>,
    /// Nothing is done before.
    away_until: i64,
    /// Only the latest planned look around is one.
    looks: u64,
}

#[derive(Clone, Copy)]
struct Conn {
    id: ConnId,
    node: NodeIndex,
    heard_ms: i64,
    welcomed: bool,
}

struct Open {
    challenge: ChallengeId,
    question: DrawnQuestion,
    think_until: i64,
}

#[derive(Clone)]
struct Answer {
    command: CommandId,
    challenge: ChallengeId,
    response: Response,
    sent_ms: i64,
}

impl Players {
    pub(crate) fn new(env: &mut Env) -> Self {
        let world = Arc::clone(&env.world);
        let mut players = Vec::new();
        for learner in &world.learners {
            for _ in 0..env.rng.between(1, 2) {
                let Some(lesson) = env.rng.pick(&world.facts.lessons).map(|lesson| lesson.id) else { continue };
                let delay = env.rng.between(0, 30_000);
                env.later(delay, Event::Play(players.len(), 0));
                players.push(Player::new(learner.person, lesson, &mut env.rng));
            }
        }
        Self(players)
    }

    /// A player looks around.
    pub(crate) fn look(&mut self, env: &mut Env, index: PlayerIndex, look: u64) {
        let Some(player) = self.0.get_mut(index).filter(|player| player.looks == look) else { return };
        player.act(env, index);
        if !env.is_rough() {
            return player.leave(env);
        }
        let pause = player.pause_ms(env);
        player.look_in(env, index, pause);
    }

    /// A player is told something.
    pub(crate) fn told(&mut self, env: &mut Env, index: PlayerIndex, conn: ConnId, push: Push) {
        let Some(player) = self.0.get_mut(index) else { return };
        let Some(open) = player.conn.as_mut().filter(|open| open.id == conn && !env.is_cut(conn)) else { return };
        open.heard_ms = env.now_ms;
        env.note(|| format!("player {index} of {} told {push:?}", player.learner));
        player.hears(env, index, push);
    }
}

impl Player {
    fn new(learner: PersonId, lesson: LessonId, rng: &mut Rng) -> Self {
        Self {
            learner,
            liar: rng.percent(40),
            skill: rng.between(30, 100) as u64,
            lesson,
            conn: None,
            study: None,
            old_study: None,
            told: 0,
            n: 0,
            position_ms: 0,
            at_ms: 0,
            playing: false,
            challenge: None,
            answer: None,
            answered: Vec::new(),
            away_until: 0,
            looks: 0,
        }
    }

    fn look_in(&mut self, env: &mut Env, index: PlayerIndex, delay: i64) {
        self.looks += 1;
        env.later(delay.max(1), Event::Play(index, self.looks));
    }

    fn pause_ms(&self, env: &mut Env) -> i64 {
        let thinks = self.challenge.as_ref().map(|open| open.think_until - env.now_ms).filter(|left| *left > 0);
        let beat = 5_000 + env.rng.between(-200, 400);
        let pause = match env.rng.below(100) {
            // The phone sleeps.
            0..3 => env.rng.between(13_000, 70_000),
            3..8 if self.liar => env.rng.between(20, 500),
            _ => thinks.map_or(beat, |left| left.min(beat)),
        };
        pause.max(self.away_until - env.now_ms)
    }

    fn act(&mut self, env: &mut Env, index: PlayerIndex) {
        if env.now_ms < self.away_until || !env.is_rough() {
            return;
        }
        if self.conn.is_some_and(|conn| env.now_ms - conn.heard_ms > DEAF_MS) {
            self.leave(env);
        }
        let Some(conn) = self.conn else { return self.connect(env, index) };
        if !conn.welcomed {
            return;
        }
        match env.rng.below(100) {
            0..2 => return self.reload(env, index),
            2..3 => return self.other_lesson(env, index),
            3..4 => return self.leave(env),
            4..7 => self.position_ms = env.rng.between(0, self.position_ms.max(1)),
            7..9 if self.challenge.is_none() => self.playing = !self.playing,
            9..40 if self.liar => return self.lie(env, index),
            _ => {}
        }
        self.answer_if_due(env, index);
        if self.challenge.is_none() && env.rng.percent(60) {
            self.playing = true;
        }
        self.beat(env, index);
    }

    fn connect(&mut self, env: &mut Env, index: PlayerIndex) {
        let (id, node) = (env.open_conn(), env.rng.below(u64::from(env.world.nodes)) as NodeIndex);
        self.conn = Some(Conn { id, node, heard_ms: env.now_ms, welcomed: false });
        let resume = self.study.map(|study| (study, self.told));
        self.say(env, index, Says::Hello { lesson: self.lesson, resume });
    }

    /// The page is gone, and what it knew with it; sometimes without a farewell.
    fn reload(&mut self, env: &mut Env, index: PlayerIndex) {
        self.forget();
        if let (Some(conn), true) = (self.conn, env.rng.percent(50)) {
            env.later(1, Event::Lost(conn.node, self.learner, conn.id));
        }
        self.conn = None;
        self.connect(env, index);
    }

    fn other_lesson(&mut self, env: &mut Env, index: PlayerIndex) {
        let world = Arc::clone(&env.world);
        if let Some(other) = env.rng.pick(&world.facts.lessons) {
            self.lesson = other.id;
            self.reload(env, index);
        }
    }

    fn forget(&mut self) {
        self.old_study = self.study.take().or(self.old_study);
        (self.told, self.n, self.playing) = (0, 0, false);
        (self.challenge, self.answer) = (None, None);
    }

    fn leave(&mut self, env: &mut Env) {
        if let Some(conn) = self.conn.take() {
            let delay = env.rng.between(1, 10_000);
            env.later(delay, Event::Lost(conn.node, self.learner, conn.id));
        }
        self.playing = false;
    }

    fn say(&self, env: &mut Env, index: PlayerIndex, says: Says) {
        let Some(conn) = self.conn else { return };
        env.note(|| format!("player {index} of {} says {says:?} to node {}", self.learner, conn.node + 1));
        env.say(conn.node, Saying { conn: conn.id, player: index, learner: self.learner, says });
    }

    /// Where the player is by now, and a beat from there.
    fn beat(&mut self, env: &mut Env, index: PlayerIndex) {
        let duration = env.world.facts.lesson(self.lesson).map_or(0, |lesson| lesson.rules.duration_ms);
        let rate = env.world.facts.lesson(self.lesson).map_or(100, |lesson| lesson.rules.policy.max_rate.hundredths());
        if self.playing {
            let played = (env.now_ms - self.at_ms) * rate / 100;
            self.position_ms = (self.position_ms + played).min(duration);
        }
        self.at_ms = env.now_ms;
        self.n += 1;
        let beat = Beat { n: self.n, position_ms: self.position_ms, playing: self.playing, rate: rate as f64 / 100.0 };
        self.say(env, index, Says::Beat(beat));
    }

    /// Moves to a place and tells it, as every play, pause and seek does.
    fn go(&mut self, env: &mut Env, index: PlayerIndex, position_ms: i64, playing: bool) {
        (self.position_ms, self.at_ms, self.playing) = (position_ms, env.now_ms, playing);
        self.beat(env, index);
    }

    fn answer_if_due(&mut self, env: &mut Env, index: PlayerIndex) {
        if let Some(answer) = self.answer.as_mut() {
            if env.now_ms - answer.sent_ms > 3_000 {
                answer.sent_ms = env.now_ms;
                let Answer { command, challenge, response, .. } = answer.clone();
                self.say(env, index, Says::Answer { command, challenge, response });
            }
            return;
        }
        let Some(open) = self.challenge.as_ref().filter(|open| env.now_ms >= open.think_until) else { return };
        let world = Arc::clone(&env.world);
        let Some(lesson) = world.facts.lesson(self.lesson) else { return };
        let said = respond(&mut env.rng, &lesson.pool, open.question.slot(), self.skill);
        let Some(response) = said else { return };
        let answer = Answer { command: env.rng.uuid(), challenge: open.challenge, response, sent_ms: env.now_ms };
        self.answer = Some(answer.clone());
        let Answer { command, challenge, response, .. } = answer;
        self.say(env, index, Says::Answer { command, challenge, response });
    }

    /// What scripts do.
    fn lie(&mut self, env: &mut Env, index: PlayerIndex) {
        let duration = env.world.facts.lesson(self.lesson).map_or(0, |lesson| lesson.rules.duration_ms);
        match env.rng.below(8) {
            0 => {
                let end = env.rng.between(self.position_ms, duration);
                self.go(env, index, end, true);
            }
            1 => {
                // Sixteen times as fast.
                for _ in 0..3 {
                    self.n += 1;
                    self.position_ms = (self.position_ms + 80_000).min(duration);
                    let beat = Beat { n: self.n, position_ms: self.position_ms, playing: true, rate: 16.0 };
                    self.say(env, index, Says::Beat(beat));
                }
                self.at_ms = env.now_ms;
            }
            // On with it, whatever is open.
            2 | 3 => {
                self.playing = true;
                self.beat(env, index);
            }
            4 => {
                if let Some(old) = env.rng.pick(&self.answered).cloned() {
                    let challenge = self.challenge.as_ref().map_or(old.challenge, |open| open.challenge);
                    let challenge = if env.rng.percent(50) { old.challenge } else { challenge };
                    self.say(env, index, Says::Answer { command: old.command, challenge, response: old.response });
                }
            }
            5 => {
                let answer = self.answer.clone().or_else(|| self.answered.last().cloned());
                if let Some(Answer { challenge, response, .. }) = answer {
                    let command = env.rng.uuid();
                    self.say(env, index, Says::Answer { command, challenge, response });
                }
            }
            6 => {
                // An old study is taken up again.
                if let Some(old) = self.old_study {
                    self.leave(env);
                    self.study = Some(old);
                    self.connect(env, index);
                }
            }
            _ => {
                let beat = Beat { n: self.n, position_ms: duration, playing: true, rate: 1.0 };
                self.say(env, index, Says::Beat(beat));
            }
        }
    }

    fn hears(&mut self, env: &mut Env, index: PlayerIndex, push: Push) {
        match push {
            Push::Welcome(welcome) => self.welcomed(env, index, *welcome),
            Push::Credit { covered_ms, furthest_ms } => {
                self.saw(env, index, |who| LessonSeen::Credited { who, covered_ms });
                // Ahead of what counts: back, or nothing is earned any more.
                if !self.liar && self.position_ms > furthest_ms + 2_000 && self.challenge.is_none() {
                    self.go(env, index, furthest_ms, self.playing);
                }
            }
            Push::Told { told, json, command, again } => {
                self.saw(env, index, |who| LessonSeen::Told { who, told: told.clone(), json, command, again });
                self.tells(env, index, told);
            }
            Push::Resync { told } => {
                self.told = told;
                self.saw(env, index, |who| LessonSeen::Resynced { who, told });
            }
            Push::Refused { command, refusal } => {
                let why = refusal.to_string();
                self.saw(env, index, |who| LessonSeen::Refused { who, command, why });
                self.refused(env, command);
            }
            Push::Closed { taken_over } => {
                self.conn = None;
                self.playing = false;
                if taken_over {
                    self.forget();
                    self.away_until = env.now_ms + env.rng.between(5_000, 120_000);
                }
            }
        }
    }

    fn saw(&self, env: &mut Env, index: PlayerIndex, seen: impl FnOnce(crate::sim::checker::Who) -> LessonSeen) {
        let Some(study) = self.study else { return };
        let who = crate::sim::checker::Who {
            real_ms: env.now_ms,
            player: index,
            learner: self.learner,
            lesson: self.lesson,
            study,
        };
        env.lessons.seen.push(seen(who));
    }

    fn welcomed(&mut self, env: &mut Env, index: PlayerIndex, welcome: Welcome) {
        let Welcome { lesson, study, told, covered_ms, furthest_ms, challenge } = welcome;
        if let Some(conn) = &mut self.conn {
            conn.welcomed = true;
        }
        // What was missed follows, and begins where the last word ended.
        let resumed = self.study == Some(study);
        self.study = Some(study);
        self.lesson = lesson;
        if !resumed {
            self.told = told;
        }
        self.saw(env, index, |who| LessonSeen::Welcomed { who, covered_ms, told: (!resumed).then_some(told) });
        let position =
            if self.liar { self.position_ms } else { furthest_ms.min(self.position_ms.max(furthest_ms - 500)) };
        (self.challenge, self.answer) = (None, None);
        if let Some(Told { what: ToldWhat::Challenge { challenge, question, .. }, .. }) = challenge {
            self.asked(env, challenge, question);
        }
        let playing = self.challenge.is_none();
        self.go(env, index, position, playing);
    }

    fn asked(&mut self, env: &mut Env, challenge: ChallengeId, question: DrawnQuestion) {
        if self.challenge.as_ref().is_some_and(|open| open.challenge == challenge) {
            return;
        }
        // Mostly a few seconds; now and then nobody is there.
        let think = if env.rng.percent(12) { env.rng.between(15_000, 60_000) } else { env.rng.between(500, 7_000) };
        self.challenge = Some(Open { challenge, question, think_until: env.now_ms + think });
        self.answer = None;
        self.playing = false;
    }

    fn tells(&mut self, env: &mut Env, index: PlayerIndex, told: Told) {
        self.told = self.told.max(told.seq);
        match told.what {
            ToldWhat::Challenge { challenge, question, .. } => {
                self.asked(env, challenge, question);
                if !self.liar {
                    self.beat(env, index);
                }
                let think = self.challenge.as_ref().map_or(0, |open| open.think_until - env.now_ms);
                self.look_in(env, index, think.clamp(1, 5_000));
            }
            ToldWhat::Verdict { challenge, correct, continues, rewind_to_ms, .. } => {
                if self.challenge.as_ref().is_some_and(|open| open.challenge == challenge) {
                    self.challenge = None;
                }
                self.answered.extend(self.answer.take());
                let to = rewind_to_ms.unwrap_or(self.position_ms);
                if correct && continues {
                    self.go(env, index, to, true);
                } else {
                    (self.position_ms, self.playing) = (to, false);
                }
            }
            ToldWhat::Locked { .. } => self.playing = false,
            ToldWhat::Completed { .. } => {
                if env.rng.percent(70) {
                    self.away_until = env.now_ms + env.rng.between(1_000, 20_000);
                    let world = Arc::clone(&env.world);
                    self.lesson = env.rng.pick(&world.facts.lessons).map_or(self.lesson, |lesson| lesson.id);
                    self.leave(env);
                    self.forget();
                    (self.position_ms, self.answered) = (0, Vec::new());
                }
            }
        }
    }

    /// The answer is settled, one way or another.
    fn refused(&mut self, env: &mut Env, command: Option<CommandId>) {
        let settled = self.answer.as_ref().is_some_and(|answer| Some(answer.command) == command);
        if settled {
            self.answered.extend(self.answer.take());
            if let Some(open) = &mut self.challenge {
                open.think_until = env.now_ms + 2_000;
            }
        }
    }
}
