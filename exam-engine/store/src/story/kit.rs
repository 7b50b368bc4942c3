//! What stories are made of; also for the tests of services and servers on top of a store.

use crate::Store;
use crate::attempts::{AttemptRow, AttemptState, Commit, RowChange};
use crate::banks::BankRow;
use crate::courses::CourseRow;
use crate::lessons::{Fence, LessonCommit, LessonRow, ProgressRow, ProgressState, StudyRow};
use crate::outbox::OutboxRow;
use crate::partners::{PartnerRow, Webhook};
use crate::people::PersonRow;
use exam_core::attempt::{Mode, StepBody};
use exam_core::audit::NewAudit;
use exam_core::exam::{Exam, ExamRules, ExamState, PracticePolicy, ReviewPolicy};
use exam_core::hours::{Bucket, GrantSource, LedgerEntry};
use exam_core::lesson::{Coverage, LessonPolicy, LessonStepBody};
use exam_core::log::{Actor, ChainHash, CommandId, LogId, NewStep, StepRow};
use exam_core::person::{Person, Role};
use exam_core::{
    AttemptId, BankId, ChallengeId, CourseId, EntryId, ExamId, LessonId, PartnerId, PersonId, StudyId, Timestamp,
};
use question_bank::{Blueprint, Difficulty, Interaction, Item, Key, Points, Prompt, RichText, Solution, TopicPath};
use std::sync::Arc;
use uuid::Uuid;

/// The year of [`course`].
pub const YEAR: i16 = 2023;

/// A new id.
#[must_use]
pub fn new_id() -> Uuid {
    Uuid::now_v7()
}

/// So many milliseconds after the story began.
#[must_use]
pub fn at(ms: i64) -> Timestamp {
    Timestamp::from_ms(1_700_000_000_000 + ms)
}

