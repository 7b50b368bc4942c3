//! One attempt's log, read from the first step to the last: P2, P4, P5, P7, P9 and its part of P3.

use super::evidence::{Evidence, ExamFacts, Observed, StoredAttempt, StoredStep};
use super::review::Review;
use super::{Found, Promise};
use exam_core::attempt::command::Actor;
use exam_core::attempt::{Grade, Mode, Started, Step, StepBody};
use exam_core::exam::{Override, PersonalRules};
use exam_core::{AttemptId, PersonId, Timestamp};
use question_bank::draw::{Avoid, Seed};
use question_bank::marking::{check_response, grade_paper};
use question_bank::{ItemIndex, Paper, Points, Response};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What a log told.
pub(super) struct Walked<'a> {
    pub(super) stored: &'a StoredAttempt,
    pub(super) started: Box<Started>,
    pub(super) steps: Vec<Step>,
    /// Hours granted and taken back: the step and the commit it came in.
    pub(super) grants: Vec<(Step, Option<u64>)>,
    /// The first and the closing commit.
    pub(super) life: (Option<u64>, Option<u64>),
    pub(super) closed: bool,
}

#[derive(Clone, Copy, PartialEq)]
enum Phase {
    Open,
    Paused(Timestamp),
    /// Closed; whether the next step has to be the grade, and whether a proctor did it.
    Closed {
        graded: bool,
        terminated: bool,
    },
}

struct Walk<'a, 'f> {
    evidence: &'a Evidence<'a>,
    found: &'f mut Found,
    exam: &'a ExamFacts,
    id: AttemptId,
    learner: PersonId,
    mode: Mode,
    paper: Arc<Paper>,
    deadline: Timestamp,
    grace_ms: i64,
    phase: Phase,
    answers: Vec<Option<Response>>,
    /// The grade just before, and its commit.
    passed: Option<(bool, Option<u64>)>,
    /// Whether the last grade passes.
    passes: bool,
    /// The commit of the closing step.
    closing: Option<u64>,
    review: Review,
}

/// Reads a log; `None` when it cannot be read at all.
pub(super) fn walk<'a>(evidence: &'a Evidence<'a>, stored: &'a StoredAttempt, found: &mut Found) -> Option<Walked<'a>> {
    let id = stored.row.id;
    let steps = chain(stored, found)?;
    let first = steps.first()?;
    let StepBody::Started(started) = &first.body else {
        found.unless(false, Promise::P7, || format!("{id}: the log does not begin with a start"));
        return None;
    };
    let exam = evidence.facts.exam(started.exam)?;
    check_start(evidence, exam, stored, started, first.at, found);
    let mut walk = Walk {
        evidence,
        found,
        exam,
        id,
        learner: stored.row.learner,
        mode: started.mode,
        paper: Arc::clone(&started.paper),
        deadline: started.deadline,
        grace_ms: started.grace_ms,
        phase: Phase::Open,
        answers: vec![None; started.paper.slot_count()],
        passed: None,
        passes: false,
        closing: None,
        review: Review::new(id, started.mode),
    };
    let mut grants = Vec::new();
    for (step, stored) in steps.iter().zip(&stored.steps).skip(1) {
        walk.step(step, stored.commit);
        if matches!(step.body, StepBody::HoursGranted { .. } | StepBody::HoursTakenBack { .. }) {
            grants.push((step.clone(), stored.commit));
        }
    }
    walk.review.end(&stored.row, walk.found);
    let (closed, closing) = (matches!(walk.phase, Phase::Closed { .. }), walk.closing);
    walk.found.unless(!matches!(walk.phase, Phase::Closed { graded: false, .. }), Promise::P3, || {
        format!("{id}: closed and never marked")
    });
    let life = (stored.steps.first().and_then(|step| step.commit), closing);
    Some(Walked { stored, started: started.clone(), steps, grants, life, closed })
}

