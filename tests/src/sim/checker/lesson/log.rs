//! One lesson's log, read from the first step to the last: the rules of challenges, cool-downs, moments
//! and completion once more, in other words.

use super::evidence::{LessonFacts, LessonPays, StoredLesson, StoredLessonStep};
use crate::sim::checker::evidence::Evidence;
use crate::sim::checker::{Found, Promise};
use exam_core::attempt::command::Actor;
use exam_core::hours::GrantSource;
use exam_core::lesson::{Coverage, Exhausted, LessonStep, LessonStepBody, Told, ToldWhat};
use exam_core::log::CommandId;
use exam_core::{ChallengeId, LessonId, PersonId, Timestamp};
use exam_store::ProgressState;
use question_bank::draw::DrawnQuestion;
use question_bank::marking::{check_response, mark};
use question_bank::{ItemIndex, Points, Response, ScoringRule};
use std::collections::{BTreeMap, BTreeSet};

/// What a log told.
pub(super) struct WalkedLesson<'a> {
    pub(super) stored: &'a StoredLesson,
    pub(super) facts: &'a LessonFacts,
    pub(super) steps: Vec<LessonStep>,
    /// What has to have been told, by number.
    pub(super) told: Vec<Told>,
    /// The verdicts by their commands.
    pub(super) verdicts: BTreeMap<CommandId, u32>,
    /// For each step what is covered after it, and whether more may be earned before the next.
    pub(super) after: Vec<(Coverage, bool)>,
    pub(super) grants: Vec<(LessonStep, u64)>,
    pub(super) completed: Option<u64>,
}

impl WalkedLesson<'_> {
    pub(super) fn learner(&self) -> PersonId {
        self.stored.row.learner
    }

    pub(super) fn lesson(&self) -> LessonId {
        self.stored.row.lesson
    }
}

struct Question {
    challenge: ChallengeId,
    drawn: DrawnQuestion,
    until: Timestamp,
}

/// What comes before more can be earned.
enum Waits {
    /// Nothing: it plays.
    No,
    /// The answer.
    Answer(Question),
    /// A question, not before that time.
    Question(Timestamp),
    /// Nothing comes any more.
    Over,
}

struct Walk<'a, 'f> {
    found: &'f mut Found,
    facts: &'a LessonFacts,
    name: String,
    covered: Coverage,
    waits: Waits,
    due_ms: Option<i64>,
    epoch: u64,
    asked: u32,
    passed: u32,
    wrong_in_row: u32,
    used: BTreeSet<ItemIndex>,
    last: Option<ItemIndex>,
    told: Vec<Told>,
    completed: Option<u64>,
    granted: bool,
}

pub(super) fn walk<'a>(
    evidence: &'a Evidence<'a>,
    stored: &'a StoredLesson,
    found: &mut Found,
) -> Option<WalkedLesson<'a>> {
    let name = format!("{} in {}", stored.row.learner, stored.row.lesson);
    let facts = evidence.facts.lesson(stored.row.lesson)?;
    let steps = chain(stored, &name, found)?;
    let mut walk = Walk {
        found,
        facts,
        name,
        covered: Coverage::new(),
        waits: Waits::No,
        due_ms: None,
        epoch: 0,
        asked: 0,
        passed: 0,
        wrong_in_row: 0,
        used: BTreeSet::new(),
        last: None,
        told: Vec::new(),
        completed: None,
        granted: false,
    };
    let (mut verdicts, mut after, mut grants) = (BTreeMap::new(), Vec::new(), Vec::new());
    for (step, at) in steps.iter().zip(&stored.steps) {
        walk.step(step, at.commit);
        after.push((walk.covered.clone(), matches!(walk.waits, Waits::No)));
        if let (LessonStepBody::Answered { .. }, Some((command, _))) = (&step.body, step.command) {
            let first = verdicts.insert(command, walk.told.len() as u32).is_none();
            walk.holds(first, Promise::P8, || format!("step {} takes a command that was taken before", step.seq));
        }
        if let LessonStepBody::HoursGranted { .. } = &step.body {
            grants.push((step.clone(), at.commit));
        }
    }
    walk.row(stored);
    let Walk { told, completed, .. } = walk;
    Some(WalkedLesson { stored, facts, steps, told, verdicts, after, grants, completed })
}

