//! A player with a clock in its hand: every command goes through `decide`, every step is folded.

use crate::hours::{Bucket, Obligation, Subject};
use crate::lesson::{
    Asked, Beat, Command, Context, Decided, Lesson, LessonGrant, LessonHours, LessonPolicy, LessonRules, LessonStep,
    LessonStepBody, Phase, Told, ToldWhat, decide, number,
};
use crate::log::{Actor, CommandId};
use crate::{CourseId, EntryId, LessonId, PersonId, Refusal, StudyId, Timestamp};
use question_bank::{
    Difficulty, Interaction, Item, Key, OptionId, Points, Pool, Prompt, Response, RichText, Seed, Snapshot, Solution,
    TopicPath,
};
use std::sync::Arc;
use uuid::Uuid;

pub(super) const LEARNER: PersonId = PersonId(Uuid::from_u128(1));
pub(super) const LESSON: LessonId = LessonId(Uuid::from_u128(2));

/// Single choices of three options; the author's first is right.
pub(super) fn pool(items: usize) -> Pool {
    let item = |number: usize| Item {
        code: format!("q{number:03}"),
        topic: TopicPath::parse("t"),
        difficulty: Difficulty::default(),
        tags: Vec::new(),
        enemies: Vec::new(),
        points: None,
        prompt: Prompt {
            stem: RichText::from_plain(&format!("question {number}")),
            interaction: Interaction::Choice {
                multiple: false,
                fixed_order: false,
                options: ["甲", "乙", "丙"].map(RichText::from_plain).into(),
            },
        },
        solution: Solution {
            key: Key::Choice { correct: vec![0], weights: None },
            explanation: None,
            feedback: Vec::new(),
        },
    };
    Pool::new(Arc::new(Snapshot::new((0..items).map(item).collect()).unwrap()))
}

pub(super) fn rules(duration_ms: i64, policy: LessonPolicy) -> LessonRules {
    let rules = LessonRules { duration_ms, policy };
    assert_eq!(rules.faults(), Vec::new());
    rules
}

pub(super) struct Player {
    pub(super) lesson: Lesson,
    pub(super) steps: Vec<LessonStep>,
    pub(super) rules: LessonRules,
    pub(super) pool: Pool,
    pub(super) hours: LessonHours,
    pub(super) now: Timestamp,
    /// Where the player is, and its last beat.
    pub(super) position_ms: i64,
    pub(super) n: u64,
    epoch: u64,
    commands: u128,
}

impl Player {
    pub(super) fn new(duration_ms: i64, policy: LessonPolicy) -> Self {
        Self {
            lesson: Lesson::new(LEARNER, LESSON),
            steps: Vec::new(),
            rules: rules(duration_ms, policy),
            pool: pool(20),
            hours: LessonHours {
                entry: EntryId(Uuid::from_u128(3)),
                grants: LessonGrant::Lesson { hours: Points::whole(2) },
                course: CourseId(Uuid::from_u128(4)),
                credit_year: 2023,
                bucket: Bucket { subject: Subject::Professional, bucket: Obligation::Compulsory },
                already_granted: false,
            },
            now: Timestamp::from_ms(1_700_000_000_000),
            position_ms: 0,
            n: 0,
            epoch: 0,
            commands: 0,
        }
    }

    /// With a study open and playing from the start.
    pub(super) fn playing(duration_ms: i64, policy: LessonPolicy) -> Self {
        let mut player = Self::new(duration_ms, policy);
        player.open();
        player.beat(true);
        player
    }

    pub(super) fn send(&mut self, command: &Command) -> Result<Decided, Refusal> {
        let context = Context { now: self.now, rules: &self.rules, pool: &self.pool, hours: &self.hours, origin: None };
        let decided = decide(&self.lesson, command, &context)?;
        let steps = number(&self.lesson, &decided, self.now, Actor::Person(LEARNER));
        for step in &steps {
            self.lesson.apply(step).unwrap();
        }
        if let Some(credit) = &decided.credit {
            self.lesson.earn(credit);
        }
        self.steps.extend(steps);
        Ok(decided)
    }