/// P7: numbers without a gap, times that do not go back, links that hold, actors and nodes. P8: one
/// command, one step.
fn chain(stored: &StoredAttempt, found: &mut Found) -> Option<Vec<Step>> {
    let id = stored.row.id;
    let (mut head, mut last) = ([0; 32], Timestamp::from_ms(i64::MIN));
    let mut commands = BTreeSet::new();
    let mut steps = Vec::with_capacity(stored.steps.len());
    for (expected, StoredStep { row, .. }) in (1..).zip(&stored.steps) {
        found.unless(row.seq == expected, Promise::P7, || {
            format!("{id}: step {} stands where {expected} belongs", row.seq)
        });
        found
            .unless(row.link(&head) == row.hash, Promise::P7, || format!("{id}: the chain breaks at step {}", row.seq));
        found.unless(row.at >= last, Promise::P7, || {
            format!("{id}: step {} is from {}, the one before from {last}", row.seq, row.at)
        });
        found.unless(row.node > 0, Promise::P7, || format!("{id}: step {} names no node", row.seq));
        found.unless(row.command.is_none_or(|(command, _)| commands.insert(command)), Promise::P8, || {
            format!("{id}: step {} takes a command that was taken before", row.seq)
        });
        (head, last) = (row.hash, row.at);
        match row.read() {
            Ok(step) => steps.push(step),
            Err(error) => {
                found.unless(false, Promise::P7, || format!("{id}: {error}"));
                return None;
            }
        }
    }
    found.unless(!steps.is_empty(), Promise::P7, || format!("{id}: a row without a log"));
    Some(steps)
}

/// P4: the seed gives the paper. P2: the deadline follows from the rules.
fn check_start(
    evidence: &Evidence<'_>,
    exam: &ExamFacts,
    stored: &StoredAttempt,
    started: &Started,
    at: Timestamp,
    found: &mut Found,
) {
    let (id, learner) = (stored.row.id, stored.row.learner);
    let seed = Seed::derive(&exam.secret, &id.bytes());
    let index = |items: &[u32]| items.iter().map(|item| ItemIndex(*item)).collect::<Vec<_>>();
    let (earlier, capped) = (index(&started.avoided_earlier), index(&started.avoided_capped));
    let drawn = exam.plan.draw(&exam.pool, &seed, &Avoid { earlier: &earlier, capped: &capped });
    found.unless(drawn.is_ok_and(|drawn| drawn.paper == *started.paper), Promise::P4, || {
        format!("{id}: the seed does not give the stored paper")
    });
    found.unless(seed.commitment() == started.seed_commitment, Promise::P4, || {
        format!("{id}: the seed is not the one that was committed to")
    });
    let possible = personal(evidence, exam, learner)
        .iter()
        .any(|rules| started.deadline == at.plus_ms(rules.duration_ms).min(rules.closes_at));
    found.unless(possible && started.grace_ms == exam.rules.grace_ms, Promise::P2, || {
        format!("{id}: started at {at}, the deadline {} follows from no rule", started.deadline)
    });
    let own = stored.steps.first().is_some_and(|step| step.row.actor == Some(learner));
    found.unless(own, Promise::P7, || format!("{id}: not started by its learner"));
}

/// The rules as they were for a learner, from before the first exception to after the last.
pub(super) fn personal(evidence: &Evidence<'_>, exam: &ExamFacts, learner: PersonId) -> Vec<PersonalRules> {
    let all: Vec<&Override> = evidence
        .contents
        .overrides
        .iter()
        .filter(|(at, whose, _)| *at == exam.id && *whose == learner)
        .map(|(_, _, exception)| exception)
        .collect();
    (0..=all.len()).map(|count| PersonalRules::new(&exam.rules, all.iter().take(count).copied())).collect()
}

