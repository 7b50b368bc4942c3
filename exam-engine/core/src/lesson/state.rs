//! The state, and folding.

use super::{ChainHash, Coverage, Credit, LessonStep, LessonStepBody, Opened, Told, ToldWhat};
use crate::limits::{LESSON_COMMANDS_KEPT, LESSON_TAIL_KEPT};
use crate::log::{CommandId, FoldError};
use crate::{ChallengeId, LessonId, PartnerId, PersonId, StudyId, Timestamp};
use question_bank::draw::DrawnQuestion;
use question_bank::{ItemIndex, Points, Seed};
use std::collections::VecDeque;

/// Where a lesson stands.
#[derive(Clone, Debug, PartialEq)]
pub enum Phase {
    /// Never opened.
    Idle,
    /// Credit is earned.
    Playing {
        /// At which covered time the next challenge is due.
        next_at_ms: i64,
    },
    /// A challenge is open, or lapsed and not followed by another yet: no credit.
    Asked(Asked),
    /// The last answer was wrong: no credit, and no question until then.
    Cooling {
        /// When the next question comes.
        until: Timestamp,
    },
    /// Every item was asked and the policy locks: no credit until then, and a question first.
    Locked {
        /// Until when.
        until: Timestamp,
    },
    /// Covered and passed.
    Completed {
        /// When.
        at: Timestamp,
    },
}

/// A challenge that takes an answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Asked {
    /// The challenge.
    pub challenge: ChallengeId,
    /// Its number within the lesson.
    pub number: u32,
    /// The item and its orders.
    pub question: DrawnQuestion,
    /// The last instant at which it takes an answer.
    pub answer_until: Timestamp,
}

/// The study that may earn credit: the newest one.
#[derive(Clone, Debug, PartialEq)]
pub struct Study {
    /// Its id.
    pub id: StudyId,
    /// Its number among the learner's studies.
    pub epoch: u64,
    /// What its moments, items and orders are drawn from.
    pub seed: Seed,
    /// The partner system it was opened through.
    pub partner: Option<PartnerId>,
    /// The last beat; in memory only.
    pub last_beat: Option<LastBeat>,
}

/// What the next beat is measured from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LastBeat {
    /// The client's count.
    pub n: u64,
    /// When it came, by the server.
    pub at: Timestamp,
    /// Where the player was.
    pub position_ms: i64,
    /// Whether it played on from there.
    pub playing: bool,
    /// Real time times rate that was played and not used yet; makes good what jitter took.
    pub allowance_ms: i64,
}

/// The verdict that a command got, for its repeats.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// The command.
    pub command: CommandId,
    /// Of its content.
    pub digest: [u8; 16],
    /// What it was told.
    pub told: Told,
}

/// One person's way through one lesson.
#[derive(Clone, Debug, PartialEq)]
pub struct Lesson {
    /// Whose.
    pub learner: PersonId,
    /// Which lesson.
    pub lesson: LessonId,
    /// The last step's number; zero before the first.
    pub seq: u32,
    /// The last step's hash.
    pub head: ChainHash,
    /// The last step's time; no later step is earlier.
    pub last_at: Timestamp,
    /// What is covered, credit since the last step included.
    pub covered: Coverage,
    /// Where it stands.
    pub phase: Phase,
    /// The newest study.
    pub study: Option<Study>,
    /// Challenges asked.
    pub asked: u32,
    /// Challenges passed.
    pub passed: u32,
    /// Wrong answers since the last right one.
    pub wrong_in_row: u32,
    /// Hours the completion granted.
    pub hours_granted: Points,
    /// Items asked since the pool was last exhausted, ascending.
    pub used: Vec<ItemIndex>,
    /// The item asked last.
    pub last_item: Option<ItemIndex>,
    /// The number of the last message told.
    pub told: u32,
    tail: VecDeque<Told>,
    verdicts: VecDeque<Verdict>,
}

