//! An engine over the real embedded store, with a clock that stands where it is put: time is an argument.

use exam_core::Timestamp;
use exam_core::hours::{Bucket, Obligation, Subject};
use exam_core::ids::{BankId, CourseId, LessonId};
use exam_core::integrity::Origin;
use exam_core::lesson::{Asked, Beat, LessonPolicy, Told, ToldWhat};
use exam_core::person::Role;
use exam_service::{
    BeatOutcome, ChallengeOutcome, Engine, Identity, ImportRequest, LessonDraft, ManualClock, NewPerson, OpenedStudy,
    Options, Pass, Purpose, Resume, StudyError, StudyHandle,
};
use exam_store::{ItemState, LessonRow, Store};
use exam_store_sqlite::SqliteStore;
use question_bank::{OptionId, Points, Response};
use std::sync::Arc;

/// Everybody's password.
pub(crate) const PASSWORD: &str = "in-the-tests-1";
/// The credit year of courses.
pub(crate) const YEAR: i16 = 2026;

/// A site in a folder of its own.
pub(crate) struct Site {
    pub(crate) engine: Arc<Engine>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) store: Arc<SqliteStore>,
    pub(crate) author: Identity,
    pub(crate) bank: BankId,
    folder: tempfile::TempDir,
}

/// Questions come after five covered seconds, five to eight seconds apart; a wrong one costs four seconds.
pub(crate) fn policy() -> LessonPolicy {
    LessonPolicy {
        heartbeat_ms: 2_000,
        silence_ms: 6_000,
        gap_min_ms: 5_000,
        gap_max_ms: 8_000,
        challenges_min: 2,
        answer_within_ms: 30_000,
        rewind_ms: 4_000,
        cooldown_ms: 10_000,
        ..LessonPolicy::default()
    }
}

pub(crate) fn origin() -> Origin {
    Origin { address: "127.0.0.1".into(), agent: "test".into(), device: "test".into() }
}

impl Site {
    pub(crate) async fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Arc::new(open_store(&folder));
        let clock = Arc::new(ManualClock::new(Timestamp::from_ms(1_790_000_000_000)));
        let engine = engine(&store, &clock, 1).await;
        let staff = [("author", Role::Author), ("admin", Role::Admin)];
        let people = staff.into_iter().map(|(name, role)| person(name, role)).collect();
        assert!(engine.create_people(None, people).await.unwrap().1.is_empty());
        let author = sign_in(&engine, "author").await;
        let bank = fill_bank(&engine, &author).await;
        Self { engine, clock, store, author, bank, folder }
    }

    /// Another node on the same store, which then does not believe its cache.
    pub(crate) async fn node(&self, number: u16) -> Arc<Engine> {
        engine(&self.store, &self.clock, number).await
    }

    /// Bytes of the write-ahead log, which grows with every commit until it is copied for the first time.
    pub(crate) fn written(&self) -> u64 {
        let log = std::fs::read_dir(self.folder.path()).unwrap().map(Result::unwrap);
        let log = log.map(|file| file.path()).find(|file| file.to_string_lossy().ends_with("-wal"));
        log.unwrap().metadata().unwrap().len()
    }

    /// The process ends without a word and starts again on its file: what was in memory is gone.
    pub(crate) async fn crash(mut self) -> Self {
        self.store.close().await;
        self.store = Arc::new(open_store(&self.folder));
        self.engine = engine(&self.store, &self.clock, 1).await;
        self
    }

    pub(crate) async fn course(&self, code: &str, hours: i64) -> CourseId {
        let bucket = Bucket { subject: Subject::Professional, bucket: Obligation::Compulsory };
        let hours = Points::whole(hours);
        self.engine.create_course(&self.author, code.into(), code.into(), bucket, YEAR, hours).await.unwrap().id
    }

    pub(crate) fn draft(&self, code: &str, course: CourseId) -> LessonDraft {
        LessonDraft {
            code: code.into(),
            course,
            title: code.into(),
            duration_ms: 20_000,
            bank: self.bank,
            policy: policy(),
            hours: None,
        }
    }

    /// A lesson of twenty seconds.
    pub(crate) async fn lesson(&self, code: &str, course: CourseId, hours: Option<i64>) -> LessonRow {
        let draft = LessonDraft { hours: hours.map(Points::whole), ..self.draft(code, course) };
        self.engine.create_lesson(&self.author, draft).await.unwrap()
    }

    pub(crate) async fn learner(&self, name: &str) -> Identity {
        let people = vec![person(name, Role::Learner)];
        assert!(self.engine.create_people(None, people).await.unwrap().1.is_empty());
        sign_in(&self.engine, name).await
    }

    pub(crate) async fn pass(&self, who: &Identity, lesson: LessonId) -> Pass {
        let (ticket, _) = self.engine.mint_ticket(who, Purpose::Lesson(lesson)).await.unwrap();
        self.engine.redeem_ticket(&ticket).await.unwrap()
    }

    /// A player that has just opened the lesson.
    pub(crate) async fn player(&self, who: &Identity, lesson: LessonId) -> Player {
        let pass = self.pass(who, lesson).await;
        self.player_with(&self.engine, &pass, None).await.unwrap()
    }

    pub(crate) async fn player_with(
        &self,
        engine: &Arc<Engine>,
        pass: &Pass,
        resume: Option<Resume>,
    ) -> Result<Player, StudyError> {
        let opened = engine.open_study(pass, resume, &Arc::new(origin())).await?;
        let (engine, clock) = (Arc::clone(engine), Arc::clone(&self.clock));
        let (position_ms, asked) = (opened.welcome.furthest_ms, opened.welcome.challenge.clone());
        Ok(Player { engine, clock, handle: opened.handle.clone(), opened, n: 0, position_ms, asked, heard: Vec::new() })
    }
}

