//! A site of a bench's own: real store, real engine, no HTTP.

#![expect(clippy::expect_used, reason = "a bench that cannot set itself up has nothing to measure")]

use crate::database::{Database, Opened};
use exam_core::Timestamp;
use exam_core::attempt::{AnswerInput, Mode};
use exam_core::audit::NewAudit;
use exam_core::exam::{ExamRules, PracticePolicy, ReviewPolicy};
use exam_core::hours::{Bucket, Obligation, Subject};
use exam_core::ids::{AttemptId, BankId, ExamId, LessonId, PartnerId, PersonId};
use exam_core::integrity::Origin;
use exam_core::lesson::LessonPolicy;
use exam_core::person::{Person, Role};
use exam_service::{Clock, Engine, ExamDraft, Identity, LessonDraft, Options, PartnerDraft, SystemClock};
use exam_store::{ItemState, PersonRow, SessionRow};
use futures_util::StreamExt as _;
use question_bank::{
    Blueprint, Difficulty, Interaction, Item, ItemKind, Key, OptionId, Points, Prompt, Response, RichText, Section,
    Solution, TopicPath,
};
use sha2::{Digest, Sha256};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use uuid::Uuid;

/// Slots of the bench's paper.
pub const SLOTS: u32 = 40;
/// So many attempts or sessions are made at once.
const AT_ONCE: usize = 64;

/// See the module.
pub struct BenchSite {
    /// The engine.
    pub engine: Arc<Engine>,
    /// The exam of [`SLOTS`] items.
    pub exam: ExamId,
    author: Identity,
    bank: BankId,
    store: Opened,
    count: AtomicU64,
    database: Database,
}

/// A learner with an open attempt.
#[derive(Clone)]
pub struct Learner {
    identity: Identity,
    attempt: AttemptId,
    origin: Origin,
}

impl Learner {
    /// Who it is.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// The open attempt.
    pub fn attempt(&self) -> AttemptId {
        self.attempt
    }

    /// Answers the next slot and waits until it is durable.
    pub async fn answer(&self, engine: &Engine, round: u64) {
        let choice = OptionId((round / u64::from(SLOTS) % 4) as u8);
        let input = AnswerInput {
            command: Uuid::now_v7(),
            slot: (round % u64::from(SLOTS)) as u32 + 1,
            response: Some(Response::Choices { choices: vec![choice] }),
            answered_at: None,
        };
        engine.answer(&self.identity, self.attempt, input, &self.origin).await.expect("the answer is kept");
    }
}

impl BenchSite {
    /// Makes a site with so many items and one exam of forty.
    pub async fn open(items: u32, heuristics: bool) -> Self {
        Self::open_at(items, heuristics, Arc::new(SystemClock::start(None))).await
    }

    /// The same, by a clock of the bench's own.
    pub async fn open_at(items: u32, heuristics: bool, clock: Arc<dyn Clock>) -> Self {
        let database = Database::new();
        let store = database.open().await;
        let options = Options { heuristics, ..Options::default() };
        let engine = Engine::open(store.store(), clock, options).await;
        let engine = engine.expect("the engine opens");
        let author = person(0, vec![Role::Author]);
        let identity = identity(&author);
        let author_identity = identity.clone();
        engine.store().create_people(vec![row(author)], audit()).await.expect("the author is added");
        let bank = engine.create_bank(&identity, "bench".into(), "bench".into()).await.expect("a bank");
        let items = (0..items).map(|number| (item(number), *Uuid::from_u128(number.into()).as_bytes())).map(wide);
        engine
            .store()
            .put_items(bank.id, items.collect(), ItemState::Ready, engine.now(), audit())
            .await
            .expect("items are kept");
        let bucket = Bucket { subject: Subject::Public, bucket: Obligation::Compulsory };
        let course = engine.create_course(&identity, "bench".into(), "bench".into(), bucket, 2023, Points::whole(20));
        let course = course.await.expect("a course");
        let draft = ExamDraft {
            code: "bench".into(),
            title: "bench".into(),
            course: course.id,
            bank: bank.id,
            rules: rules(),
            audience: None,
        };
        let exam = engine.create_exam(&identity, draft).await.expect("an exam");
        engine.publish_exam(&identity, exam.id).await.expect("it can be drawn");
        Self {
            engine,
            exam: exam.id,
            author: author_identity,
            bank: bank.id,
            store,
            count: AtomicU64::new(1),
            database,
        }
    }

