//! Cases in one attempt's log: opened by what the log says or by people, decided by people alone, a second review
//! by another one, and hours go and come with a decision and in its transaction.

use super::evidence::Facts;
use super::{Found, Promise};
use exam_core::attempt::command::Actor;
use exam_core::attempt::{CaseState, Decision, Mode, Step, StepBody};
use exam_core::{AttemptId, EntryId, PersonId};
use exam_store::AttemptRow;
use question_bank::Points;
use std::collections::BTreeSet;

/// The sum of weights at which a case opens, as `docs/integrity.md` has it.
const SCORE: u32 = 30;

/// What a decision just before did, and its transaction.
#[derive(Clone, Copy, PartialEq)]
enum Decided {
    Confirmed,
    ClearedWhatWasConfirmed,
}

pub(super) struct Review {
    id: AttemptId,
    mode: Mode,
    score: u32,
    state: Option<CaseState>,
    deciders: BTreeSet<PersonId>,
    invalidated: bool,
    /// Hours that the attempt holds: entry and amount.
    held: Option<(EntryId, Points)>,
    just: Option<(Decided, Option<u64>)>,
}

impl Review {
    pub(super) const fn new(id: AttemptId, mode: Mode) -> Self {
        Self { id, mode, score: 0, state: None, deciders: BTreeSet::new(), invalidated: false, held: None, just: None }
    }

    pub(super) const fn invalidated(&self) -> bool {
        self.invalidated
    }

    /// Whether the step before, in the same transaction, was a decision that lets the attempt count again.
    pub(super) fn gives_back(&self, commit: Option<u64>) -> bool {
        self.just == Some((Decided::ClearedWhatWasConfirmed, commit))
    }

    /// Before anything else looks at the step; `closed`: it is closed and marked.
    pub(super) fn step(&mut self, facts: &Facts, step: &Step, commit: Option<u64>, closed: bool, found: &mut Found) {
        let (id, seq) = (self.id, step.seq);
        let keeps = self.just == Some((Decided::Confirmed, commit));
        // What a grant looks back at stays for it.
        if !matches!(step.body, StepBody::HoursGranted { .. }) {
            self.unless_kept(step, found);
            self.just = None;
        }
        match &step.body {
            StepBody::Flagged(flag) => {
                self.score += flag.weight;
                if self.score >= SCORE {
                    self.open();
                }
            }
            StepBody::Terminated { .. } => self.open(),
            StepBody::CaseOpened { .. } => {
                let decided = matches!(self.state, Some(CaseState::Cleared | CaseState::Confirmed));
                let who = if decided { &facts.reopeners } else { &facts.reviewers };
                let allowed = self.mode == Mode::Exam && (decided || self.state.is_none()) && is_one_of(step, who);
                found.unless(allowed, Promise::Review, || format!("{id}: step {seq} opens a case that it may not"));
                self.state = Some(if decided { CaseState::SecondReview } else { CaseState::Open });
            }
            StepBody::CaseDecided { decision, .. } => self.decided(facts, step, *decision, (commit, closed), found),
            StepBody::HoursGranted { entry, hours, .. } => {
                self.held = Some((*entry, *hours));
                // Looked at by whoever walks the log, and then over.
            }
            StepBody::HoursTakenBack { takes_back, hours, .. } => {
                let right = keeps && self.held == Some((*takes_back, *hours)) && is_one_of(step, &facts.reviewers);
                found.unless(right, Promise::Review, || {
                    format!("{id}: step {seq} takes back hours without a decision beside it, or others than it held")
                });
                self.held = None;
            }
            _ => {}
        }
    }

    fn open(&mut self) {
        if self.mode == Mode::Exam {
            self.state = self.state.or(Some(CaseState::Open));
        }
    }

    fn decided(
        &mut self,
        facts: &Facts,
        step: &Step,
        decision: Decision,
        (commit, closed): (Option<u64>, bool),
        found: &mut Found,
    ) {
        let (id, seq) = (self.id, step.seq);
        found.unless(closed && is_one_of(step, &facts.reviewers), Promise::Review, || {
            format!("{id}: step {seq} decides by {:?}, closed: {closed}", step.actor)
        });
        let allowed = match (self.state, step.actor) {
            (Some(CaseState::Open), _) => true,
            (Some(CaseState::SecondReview), Actor::Person(who)) => {
                decision != Decision::SecondReview && !self.deciders.contains(&who)
            }
            _ => false,
        };
        found.unless(allowed, Promise::Review, || {
            format!("{id}: step {seq} decides {decision:?} in {:?} by {:?}", self.state, step.actor)
        });
        if let Actor::Person(who) = step.actor {
            self.deciders.insert(who);
        }
        self.state = Some(decision.leads_to());
        match decision {
            Decision::Confirmed => {
                self.invalidated = true;
                self.just = Some((Decided::Confirmed, commit));
            }
            Decision::Cleared if std::mem::take(&mut self.invalidated) => {
                self.just = Some((Decided::ClearedWhatWasConfirmed, commit));
            }
            Decision::Cleared | Decision::SecondReview => {}
        }
    }

    /// A confirmed decision is followed by what takes the hours back, or there are none.
    fn unless_kept(&self, step: &Step, found: &mut Found) {
        let left = self.held.is_some() && matches!(self.just, Some((Decided::Confirmed, _)));
        let follows = matches!(step.body, StepBody::HoursTakenBack { .. });
        found.unless(!left || follows, Promise::Review, || {
            format!("{}: before step {} a case was confirmed and the hours stayed", self.id, step.seq)
        });
    }

    /// What stands in the end, and what the row says of it.
    pub(super) fn end(&self, row: &AttemptRow, found: &mut Found) {
        let id = self.id;
        found.unless(!(self.invalidated && self.held.is_some()), Promise::Review, || {
            format!("{id}: does not count and holds hours")
        });
        let held = self.held.map_or(Points::ZERO, |(_, hours)| hours);
        let told = (row.case.map(|case| case.state), row.invalidated, row.hours);
        found.unless(told == (self.state, self.invalidated, held), Promise::P12, || {
            format!("{id}: the row says {told:?}, the log {:?} {} {held}", self.state, self.invalidated)
        });
        let passes = !(row.invalidated && row.passed == Some(true));
        found.unless(passes, Promise::Review, || format!("{id}: does not count and passes"));
    }
}

fn is_one_of(step: &Step, who: &BTreeSet<PersonId>) -> bool {
    matches!(step.actor, Actor::Person(person) if who.contains(&person))
}