impl Lesson {
    /// A lesson that was never opened.
    #[must_use]
    pub const fn new(learner: PersonId, lesson: LessonId) -> Self {
        Self {
            learner,
            lesson,
            seq: 0,
            head: [0; 32],
            last_at: Timestamp::from_ms(0),
            covered: Coverage::new(),
            phase: Phase::Idle,
            study: None,
            asked: 0,
            passed: 0,
            wrong_in_row: 0,
            hours_granted: Points::ZERO,
            used: Vec::new(),
            last_item: None,
            told: 0,
            tail: VecDeque::new(),
            verdicts: VecDeque::new(),
        }
    }

    /// Folds a whole log; an empty one gives a lesson that was never opened.
    ///
    /// # Errors
    /// The log has a gap, or does not begin with `Opened`.
    pub fn fold<'a>(
        learner: PersonId,
        lesson: LessonId,
        steps: impl IntoIterator<Item = &'a LessonStep>,
    ) -> Result<Self, FoldError> {
        let mut state = Self::new(learner, lesson);
        for step in steps {
            state.apply(step)?;
        }
        Ok(state)
    }

    /// Folds one step.
    ///
    /// # Errors
    /// It is not the next one; the state is then unchanged.
    pub fn apply(&mut self, step: &LessonStep) -> Result<(), FoldError> {
        let opens = matches!(step.body, LessonStepBody::Opened(_));
        if step.seq != self.seq + 1 || (step.seq == 1 && !opens) {
            return Err(FoldError { seq: step.seq, expected: self.seq + 1 });
        }
        self.seq = step.seq;
        self.head = step.hash;
        self.last_at = step.at;
        self.apply_body(step);
        Ok(())
    }

    /// Takes in what a beat earned.
    pub fn earn(&mut self, credit: &Credit) {
        if let Some((from, to)) = credit.stretch {
            self.covered.add(from, to);
        }
        if let Some(study) = &mut self.study {
            study.last_beat = Some(credit.beat);
        }
    }

    /// Takes a checkpoint's coverage if it belongs to the very state folded; whether it did.
    pub fn restore(&mut self, seq: u32, epoch: u64, covered: &Coverage) -> bool {
        let belongs = seq == self.seq && self.study.as_ref().is_some_and(|study| study.epoch == epoch);
        if belongs {
            self.covered = covered.clone();
        }
        belongs
    }

    /// When [`super::Command::Wake`] has something to do, whether or not the client says anything.
    #[must_use]
    pub const fn wake_at(&self) -> Option<Timestamp> {
        match self.phase {
            Phase::Cooling { until } | Phase::Locked { until } => Some(until),
            Phase::Idle | Phase::Playing { .. } | Phase::Asked(_) | Phase::Completed { .. } => None,
        }
    }

    /// The challenge that takes an answer at `now`.
    #[must_use]
    pub fn open_challenge(&self, now: Timestamp) -> Option<&Asked> {
        match &self.phase {
            Phase::Asked(asked) if now <= asked.answer_until => Some(asked),
            _ => None,
        }
    }

    /// Whether the lesson is completed.
    #[must_use]
    pub const fn is_completed(&self) -> bool {
        matches!(self.phase, Phase::Completed { .. })
    }

    /// The messages after number `seq`; `None` if they are not all known any more, or never were.
    #[must_use]
    pub fn told_after(&self, seq: u32) -> Option<Vec<Told>> {
        let missing = self.told.checked_sub(seq)? as usize;
        let known = self.tail.len().checked_sub(missing)?;
        Some(self.tail.iter().skip(known).cloned().collect())
    }

    /// What the command of this id was told, if it was taken.
    #[must_use]
    pub fn verdict(&self, command: &CommandId) -> Option<&Verdict> {
        self.verdicts.iter().find(|verdict| verdict.command == *command)
    }

    fn apply_body(&mut self, step: &LessonStep) {
        let at = step.at;
        match &step.body {
            LessonStepBody::Opened(opened) => self.opened(opened),
            LessonStepBody::Challenged { challenge, number, question, covered, answer_until, .. } => {
                self.covered.clone_from(covered);
                self.use_item(question.item);
                self.asked = *number;
                let (challenge, answer_until) = (*challenge, *answer_until);
                self.phase =
                    Phase::Asked(Asked { challenge, number: *number, question: question.clone(), answer_until });
                self.tell(at, ToldWhat::Challenge { challenge, question: question.clone(), answer_until });
            }
            LessonStepBody::Lapsed { .. } => self.phase = self.due_at_once(),
            LessonStepBody::Answered { .. } => self.answered(step),
            LessonStepBody::Locked { until, covered } => {
                self.covered.clone_from(covered);
                self.used.clear();
                self.phase = Phase::Locked { until: *until };
                self.tell(at, ToldWhat::Locked { until: *until });
            }
            LessonStepBody::Completed { covered, .. } => {
                self.covered.clone_from(covered);
                self.phase = Phase::Completed { at };
                self.tell(at, ToldWhat::Completed { hours: Points::ZERO });
            }
            LessonStepBody::HoursGranted { hours, .. } => {
                self.hours_granted += *hours;
                // Of one commit with the completion, so it is what was told last.
                if let Some(Told { what: ToldWhat::Completed { hours: granted }, .. }) = self.tail.back_mut() {
                    *granted = self.hours_granted;
                }
            }
        }
    }

    fn opened(&mut self, opened: &Opened) {
        self.covered.clone_from(&opened.covered);
        if let Some(next_at_ms) = opened.next_at_ms {
            self.phase = Phase::Playing { next_at_ms };
        }
        self.study = Some(Study {
            id: opened.study,
            epoch: opened.epoch,
            seed: opened.seed,
            partner: opened.partner,
            last_beat: None,
        });
    }

    fn answered(&mut self, step: &LessonStep) {
        let LessonStepBody::Answered { challenge, correct, covered, rewind_to_ms, retry_at, next_at_ms, .. } =
            &step.body
        else {
            return;
        };
        self.covered.clone_from(covered);
        match (correct, retry_at) {
            (true, _) => {
                self.passed += 1;
                self.wrong_in_row = 0;
                self.phase = next_at_ms.map_or_else(|| self.due_at_once(), |next_at_ms| Phase::Playing { next_at_ms });
            }
            (false, Some(until)) => {
                self.wrong_in_row += 1;
                self.phase = Phase::Cooling { until: *until };
            }
            // No honest rule writes a wrong answer without its wait.
            (false, None) => self.wrong_in_row += 1,
        }
        let told = self.tell(
            step.at,
            ToldWhat::Verdict {
                challenge: *challenge,
                correct: *correct,
                continues: next_at_ms.is_some(),
                retry_at: *retry_at,
                rewind_to_ms: *rewind_to_ms,
            },
        );
        if let Some((command, digest)) = step.command {
            if self.verdicts.len() >= LESSON_COMMANDS_KEPT {
                self.verdicts.pop_front();
            }
            self.verdicts.push_back(Verdict { command, digest, told });
        }
    }

    fn due_at_once(&self) -> Phase {
        Phase::Playing { next_at_ms: self.covered.total() }
    }

    /// An item that was used already means that the used ones were taken up anew.
    fn use_item(&mut self, item: ItemIndex) {
        match self.used.binary_search(&item) {
            Ok(_) => self.used = vec![item],
            Err(place) => self.used.insert(place, item),
        }
        self.last_item = Some(item);
    }

    fn tell(&mut self, at: Timestamp, what: ToldWhat) -> Told {
        self.told += 1;
        let told = Told { seq: self.told, at, what };
        if self.tail.len() >= LESSON_TAIL_KEPT {
            self.tail.pop_front();
        }
        self.tail.push_back(told.clone());
        told
    }
}