    /// Its database.
    pub fn database(&self) -> &Database {
        &self.database
    }

    /// Closes the database and leaves it where it is, for a server of its own.
    pub async fn close(self) -> Database {
        self.store.close().await;
        self.database
    }

    /// A session for each: its token.
    pub async fn sign_in(&self, people: &[Identity]) -> Vec<String> {
        let signing_in = people.iter().map(|person| async {
            let token = format!("{}{}", Uuid::new_v4().simple(), &Uuid::new_v4().simple().to_string()[..11]);
            let session = SessionRow {
                token_hash: Sha256::digest(token.as_bytes()).into(),
                person: person.id(),
                created_at: self.engine.now(),
                expires_at: self.engine.now().plus_ms(12 * 3_600_000),
            };
            self.engine.store().create_session(session).await.expect("a session");
            token
        });
        futures_util::stream::iter(signing_in).buffered(AT_ONCE).collect().await
    }

    /// A lesson of this policy in a professional course of its own.
    pub async fn lesson(&self, code: &str, duration_ms: i64, policy: LessonPolicy) -> LessonId {
        let bucket = Bucket { subject: Subject::Professional, bucket: Obligation::Compulsory };
        let (name, hours) = (code.to_owned(), Points::whole(2));
        let course = self.engine.create_course(&self.author, name.clone(), name.clone(), bucket, 2023, hours).await;
        let (course, title) = (course.expect("a course").id, name.clone());
        let draft = LessonDraft { code: name, course, title, duration_ms, bank: self.bank, policy, hours: None };
        self.engine.create_lesson(&self.author, draft).await.expect("a lesson").id
    }

    /// A partner and its key.
    pub async fn partner(&self) -> (PartnerId, String) {
        let draft = PartnerDraft { name: "bench".into(), webhook_url: None, lessons: None };
        let made = self.engine.add_partner(None, draft).await.expect("a partner");
        (made.partner.id, made.key)
    }

    /// Somebody who may do everything.
    pub async fn administrator(&self) -> Identity {
        let admin = person(self.count.fetch_add(1, Ordering::Relaxed), vec![Role::Admin]);
        let identity = identity(&admin);
        self.engine.store().create_people(vec![row(admin)], audit()).await.expect("the administrator is added");
        identity
    }

    /// So many new learners.
    pub async fn people(&self, count: usize) -> Vec<Identity> {
        let first = self.count.fetch_add(count as u64, Ordering::Relaxed);
        let people: Vec<Person> =
            (first..first + count as u64).map(|number| person(number, vec![Role::Learner])).collect();
        let identities = people.iter().map(identity).collect();
        let rows = people.into_iter().map(row).collect();
        self.engine.store().create_people(rows, audit()).await.expect("learners are added");
        identities
    }

    /// So many new learners, each with an open attempt.
    pub async fn learners(&self, count: usize) -> Vec<Learner> {
        let starting = self.people(count).await.into_iter().map(|identity| async {
            let origin = origin();
            let started = self.engine.start(&identity, self.exam, Uuid::now_v7(), Mode::Exam, &origin).await;
            Learner { attempt: started.expect("the attempt starts").id, identity, origin }
        });
        futures_util::stream::iter(starting).buffered(AT_ONCE).collect().await
    }
}

/// A clock by which people take their time, however fast they are asked: with every answer of one of so many, a part
/// of what somebody thinks before an answer goes by. Some think long: nobody's rhythm is a machine's.
pub struct Leisure {
    now_us: AtomicI64,
    people: AtomicI64,
}