/// P7: numbers without gaps, times that do not go back, hashes that link, the learner's own doing.
fn chain(stored: &StoredLesson, name: &str, found: &mut Found) -> Option<Vec<LessonStep>> {
    let mut steps: Vec<LessonStep> = Vec::with_capacity(stored.steps.len());
    let (mut head, mut last_at) = ([0; 32], None);
    for (StoredLessonStep { row, .. }, number) in stored.steps.iter().zip(1_u32..) {
        let whose = (row.learner, row.log, row.actor) == (stored.row.learner, stored.row.lesson, Some(row.learner));
        let whole = row.seq == number && row.link(&head) == row.hash && last_at.is_none_or(|last| last <= row.at);
        found.unless(whose && whole, Promise::P7, || format!("{name}: step {} does not follow from {number}", row.seq));
        (head, last_at) = (row.hash, Some(row.at));
        match row.read() {
            Ok(step) => steps.push(step),
            Err(error) => {
                found.unless(false, Promise::P7, || format!("{name}: {error}"));
                return None;
            }
        }
    }
    Some(steps)
}

impl Walk<'_, '_> {
    fn holds(&mut self, holds: bool, promise: Promise, detail: impl FnOnce() -> String) {
        let name = &self.name;
        self.found.unless(holds, promise, || format!("{name}: {}", detail()));
    }

    fn tell(&mut self, at: Timestamp, what: ToldWhat) {
        self.told.push(Told { seq: self.told.len() as u32 + 1, at, what });
    }

    fn threshold_ms(&self) -> i64 {
        let rules = &self.facts.rules;
        let slack = rules.policy.end_slack_ms.min(rules.duration_ms / 20);
        rules.duration_ms * i64::from(rules.policy.coverage_min_percent) / 100 - slack
    }

    fn is_enough(&self) -> bool {
        let policy = &self.facts.rules.policy;
        self.passed >= policy.challenges_min && self.passed * 100 >= self.asked * policy.correct_share_min_percent
    }

    fn step(&mut self, step: &LessonStep, commit: u64) {
        let by_the_learner = matches!(step.actor, Actor::Person(_));
        let opens = matches!(step.body, LessonStepBody::Opened(_));
        let after = matches!(self.waits, Waits::Over) && !matches!(step.body, LessonStepBody::HoursGranted { .. });
        self.holds(by_the_learner, Promise::P7, || format!("step {} is by nobody", step.seq));
        self.holds(!after || opens, Promise::P9, || format!("step {} after the completion: {:?}", step.seq, step.body));
        match &step.body {
            LessonStepBody::Opened(opened) => {
                let (epoch, due_ms) = (opened.epoch, opened.next_at_ms);
                self.holds(epoch > self.epoch, Promise::P6, || format!("study {epoch} is opened after a later one"));
                self.epoch = epoch;
                self.grown(&opened.covered, step.seq);
                if step.seq == 1 {
                    self.due(due_ms, step.seq);
                } else {
                    let keeps = due_ms == self.due_ms.filter(|_| matches!(self.waits, Waits::No));
                    self.holds(keeps, Promise::Challenge, || format!("step {} moves the next challenge", step.seq));
                }
            }
            LessonStepBody::Challenged { .. } => self.challenged(step),
            LessonStepBody::Lapsed { challenge } => {
                let lapses =
                    matches!(&self.waits, Waits::Answer(open) if open.challenge == *challenge && step.at > open.until);
                self.holds(lapses, Promise::Challenge, || format!("step {} lapses what did not", step.seq));
                self.waits = Waits::Question(step.at);
            }
            LessonStepBody::Answered { challenge, response, correct, covered, rewind_to_ms, retry_at, next_at_ms } => {
                self.answered(step, *challenge, response, *correct);
                if *correct {
                    self.right(step, covered, *next_at_ms);
                } else {
                    self.wrong(step, covered, *rewind_to_ms, *retry_at);
                }
                let verdict = ToldWhat::Verdict {
                    challenge: *challenge,
                    correct: *correct,
                    continues: next_at_ms.is_some(),
                    retry_at: *retry_at,
                    rewind_to_ms: *rewind_to_ms,
                };
                self.tell(step.at, verdict);
            }
            LessonStepBody::Locked { until, covered } => {
                self.grown(covered, step.seq);
                let policy = &self.facts.rules.policy;
                let allowed = policy.exhausted == Exhausted::Lock
                    && self.used.len() == self.facts.pool.len()
                    && until.since(step.at) == policy.lock_ms;
                self.holds(allowed, Promise::Challenge, || format!("step {} locks without reason", step.seq));
                self.used.clear();
                self.waits = Waits::Question(*until);
                self.tell(step.at, ToldWhat::Locked { until: *until });
            }
            LessonStepBody::Completed { covered, asked, passed } => {
                self.grown(covered, step.seq);
                let complete = covered.total() >= self.threshold_ms() && self.is_enough();
                let counts = (*asked, *passed) == (self.asked, self.passed);
                let free = matches!(self.waits, Waits::No);
                self.holds(complete && counts && free, Promise::P3, || {
                    format!("step {} completes with {} ms, {passed} of {asked} passed", step.seq, covered.total())
                });
                self.waits = Waits::Over;
                self.completed = Some(commit);
                self.tell(step.at, ToldWhat::Completed { hours: Points::ZERO });
            }
            LessonStepBody::HoursGranted { .. } => self.hours(step, commit),
        }
    }