fn open_store(folder: &tempfile::TempDir) -> SqliteStore {
    SqliteStore::open(folder.path().join("keju.db"), &exam_store_sqlite::Options::default()).unwrap()
}

async fn engine(store: &Arc<SqliteStore>, clock: &Arc<ManualClock>, node: u16) -> Arc<Engine> {
    let options = Options { node, shared_store: node > 1, ..Options::default() };
    let (store, clock) = (Arc::clone(store) as Arc<dyn Store>, Arc::clone(clock));
    Engine::open(store, clock, options).await.unwrap()
}

fn person(username: &str, role: Role) -> NewPerson {
    NewPerson {
        username: username.into(),
        name: username.into(),
        password: Some(PASSWORD.into()),
        roles: vec![role],
        unit: None,
        id_number: None,
    }
}

pub(crate) async fn sign_in(engine: &Engine, username: &str) -> Identity {
    engine.sign_in(username, PASSWORD.into()).await.unwrap().identity
}

/// Twelve single choices whose right option says so.
async fn fill_bank(engine: &Engine, author: &Identity) -> BankId {
    let bank = engine.create_bank(author, "bank".into(), "bank".into()).await.unwrap();
    let mut text = String::new();
    for number in 0..12 {
        text.push_str(&format!("Question {number}?\nA) right {number}\nB) wrong one\nC) wrong two\nANSWER: A\n\n"));
    }
    let request = ImportRequest {
        bytes: text.into_bytes(),
        file_name: Some("bank.txt".into()),
        format: None,
        dry_run: false,
        state: ItemState::Ready,
    };
    let report = engine.import_items(author, bank.id, request).await.unwrap();
    assert_eq!((report.refused, report.accepted + report.warned), (0, 12));
    bank.id
}

/// A player on one connection, that knows what it was told and no more.
pub(crate) struct Player {
    pub(crate) engine: Arc<Engine>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) handle: StudyHandle,
    pub(crate) opened: OpenedStudy,
    pub(crate) n: u64,
    pub(crate) position_ms: i64,
    pub(crate) asked: Option<Asked>,
    /// Everything told, in order.
    pub(crate) heard: Vec<Told>,
}

impl Player {
    pub(crate) fn resume(&self) -> Resume {
        let seq = self.heard.last().map_or(self.opened.welcome.seq, |told| told.seq);
        Resume { study: self.handle.study(), seq, claim: 0 }
    }

    /// One beat, as a player that stands or plays at its position.
    pub(crate) async fn beat(&mut self, playing: bool) -> Result<BeatOutcome, StudyError> {
        self.n += 1;
        let beat = Beat { n: self.n, position_ms: self.position_ms, playing, rate: 1.0 };
        let outcome = self.engine.beat(&self.handle, beat).await?;
        self.hear(&outcome.told);
        Ok(outcome)
    }

    /// Plays for so long and reports.
    pub(crate) async fn play(&mut self, ms: i64) -> BeatOutcome {
        self.clock.advance_ms(ms);
        self.position_ms += ms;
        self.beat(true).await.unwrap()
    }

    /// Plays until a question comes or the lesson is completed.
    pub(crate) async fn play_until_told(&mut self) {
        self.beat(true).await.unwrap();
        for _ in 0..20 {
            if !self.play(2_000).await.told.is_empty() {
                return;
            }
        }
        panic!("nothing was told: {:?}", self.heard);
    }

    fn hear(&mut self, told: &[Told]) {
        for told in told {
            match &told.what {
                ToldWhat::Challenge { challenge, question, answer_until } => {
                    self.asked = Some(Asked {
                        challenge: *challenge,
                        number: 0,
                        question: question.clone(),
                        answer_until: *answer_until,
                    });
                }
                ToldWhat::Verdict { rewind_to_ms, .. } => {
                    self.asked = None;
                    self.position_ms = rewind_to_ms.map_or(self.position_ms, |to| self.position_ms.min(to));
                }
                ToldWhat::Locked { .. } | ToldWhat::Completed { .. } => self.asked = None,
            }
            self.heard.push(told.clone());
        }
    }

    /// The response that shows the author's first option, which is right, or the one after it.
    fn response(&self, right: bool) -> Response {
        let asked = self.asked.as_ref().unwrap();
        let author = u8::from(!right);
        let shown = asked.question.order.iter().position(|option| *option == author).unwrap();
        Response::Choices { choices: vec![OptionId(shown as u8)] }
    }

    pub(crate) async fn answer(&mut self, right: bool) -> ChallengeOutcome {
        self.try_answer(right, uuid::Uuid::now_v7()).await.unwrap()
    }

    pub(crate) async fn try_answer(
        &mut self,
        right: bool,
        command: uuid::Uuid,
    ) -> Result<ChallengeOutcome, StudyError> {
        let (challenge, response) = (self.asked.as_ref().unwrap().challenge, self.response(right));
        let outcome = self.engine.answer_challenge(&self.handle, command, challenge, response).await?;
        self.hear(&outcome.told);
        Ok(outcome)
    }

    /// Plays to the end with right answers.
    pub(crate) async fn complete(&mut self) {
        while self.completed().is_none() {
            if self.asked.is_some() {
                self.answer(true).await;
            } else {
                self.play_until_told().await;
            }
        }
    }

    /// The hours that the completion told of.
    pub(crate) fn completed(&self) -> Option<Points> {
        self.heard.iter().find_map(|told| match told.what {
            ToldWhat::Completed { hours } => Some(hours),
            _ => None,
        })
    }
}