/// An act.
#[must_use]
pub fn act(act: &'static str) -> NewAudit {
    NewAudit { at: at(0), actor: None, act, subject: new_id().to_string(), detail: r#"{"more":"更多"}"#.to_owned() }
}

/// A person.
#[must_use]
pub fn person(username: &str) -> PersonRow {
    let person = Person {
        id: PersonId(new_id()),
        username: username.to_owned(),
        name: format!("张{username}"),
        roles: [Role::Learner, Role::Proctor].into_iter().collect(),
        unit: Some("0571".to_owned()),
        id_number: None,
        must_change_password: true,
        disabled: false,
    };
    PersonRow { person, password_hash: Some("$argon2id$…".to_owned()) }
}

/// A course of [`YEAR`].
#[must_use]
pub fn course(code: &str) -> CourseRow {
    CourseRow {
        id: CourseId(new_id()),
        code: code.to_owned(),
        title: "职业道德".to_owned(),
        bucket: Bucket::ALL[2],
        credit_year: YEAR,
        hours: Points::from_hundredths(2_050),
    }
}

/// An empty bank.
#[must_use]
pub fn bank(code: &str) -> BankRow {
    BankRow { id: BankId(new_id()), code: code.to_owned(), title: "题库".to_owned(), revision: 0 }
}

/// An item whose text tells its code and `text`, with a hash of the content.
#[must_use]
pub fn item(code: &str, text: &str) -> (Item, [u8; 32]) {
    let stem = format!("{code} {text}");
    let item = Item {
        code: code.to_owned(),
        topic: TopicPath::parse("公需/职业道德"),
        difficulty: Difficulty::MEDIUM,
        tags: vec!["a".to_owned()],
        enemies: Vec::new(),
        points: Some(Points::from_hundredths(250)),
        prompt: Prompt { stem: RichText::from_plain(&stem), interaction: Interaction::TrueFalse },
        solution: Solution { key: Key::TrueFalse { correct: true }, explanation: None, feedback: Vec::new() },
    };
    (item, *blake3::hash(stem.as_bytes()).as_bytes())
}

/// A draft.
#[must_use]
pub fn exam(code: &str, course: CourseId, bank: BankId) -> Exam {
    let blueprint = Blueprint { sections: Vec::new(), overlap_max: None, exposure_max: None, shuffle_options: true };
    let rules = ExamRules {
        blueprint,
        duration_ms: 5_400_000,
        grace_ms: 30_000,
        pass_score: Points::whole(80),
        attempts_max: 3,
        cooldown_ms: 0,
        opens_at: at(0),
        closes_at: at(86_400_000),
        practice: PracticePolicy::Offered,
        review: ReviewPolicy::Full,
        results_at: None,
    };
    let (id, code, title) = (ExamId(new_id()), code.to_owned(), "考试".to_owned());
    Exam { id, code, title, course, bank, rules, audience: None, state: ExamState::Draft }
}

/// Keeps a new learner.
pub async fn new_learner(store: &Arc<dyn Store>) -> PersonId {
    let row = person(&format!("learner-{}", new_id()));
    let id = row.person.id;
    assert!(store.create_people(vec![row], act("people.create")).await.unwrap().is_empty());
    id
}

/// Keeps a new exam with a course and a bank of its own.
pub async fn new_exam(store: &Arc<dyn Store>) -> Exam {
    let code = new_id().to_string();
    let (course, bank) = (course(&code), bank(&code));
    let exam = exam(&code, course.id, bank.id);
    store.create_course(course, act("course.create")).await.unwrap();
    store.create_bank(bank, act("bank.create")).await.unwrap();
    store.create_exam(exam.clone(), [7; 32], act("exam.create")).await.unwrap();
    exam
}

/// The row of an attempt that begins.
#[must_use]
pub fn attempt(learner: PersonId, exam: ExamId, number: u32) -> AttemptRow {
    AttemptRow {
        id: AttemptId(new_id()),
        learner,
        exam,
        mode: Mode::Exam,
        number,
        state: AttemptState::Open,
        started_at: at(0),
        deadline: at(3_600_000),
        due_at: Some(at(3_630_000)),
        closed_at: None,
        answered: 0,
        score: None,
        passed: None,
        hours: Points::ZERO,
        integrity_score: 0,
        flags: 0,
        case: None,
        invalidated: false,
        start_command: new_id(),
        start_digest: [3; 16],
    }
}

/// The row once its learner handed it in.
#[must_use]
pub fn submitted(row: &AttemptRow) -> AttemptRow {
    AttemptRow {
        state: AttemptState::Submitted,
        due_at: None,
        closed_at: Some(at(60_000)),
        answered: 2,
        score: Some(Points::from_hundredths(8_350)),
        passed: Some(true),
        hours: Points::from_hundredths(2_050),
        integrity_score: 4,
        flags: 1,
        ..row.clone()
    }
}

/// What an attempt earns for `course`.
#[must_use]
pub fn grant(row: &AttemptRow, course: CourseId) -> LedgerEntry {
    LedgerEntry {
        id: EntryId(new_id()),
        learner: row.learner,
        course,
        credit_year: YEAR,
        bucket: Bucket::ALL[2],
        hours: Points::from_hundredths(2_050),
        source: GrantSource::Exam { attempt: row.id },
        at: at(60_000),
    }
}

/// A commit of these steps and nothing else.
#[must_use]
pub fn plain(steps: Vec<StepRow>) -> Commit {
    Commit { steps, row: RowChange::Keep, grant: None, audit: None, announcements: Vec::new() }
}

/// Seals one step after another.
#[derive(Clone, Debug)]
pub struct Log {
    learner: PersonId,
    attempt: AttemptId,
    seq: u32,
    head: ChainHash,
    node: u16,
}

impl Log {
    /// The log of an attempt, nothing in it yet.
    #[must_use]
    pub fn new(row: &AttemptRow) -> Self {
        Self { learner: row.learner, attempt: row.id, seq: 0, head: ChainHash::default(), node: 1 }
    }

    /// The log of an attempt whose last step is `last`.
    #[must_use]
    pub fn after(row: &AttemptRow, last: &StepRow) -> Self {
        Self { seq: last.seq, head: last.hash, node: last.node, ..Self::new(row) }
    }

    /// The same log as another node knows it.
    #[must_use]
    pub fn at_node(&self, node: u16) -> Self {
        Self { node, ..self.clone() }
    }

    /// The next step, `ms` after the story began.
    pub fn step(&mut self, command: Option<CommandId>, text: &str, ms: i64) -> StepRow {
        let command = command.map(|id| (id, [5; 16]));
        // Stores do not read bodies; this one is easily told from others.
        let new = NewStep { command, body: StepBody::Warned { reason: text.to_owned() } };
        let (seq, actor) = (self.seq + 1, Actor::Person(self.learner));
        let row = StepRow::seal(self.learner, self.attempt, seq, &self.head, at(ms), actor, self.node, &new).unwrap();
        (self.seq, self.head) = (seq, row.hash);
        row
    }

    /// The commit that starts the attempt.
    pub fn start(&mut self, row: &AttemptRow) -> Commit {
        let first = self.step(Some(row.start_command), "start", 0);
        Commit { row: RowChange::Insert(Box::new(row.clone())), ..plain(vec![first]) }
    }

    /// The commit of one answer.
    pub fn answer(&mut self, text: &str) -> Commit {
        plain(vec![self.step(Some(new_id()), text, 1_000)])
    }
}

/// Keeps a new attempt.
pub async fn started(store: &Arc<dyn Store>, learner: PersonId, exam: ExamId, number: u32) -> (AttemptRow, Log) {
    let row = attempt(learner, exam, number);
    let mut log = Log::new(&row);
    store.commit(log.start(&row)).await.unwrap();
    (row, log)
}

/// Whether the steps are a whole log from its first one on, each hashed onto the one before.
#[must_use]
pub fn is_chain<L: LogId>(steps: &[StepRow<L>]) -> bool {
    let mut head = ChainHash::default();
    steps.iter().zip(1..).all(|(step, seq)| {
        let holds = step.seq == seq && step.hash == step.link(&head);
        head = step.hash;
        holds
    })
}

/// A lesson without hours of its own.
#[must_use]
pub fn lesson(code: &str, course: CourseId, bank: BankId) -> LessonRow {
    LessonRow {
        id: LessonId(new_id()),
        code: code.to_owned(),
        course,
        title: "安全生产".to_owned(),
        duration_ms: 90_000,
        bank,
        bank_revision: 0,
        bank_version: "sha256:00".to_owned(),
        policy: LessonPolicy { rewind_ms: 5_000, ..LessonPolicy::default() },
        hours: None,
        created_at: at(0),
    }
}

/// Keeps a new lesson with a course and a bank of its own.
pub async fn new_lesson(store: &Arc<dyn Store>) -> LessonRow {
    let code = new_id().to_string();
    let (course, bank) = (course(&code), bank(&code));
    let lesson = LessonRow { hours: Some(Points::from_hundredths(250)), ..lesson(&code, course.id, bank.id) };
    store.create_course(course, act("course.create")).await.unwrap();
    store.create_bank(bank, act("bank.create")).await.unwrap();
    store.create_lesson(lesson.clone(), act("lesson.create")).await.unwrap();
    lesson
}

/// What a lesson earns for `course`.
#[must_use]
pub fn lesson_grant(learner: PersonId, course: CourseId, source: GrantSource) -> LedgerEntry {
    LedgerEntry {
        id: EntryId(new_id()),
        learner,
        course,
        credit_year: YEAR,
        bucket: Bucket::ALL[3],
        hours: Points::from_hundredths(250),
        source,
        at: at(60_000),
    }
}

/// A partner with a webhook.
#[must_use]
pub fn partner(name: &str) -> PartnerRow {
    PartnerRow {
        id: PartnerId(new_id()),
        name: name.to_owned(),
        key_hash: *blake3::hash(name.as_bytes()).as_bytes(),
        webhook: Some(Webhook { url: "https://partner.example/hook".to_owned(), secret: "whsec".to_owned() }),
        lessons: None,
        created_at: at(0),
        revoked_at: None,
    }
}

/// Something to be told, due `ms` after the story began.
#[must_use]
pub fn outbox_row(learner: PersonId, partner: PartnerId, ms: i64) -> OutboxRow {
    let body = r#"{"type":"lesson.completed","名":"甲"}"#.to_owned();
    OutboxRow { learner, id: new_id(), partner, body, created_at: at(0), attempts: 0, due_at: at(ms) }
}

/// Seals one step of a lesson after another, in the name of one study.
#[derive(Clone, Debug)]
pub struct LessonLog {
    /// Whose.
    pub learner: PersonId,
    /// In which lesson.
    pub lesson: LessonId,
    /// The last step.
    pub seq: u32,
    head: ChainHash,
    node: u16,
    study: StudyId,
    epoch: u64,
}

impl LessonLog {
    /// Nothing in it yet, and no study open.
    #[must_use]
    pub fn new(learner: PersonId, lesson: LessonId) -> Self {
        Self { learner, lesson, seq: 0, head: ChainHash::default(), node: 1, study: StudyId(new_id()), epoch: 0 }
    }

    /// After its last step, with a study open.
    #[must_use]
    pub fn after(last: &StepRow<LessonId>, study: StudyId, epoch: u64) -> Self {
        let log = Self { study, epoch, ..Self::new(last.learner, last.log) };
        log.following(last)
    }

    /// The same study after this step.
    #[must_use]
    pub fn following(&self, last: &StepRow<LessonId>) -> Self {
        Self { seq: last.seq, head: last.hash, node: last.node, ..self.clone() }
    }

    /// The same log as another node knows it.
    #[must_use]
    pub fn at_node(&self, node: u16) -> Self {
        Self { node, ..self.clone() }
    }

    /// The next step, `ms` after the story began.
    pub fn step(&mut self, command: Option<CommandId>, ms: i64) -> StepRow<LessonId> {
        // Stores do not read bodies; this one is easily told from others.
        let body = LessonStepBody::Lapsed { challenge: ChallengeId(new_id()) };
        let new = NewStep { command: command.map(|id| (id, [5; 16])), body };
        let (seq, actor) = (self.seq + 1, Actor::Person(self.learner));
        let row = StepRow::seal(self.learner, self.lesson, seq, &self.head, at(ms), actor, self.node, &new).unwrap();
        (self.seq, self.head) = (seq, row.hash);
        row
    }

    /// A step of a number that is not its turn.
    pub fn step_at(&mut self, seq: u32, ms: i64) -> StepRow<LessonId> {
        self.seq = seq - 1;
        self.step(None, ms)
    }

    /// The row as of the last step.
    #[must_use]
    pub fn row(&self, ms: i64) -> ProgressRow {
        let mut covered = Coverage::new();
        covered.add(0, 1_500);
        ProgressRow {
            learner: self.learner,
            lesson: self.lesson,
            seq: self.seq,
            epoch: self.epoch,
            state: ProgressState::InProgress,
            covered,
            position_ms: 1_500,
            asked: 2,
            passed: 1,
            completed_at: None,
            hours: Points::ZERO,
            updated_at: at(ms),
        }
    }

    /// The commit that opens a study and takes over from the epoch `from`.
    pub fn open(&mut self, from: Option<u64>, epoch: u64) -> LessonCommit {
        (self.study, self.epoch) = (StudyId(new_id()), epoch);
        let to = StudyRow {
            learner: self.learner,
            study: self.study,
            epoch,
            lesson: self.lesson,
            partner: None,
            opened_at: at(0),
        };
        let steps = vec![self.step(None, 0)];
        LessonCommit {
            steps,
            row: self.row(0),
            fence: Fence::Take { from, to },
            grant: None,
            outbox: None,
            announcements: Vec::new(),
        }
    }

    /// A commit of one step by the open study.
    pub fn hold(&mut self, command: Option<CommandId>, ms: i64) -> LessonCommit {
        let steps = vec![self.step(command, ms)];
        let fence = Fence::Hold { study: self.study, epoch: self.epoch };
        LessonCommit { steps, row: self.row(ms), fence, grant: None, outbox: None, announcements: Vec::new() }
    }
}

/// The commit that completes the lesson.
#[must_use]
pub fn completion(log: &mut LessonLog, grant: Option<LedgerEntry>) -> LessonCommit {
    let commit = log.hold(None, 60_000);
    let hours = grant.as_ref().map_or(Points::ZERO, |entry| entry.hours);
    let (state, completed_at) = (ProgressState::Completed, Some(at(60_000)));
    LessonCommit { row: ProgressRow { state, completed_at, hours, ..commit.row.clone() }, grant, ..commit }
}

/// Does all of it at once; the results in the order of the list.
pub async fn at_once<T: Send + 'static>(work: Vec<impl Future<Output = T> + Send + 'static>) -> Vec<T> {
    let tasks: Vec<_> = work.into_iter().map(tokio::spawn).collect();
    let mut results = Vec::with_capacity(tasks.len());
    for task in tasks {
        results.push(task.await.unwrap());
    }
    results
}