    pub(super) fn open(&mut self) -> Decided {
        self.epoch += 1;
        let command = Command::Open {
            study: StudyId(Uuid::from_u128(self.epoch.into())),
            epoch: self.epoch,
            seed: Seed::from_bytes([self.epoch as u8; 32]),
            partner: None,
        };
        self.send(&command).unwrap()
    }

    pub(super) fn wait(&mut self, ms: i64) {
        self.now = self.now.plus_ms(ms);
    }

    /// A beat from where the player is; what it earned.
    pub(super) fn beat(&mut self, playing: bool) -> i64 {
        self.n += 1;
        self.beat_as(Beat { n: self.n, position_ms: self.position_ms, playing, rate: 1.0 })
    }

    pub(super) fn beat_as(&mut self, beat: Beat) -> i64 {
        let before = self.lesson.covered.total();
        self.send(&Command::Beat(beat)).unwrap();
        self.lesson.covered.total() - before
    }

    /// Plays honestly for so long, or until a challenge comes; what it earned.
    pub(super) fn play(&mut self, ms: i64) -> i64 {
        let (mut left, mut earned) = (ms, 0);
        while left > 0 && matches!(self.lesson.phase, Phase::Playing { .. }) {
            let step = left.min(self.rules.policy.heartbeat_ms);
            self.wait(step);
            self.position_ms = (self.position_ms + step).min(self.rules.duration_ms);
            earned += self.beat(true);
            left -= step;
        }
        earned
    }

    /// Plays honestly until a challenge comes.
    pub(super) fn play_to_challenge(&mut self) -> Asked {
        self.play(self.rules.duration_ms * 2);
        self.asked()
    }

    pub(super) fn asked(&self) -> Asked {
        match &self.lesson.phase {
            Phase::Asked(asked) => asked.clone(),
            phase => panic!("no challenge is open: {phase:?}"),
        }
    }

    /// The author's first option is right, whatever the order.
    pub(super) fn response(asked: &Asked, right: bool) -> Response {
        let slot = asked.question.slot();
        let shown = slot.shown_option(if right { 0 } else { 1 }).unwrap();
        Response::Choices { choices: vec![shown] }
    }

    pub(super) fn command(&mut self) -> CommandId {
        self.commands += 1;
        Uuid::from_u128(1_000 + self.commands)
    }

    pub(super) fn answer(&mut self, right: bool) -> Result<Decided, Refusal> {
        let asked = self.asked();
        self.answer_with(&asked, Self::response(&asked, right))
    }

    pub(super) fn answer_with(&mut self, asked: &Asked, response: Response) -> Result<Decided, Refusal> {
        let command = self.command();
        self.send(&Command::Answer { command, challenge: asked.challenge, response })
    }

    /// Answers rightly and plays on as the SDK does.
    pub(super) fn pass(&mut self) {
        self.answer(true).unwrap();
        self.beat(true);
    }

    /// Answers wrongly, goes back where it is told to and waits for the next question.
    pub(super) fn fail(&mut self) {
        self.answer(false).unwrap();
        self.go_back();
        let until = self.lesson.wake_at().unwrap();
        self.now = until;
        self.send(&Command::Wake).unwrap();
    }

    /// Where the last verdict sends the player.
    pub(super) fn go_back(&mut self) {
        if let Some(Told { what: ToldWhat::Verdict { rewind_to_ms: Some(to), .. }, .. }) = self.last_told() {
            self.position_ms = to;
        }
    }

    pub(super) fn last_told(&self) -> Option<Told> {
        self.lesson.told_after(self.lesson.told.checked_sub(1)?)?.pop()
    }

    /// Plays and answers rightly to the end, or gives up.
    pub(super) fn finish(&mut self) {
        for _ in 0..1_000 {
            match self.lesson.phase {
                Phase::Playing { .. } => {
                    self.play(self.rules.policy.heartbeat_ms);
                }
                Phase::Asked(_) => self.pass(),
                _ => return,
            }
        }
        panic!("the lesson does not end: {:?}", self.lesson);
    }

    pub(super) fn count(&self, is_it: impl Fn(&LessonStepBody) -> bool) -> usize {
        self.steps.iter().filter(|step| is_it(&step.body)).count()
    }
}

/// Any option at all.
pub(super) fn option(shown: u8) -> Response {
    Response::Choices { choices: vec![OptionId(shown)] }
}