    /// What is covered may have grown since the last step only while it played; and it has no holes.
    fn grown(&mut self, covered: &Coverage, seq: u32) {
        let playing = matches!(self.waits, Waits::No);
        let same = *covered == self.covered;
        // What was earned since the last step may have been lost; what that step says never is.
        let larger = covered.contains(0, self.covered.furthest());
        self.holds(same || (playing && larger), Promise::Credit, || format!("step {seq} has {covered:?} covered"));
        self.shape(covered, seq);
        self.covered = covered.clone();
    }

    fn shape(&mut self, covered: &Coverage, seq: u32) {
        let whole = covered.total() == covered.furthest() && covered.furthest() <= self.facts.rules.duration_ms;
        self.holds(whole, Promise::Credit, || format!("step {seq} covers what was jumped over: {covered:?}"));
    }

    fn challenged(&mut self, step: &LessonStep) {
        let LessonStepBody::Challenged { challenge, number, question, covered, answer_until, .. } = &step.body else {
            return;
        };
        let seq = step.seq;
        self.grown(covered, seq);
        let total = covered.total();
        let in_time = match &self.waits {
            Waits::No => self.due_ms.is_none_or(|due| total >= due) || total >= self.threshold_ms(),
            Waits::Question(from) => step.at >= *from,
            Waits::Answer(_) | Waits::Over => false,
        };
        let (due, asked) = (self.due_ms, self.asked);
        self.holds(in_time, Promise::Challenge, || format!("step {seq} asks at {total} ms, due at {due:?}"));
        let counts = *number == asked + 1;
        self.holds(counts, Promise::Challenge, || format!("step {seq} is challenge {number} after {asked}"));
        let (pool, policy) = (&self.facts.pool, &self.facts.rules.policy);
        let all_used = self.used.len() == pool.len();
        let fresh = !self.used.contains(&question.item) || (all_used && policy.exhausted == Exhausted::Repeat);
        let another = self.last != Some(question.item) || pool.len() == 1;
        let alone = pool.len() == 1 && self.used.is_empty();
        let exists = question.item.get() < pool.len();
        self.holds(exists && another && (fresh || alone), Promise::Challenge, || {
            format!("step {seq} asks {question:?} again, or an item that is not there")
        });
        let within = answer_until.since(step.at) == policy.answer_within_ms;
        self.holds(within, Promise::Challenge, || format!("step {seq} may be answered until {answer_until}"));
        if !self.used.insert(question.item) {
            self.used = [question.item].into();
        }
        (self.last, self.asked, self.due_ms) = (Some(question.item), *number, None);
        let what =
            ToldWhat::Challenge { challenge: *challenge, question: question.clone(), answer_until: *answer_until };
        self.tell(step.at, what);
        self.waits = Waits::Answer(Question { challenge: *challenge, drawn: question.clone(), until: *answer_until });
    }

    /// One answer for the open challenge, in time, and marked by its key.
    fn answered(&mut self, step: &LessonStep, challenge: ChallengeId, response: &Response, correct: bool) {
        let seq = step.seq;
        let Waits::Answer(open) = &self.waits else {
            return self.holds(false, Promise::Challenge, || format!("step {seq} answers what is not asked"));
        };
        let (is_it, in_time) = (open.challenge == challenge, step.at <= open.until);
        let slot = open.drawn.slot();
        let said = check_response(&self.facts.pool, slot, response);
        let key = self.facts.pool.key(slot.item);
        let marked = said
            .ok()
            .zip(key)
            .map(|(said, key)| mark(key, Some(&said), ScoringRule::AllOrNothing, Points::whole(1)).correct);
        self.holds(is_it && in_time, Promise::Challenge, || {
            format!("step {seq} answers {challenge}, too late or not open")
        });
        self.holds(marked == Some(correct), Promise::P5, || format!("step {seq} says {correct}, the key {marked:?}"));
    }