impl Walk<'_, '_> {
    fn step(&mut self, step: &Step, commit: Option<u64>) {
        let before = self.passed.take();
        let closed = matches!(self.phase, Phase::Closed { graded: true, .. });
        self.review.step(self.evidence.facts, step, commit, closed, self.found);
        if let Phase::Closed { graded, .. } = self.phase {
            return self.after_close(step, commit, graded, before);
        }
        let (id, seq, at) = (self.id, step.seq, step.at);
        let until = self.deadline.plus_ms(self.grace_ms);
        match &step.body {
            StepBody::Answered { slot, response, .. } => {
                self.by_the_learner(step);
                self.holds(at <= until, Promise::P2, || {
                    format!("{id}: step {seq} answers at {at}, the end was {until}")
                });
                self.holds(self.phase == Phase::Open, Promise::P2, || format!("{id}: step {seq} answers in a pause"));
                if let Some(place) = (*slot as usize).checked_sub(1).and_then(|slot| self.answers.get_mut(slot)) {
                    place.clone_from(response);
                }
            }
            StepBody::Origin(_) | StepBody::Signalled(_) => self.by_the_learner(step),
            StepBody::Flagged(_) => {}
            StepBody::Warned { .. } => self.by_a_proctor(step),
            StepBody::Paused { .. } => {
                self.by_a_proctor(step);
                let running = self.phase == Phase::Open && at <= until;
                self.holds(running, Promise::P2, || format!("{id}: step {seq} pauses what does not run"));
                self.phase = Phase::Paused(at);
            }
            StepBody::Resumed { deadline, .. } => self.resumed(step, *deadline),
            StepBody::Extended { minutes, deadline, .. } => {
                self.by_a_proctor(step);
                let moved = self.deadline.plus_ms(i64::from(*minutes) * 60_000);
                self.holds(*deadline == moved && (self.phase != Phase::Open || at <= until), Promise::P2, || {
                    format!("{id}: step {seq} extends to {deadline}, {minutes} minutes make {moved}")
                });
                self.deadline = *deadline;
            }
            StepBody::Submitted => {
                let gives_way = self.mode == Mode::Practice && step.actor == Actor::System;
                let in_time = gives_way || (self.phase == Phase::Open && at <= until);
                self.holds(in_time, Promise::P2, || format!("{id}: submitted at {at}, the end was {until}"));
                if !gives_way {
                    self.by_the_learner(step);
                }
                self.close(commit, false);
            }
            StepBody::Expired => {
                let due = self.phase == Phase::Open && at > until;
                self.holds(due, Promise::P2, || format!("{id}: expired at {at}, the end was {until}"));
                self.close(commit, false);
            }
            StepBody::Terminated { .. } => {
                self.by_a_proctor(step);
                self.close(commit, true);
            }
            // See `review`.
            StepBody::CaseOpened { .. } | StepBody::CaseDecided { .. } => {}
            StepBody::Started(_)
            | StepBody::Graded(_)
            | StepBody::HoursGranted { .. }
            | StepBody::HoursTakenBack { .. }
            | StepBody::Regraded { .. } => {
                self.holds(false, Promise::P7, || format!("{id}: step {seq} has no place in an open attempt"));
            }
        }
    }

    fn resumed(&mut self, step: &Step, deadline: Timestamp) {
        self.by_a_proctor(step);
        let (id, seq, old) = (self.id, step.seq, self.deadline);
        let Phase::Paused(since) = self.phase else {
            return self.holds(false, Promise::P2, || format!("{id}: step {seq} resumes what was not paused"));
        };
        let moved = old.plus_ms(step.at.since(since));
        self.holds(deadline == moved, Promise::P2, || {
            format!("{id}: step {seq} resumes until {deadline}, the pause makes it {moved}")
        });
        self.phase = Phase::Open;
        self.deadline = deadline;
    }

    fn close(&mut self, commit: Option<u64>, terminated: bool) {
        self.phase = Phase::Closed { graded: false, terminated };
        self.closing = commit;
    }

    /// P9: nothing but the grade, its hours, regrades and review. P3: hours beside the grade that earns them, or beside
    /// the decision that gives them back.
    fn after_close(&mut self, step: &Step, commit: Option<u64>, graded: bool, before: Option<(bool, Option<u64>)>) {
        let (id, seq) = (self.id, step.seq);
        match &step.body {
            StepBody::Graded(grade) if !graded => {
                let together = commit == self.closing;
                self.holds(together, Promise::P3, || format!("{id}: step {seq} marks in another transaction"));
                self.grade(step, grade, commit);
            }
            StepBody::Regraded { grade, .. } if graded => {
                let allowed = matches!(step.actor, Actor::Person(who) if self.evidence.facts.authors.contains(&who));
                self.holds(allowed, Promise::P7, || format!("{id}: step {seq} regrades by nobody who may"));
                self.grade(step, grade, commit);
            }
            StepBody::HoursGranted { course, credit_year, hours, .. } if graded => {
                let earned = self.mode == Mode::Exam
                    && match before {
                        Some((passed, of)) => passed && of == commit && !self.review.invalidated(),
                        None => self.passes && self.review.gives_back(commit),
                    };
                self.holds(earned, Promise::P3, || format!("{id}: step {seq} grants hours without a pass beside it"));
                let of_the_course =
                    (*course, *credit_year, *hours) == (self.exam.course, self.exam.credit_year, self.exam.hours);
                self.holds(of_the_course, Promise::P3, || format!("{id}: step {seq} grants what the course does not"));
            }
            StepBody::CaseOpened { .. } | StepBody::CaseDecided { .. } | StepBody::HoursTakenBack { .. } if graded => {}
            body => {
                let name = format!("{body:?}").chars().take(20).collect::<String>();
                self.holds(false, Promise::P9, || format!("{id}: step {seq} after the close: {name}"));
            }
        }
    }