impl Leisure {
    const LEAST_US: i64 = 3_200_000;
    const LONG_US: i64 = 5_000_000;

    /// Begins now.
    pub fn start() -> Arc<Self> {
        let now_us = SystemClock::start(None).now().ms() * 1_000;
        Arc::new(Self { now_us: AtomicI64::new(now_us), people: AtomicI64::new(1) })
    }

    /// So many answer from now on.
    pub fn shared_by(&self, people: usize) {
        self.people.store(people as i64, Ordering::Relaxed);
    }

    /// One of them has thought.
    pub fn think(&self) {
        let people = self.people.load(Ordering::Relaxed);
        let is_long = rand::random_range(0..2 * people) == 0;
        let us = Self::LEAST_US / people + if is_long { Self::LONG_US } else { 0 };
        self.now_us.fetch_add(us, Ordering::Relaxed);
    }
}

impl Clock for Leisure {
    fn now(&self) -> Timestamp {
        Timestamp::from_ms(self.now_us.load(Ordering::Relaxed) / 1_000)
    }
}

fn wide((item, half): (Item, [u8; 16])) -> (Item, [u8; 32]) {
    let mut hash = [0; 32];
    hash[..16].copy_from_slice(&half);
    (item, hash)
}

fn origin() -> Origin {
    Origin { address: "127.0.0.1".into(), agent: "bench".into(), device: "bench".into() }
}

fn audit() -> NewAudit {
    NewAudit { at: Timestamp::from_ms(0), actor: None, act: "bench", subject: String::new(), detail: "{}".into() }
}

fn person(number: u64, roles: Vec<Role>) -> Person {
    Person {
        id: PersonId(Uuid::now_v7()),
        username: format!("bench{number}"),
        name: format!("bench {number}"),
        roles: roles.into_iter().collect(),
        unit: None,
        id_number: None,
        must_change_password: false,
        disabled: false,
    }
}

fn row(person: Person) -> PersonRow {
    PersonRow { person, password_hash: None }
}

fn identity(person: &Person) -> Identity {
    Identity { person: Arc::new(person.clone()), session: [0; 32], expires_at: Timestamp::from_ms(i64::MAX) }
}

fn rules() -> ExamRules {
    let section = Section {
        title: "单选题".into(),
        count: SLOTS,
        points: Points::from_hundredths(250),
        kind: Some(ItemKind::SingleChoice),
        scoring: None,
        quotas: Vec::new(),
    };
    ExamRules {
        blueprint: Blueprint { sections: vec![section], overlap_max: None, exposure_max: None, shuffle_options: true },
        // As long as may be: a bench's clock may be fast.
        duration_ms: 86_400_000,
        grace_ms: 0,
        pass_score: Points::whole(60),
        attempts_max: 0,
        cooldown_ms: 0,
        opens_at: Timestamp::from_ms(0),
        closes_at: Timestamp::parse("2100-01-01T00:00:00Z").expect("a time"),
        practice: PracticePolicy::Offered,
        review: ReviewPolicy::Score,
        results_at: None,
    }
}

fn item(number: u32) -> Item {
    let option = |letter| RichText::from_plain(&format!("第 {number} 题的选项 {letter}，长度与真实题目相仿"));
    Item {
        code: format!("bench-{number:05}"),
        topic: TopicPath::parse(&format!("公需/主题{}", number % 10)),
        difficulty: Difficulty::new((number % 5) as u8 + 1).unwrap_or_default(),
        tags: Vec::new(),
        enemies: Vec::new(),
        points: None,
        prompt: Prompt {
            stem: RichText::from_plain(&format!("第 {number} 题：下列关于继续教育的说法，正确的是哪一项？")),
            interaction: Interaction::Choice {
                multiple: false,
                fixed_order: false,
                options: ["甲", "乙", "丙", "丁"].map(option).to_vec(),
            },
        },
        solution: Solution {
            key: Key::Choice { correct: vec![(number % 4) as u8], weights: None },
            explanation: None,
            feedback: Vec::new(),
        },
    }
}