    fn right(&mut self, step: &LessonStep, covered: &Coverage, next_at_ms: Option<i64>) {
        self.grown(covered, step.seq);
        (self.passed, self.wrong_in_row) = (self.passed + 1, 0);
        self.waits = Waits::No;
        self.due_ms = None;
        let total = covered.total();
        if total >= self.threshold_ms() {
            // It ends here, or is asked on at once.
            let ends = next_at_ms == self.is_enough().then_some(total);
            return self.holds(ends, Promise::Challenge, || format!("step {} goes on behind the end", step.seq));
        }
        self.due(next_at_ms, step.seq);
    }

    /// The next challenge is due within the policy's gaps.
    fn due(&mut self, next_at_ms: Option<i64>, seq: u32) {
        let policy = &self.facts.rules.policy;
        let total = self.covered.total();
        let missing = i64::from(policy.challenges_min.saturating_sub(self.passed));
        let room = if missing > 0 { (self.threshold_ms() - total) / missing } else { i64::MAX };
        let most = policy.gap_max_ms.min(room);
        let least = if most == policy.gap_max_ms { policy.gap_min_ms } else { policy.gap_min_ms.min(most / 2) };
        let within = next_at_ms.is_some_and(|next| (total + least..=total + most).contains(&next));
        self.holds(within, Promise::Challenge, || {
            format!("step {seq}: next at {next_at_ms:?}, {least} to {most} after {total}")
        });
        self.due_ms = next_at_ms;
    }

    /// A wrong answer costs coverage and time, more with each.
    fn wrong(&mut self, step: &LessonStep, covered: &Coverage, rewind_to_ms: Option<i64>, retry_at: Option<Timestamp>) {
        let policy = &self.facts.rules.policy;
        self.wrong_in_row += 1;
        let mut wait = policy.cooldown_ms as f64;
        for _ in 1..self.wrong_in_row {
            wait *= f64::from(policy.cooldown_growth_percent) / 100.0;
        }
        let wait = (wait as i64).min(policy.cooldown_max_ms);
        let back_to = (self.covered.furthest() - policy.rewind_ms).max(0);
        let costs = retry_at.is_some_and(|at| at.since(step.at) == wait)
            && rewind_to_ms == (policy.rewind_ms > 0).then_some(back_to)
            && covered.total() == covered.furthest()
            && covered.furthest() == self.covered.furthest().min(if policy.rewind_ms > 0 { back_to } else { i64::MAX });
        self.holds(costs, Promise::Challenge, || {
            format!("step {}: a wrong answer costs {rewind_to_ms:?} and {retry_at:?}", step.seq)
        });
        self.covered = covered.clone();
        self.waits = Waits::Question(retry_at.unwrap_or(step.at));
    }

    /// P3: beside the completion, what the lesson grants and no more.
    fn hours(&mut self, step: &LessonStep, commit: u64) {
        let LessonStepBody::HoursGranted { course, credit_year, bucket, hours, source, .. } = &step.body else {
            return;
        };
        let facts = self.facts;
        let expected = match facts.pays {
            LessonPays::Nothing => None,
            LessonPays::ItsOwn { hours } => Some((GrantSource::Lesson { lesson: facts.id }, hours)),
            LessonPays::AsSet { hours } => Some((GrantSource::Lessons { lesson: facts.id }, hours)),
        };
        let of_the_lesson = expected == Some((*source, *hours))
            && (*course, *credit_year, *bucket) == (facts.course, facts.credit_year, facts.bucket);
        let earned = self.completed == Some(commit) && !std::mem::replace(&mut self.granted, true);
        self.holds(of_the_lesson && earned, Promise::P3, || {
            format!("step {} grants what the lesson does not, or apart from its completion", step.seq)
        });
        if let Some(Told { what: ToldWhat::Completed { hours: told }, .. }) = self.told.last_mut() {
            *told = *hours;
        }
    }

    /// The row says what the log says.
    fn row(&mut self, stored: &StoredLesson) {
        let row = &stored.row;
        let same = row.seq as usize == stored.steps.len()
            && row.epoch == self.epoch
            && (row.state == ProgressState::Completed) == self.completed.is_some();
        let covers = row.covered == self.covered || matches!(self.waits, Waits::No);
        self.holds(same && covers, Promise::P12, || format!("the row says {row:?}"));
    }
}