    /// P5: paper, answers and keys give the stored marks again.
    fn grade(&mut self, step: &Step, grade: &Grade, commit: Option<u64>) {
        let Phase::Closed { terminated, .. } = self.phase else { return };
        self.phase = Phase::Closed { graded: true, terminated };
        self.passed = Some((grade.passed, commit));
        self.passes = grade.passed;
        let (id, seq) = (self.id, step.seq);
        let Some(pool) = self.evidence.facts.keys.get(&grade.key_version) else {
            return self.holds(false, Promise::P5, || format!("{id}: step {seq} names keys nobody has"));
        };
        let said: Vec<_> = self
            .paper
            .slots()
            .zip(&self.answers)
            .map(|(slot, response)| check_response(pool, slot, response.as_ref()?).ok())
            .collect();
        let marked = grade_paper(&self.paper, pool, &said);
        let score: Points = marked.iter().map(|slot| slot.points).sum();
        let marks_hold = marked.iter().map(|slot| slot.points).eq(grade.marks.iter().copied());
        let passes = !terminated && score >= self.exam.rules.pass_score;
        self.holds(marks_hold && score == grade.score && passes == grade.passed, Promise::P5, || {
            format!("{id}: step {seq} says {} ({}), the answers give {score} ({passes})", grade.score, grade.passed)
        });
    }

    fn by_the_learner(&mut self, step: &Step) {
        let (id, own) = (self.id, step.actor == Actor::Person(self.learner));
        self.holds(own, Promise::P7, || format!("{id}: step {} is by {:?}", step.seq, step.actor));
    }

    fn by_a_proctor(&mut self, step: &Step) {
        let allowed = matches!(step.actor, Actor::Person(who) if self.evidence.facts.proctors.contains(&who));
        let id = self.id;
        self.holds(allowed, Promise::P7, || format!("{id}: step {} is by {:?}", step.seq, step.actor));
    }

    fn holds(&mut self, holds: bool, promise: Promise, detail: impl FnOnce() -> String) {
        self.found.unless(holds, promise, detail);
    }
}

/// P2: a node's clock runs evenly from where it started, whatever happens to the wall clock: what was
/// sent and acknowledged between two instants was written between them.
pub(super) fn check_times(evidence: &Evidence<'_>, found: &mut Found) {
    let mut anchors: BTreeMap<u16, Vec<(i64, Timestamp)>> = BTreeMap::new();
    for observed in evidence.observed {
        if let Observed::NodeStarted { node, real_ms, server } = observed {
            anchors.entry(*node).or_default().push((*real_ms, *server));
        }
    }
    let logs: BTreeMap<AttemptId, &StoredAttempt> =
        evidence.contents.attempts.iter().map(|stored| (stored.row.id, stored)).collect();
    for observed in evidence.observed {
        let Observed::Answered { call, attempt, .. } = observed else { continue };
        let Some(steps) = logs.get(attempt).map(|stored| &stored.steps) else { continue };
        let is_it = |step: &StoredStep| step.row.command.map(|(command, _)| command) == call.command;
        let Some(place) = steps.iter().position(is_it) else { continue };
        let row = &steps[place].row;
        let of_node = anchors.get(&row.node).map_or(&[][..], Vec::as_slice);
        let Some(start) = of_node.iter().rfind(|(real, _)| *real <= call.first_sent_ms) else { continue };
        if of_node.iter().any(|(real, _)| *real > call.first_sent_ms && *real <= call.told_ms) {
            continue;
        }
        let (from, to) = (start.1.plus_ms(call.first_sent_ms - start.0), start.1.plus_ms(call.told_ms - start.0));
        let before = place.checked_sub(1).map_or(to, |before| steps[before].row.at);
        found.unless(row.at >= from && row.at <= to.max(before), Promise::P2, || {
            format!("{attempt}: step {} was taken between {from} and {to} and says {}", row.seq, row.at)
        });
    }
}
