//! A site ready for stories: the administrator has changed the first password; an author, a proctor,
//! a bank of every kind and a course are there.

use super::json::lay_over;
use super::{Backend, Bank, Client, Server, Settings, id, number, rules, slots};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicU32, Ordering};

/// Everybody's password, the administrator's too.
pub const PASSWORD: &str = "in-the-tests-1";
/// The credit year of courses.
pub const YEAR: i32 = 2023;

/// See the module.
#[derive(Debug)]
pub struct Site {
    /// The server.
    pub server: Server,
    /// Signed in.
    pub admin: Client,
    /// Signed in.
    pub author: Client,
    /// Signed in.
    pub proctor: Client,
    /// What the bank holds.
    pub bank: Bank,
    /// The bank's id; its code is `bank`.
    pub bank_id: String,
    /// The course's id: 5 hours, public compulsory, of [`YEAR`]; its code is `course`.
    pub course_id: String,
    count: AtomicU32,
}

impl Site {
    /// With a bank of 12 items of each kind, without canaries.
    pub async fn start() -> Self {
        Self::start_with(Settings::default(), Bank::generated(12, false)).await
    }

    /// The same on this back end.
    pub async fn start_on(backend: Backend) -> Self {
        Self::start_with(backend.settings(), Bank::generated(12, false)).await
    }

    /// As told.
    pub async fn start_with(settings: Settings, bank: Bank) -> Self {
        let server = Server::start_with(settings);
        let admin = first_sign_in(&server).await;
        let person = |name: &str| json!({"username": name, "name": name, "password": PASSWORD, "roles": [name]});
        let people = json!({"people": [person("author"), person("proctor")]});
        assert_eq!(admin.post("/people", &people).await.ok(200)["created"], 2);
        let author = Client::sign_in(server.url(), "author's desk", "author", PASSWORD).await;
        let proctor = Client::sign_in(server.url(), "proctor's desk", "proctor", PASSWORD).await;
        let made = author.post("/banks", &json!({"code": "bank", "title": "测试题库"})).await.ok(201);
        let bank_id = id(&made);
        let report = author.import(&bank_id, "bank.json", bank.bytes(), "auto", false).await.ok(200);
        assert_eq!(report["refused"], 0, "{report}");
        let (course_id, count) = (String::new(), AtomicU32::new(0));
        let mut site = Self { server, admin, author, proctor, bank, bank_id, course_id, count };
        site.course_id = site.course(&json!({"code": "course"})).await;
        site
    }

    fn next(&self) -> u32 {
        self.count.fetch_add(1, Ordering::Relaxed)
    }

    /// Makes a course; returns its id.
    pub async fn course(&self, over: &Value) -> String {
        let mut body = json!({
            "code": format!("course-{}", self.next()), "title": "测试课程", "subject": "public", "bucket": "compulsory",
            "credit_year": YEAR, "hours": 5,
        });
        lay_over(&mut body, over);
        id(&self.author.post("/courses", &body).await.ok(201))
    }

    /// The body of an exam: [`rules::default_rules`] with `over` laid over them.
    #[must_use]
    pub fn exam_body(&self, over: &Value) -> Value {
        let mut body = rules::default_rules();
        body["code"] = json!(format!("exam-{}", self.next()));
        body["course"] = json!(self.course_id);
        body["bank"] = json!(self.bank_id);
        lay_over(&mut body, over);
        body
    }

    /// Makes and publishes an exam; returns its id.
    pub async fn exam(&self, over: &Value) -> String {
        let exam = id(&self.author.post("/exams", &self.exam_body(over)).await.ok(201));
        let published = self.author.post(&format!("/exams/{exam}/publish"), &json!({})).await.ok(200);
        assert_eq!(published["state"], "published");
        exam
    }

    /// Makes a lesson of twelve seconds in a professional course of its own, with beats of a second and a policy to
    /// match; returns its id.
    pub async fn lesson(&self, over: &Value) -> String {
        let mut body = json!({
            "code": format!("lesson-{}", self.next()), "title": "测试课时", "bank": self.bank_id, "duration_ms": 12_000,
            "policy": {
                "heartbeat_ms": 1_000, "silence_ms": 3_000, "gap_min_ms": 2_000, "gap_max_ms": 4_000, "challenges_min": 2,
                "answer_within_ms": 5_000, "rewind_ms": 2_000, "cooldown_ms": 1_000, "jump_slack_ms": 1_000,
                "end_slack_ms": 500,
            },
        });
        lay_over(&mut body, over);
        if body.get("course").is_none() {
            body["course"] = json!(self.course(&json!({"subject": "professional"})).await);
        }
        id(&self.author.post("/lessons", &body).await.ok(201))
    }

    /// Adds a learner, who signs in.
    pub async fn learner(&self) -> Client {
        self.learners(1).await.remove(0)
    }

    /// Adds learners, who sign in, each on a device of their own.
    pub async fn learners(&self, count: usize) -> Vec<Client> {
        let names: Vec<String> = (0..count).map(|_| format!("learner-{}", self.next())).collect();
        let person =
            |name: &String| json!({"username": name, "name": "学员", "password": PASSWORD, "roles": ["learner"]});
        let people = json!({"people": names.iter().map(person).collect::<Vec<_>>()});
        assert_eq!(self.admin.post("/people", &people).await.ok(200)["created"], count);
        let mut clients = Vec::with_capacity(count);
        for name in names {
            let agent = format!("device of {name}");
            clients.push(Client::sign_in(self.server.url(), &agent, &name, PASSWORD).await);
        }
        clients
    }

    /// Grants a personal exception.
    pub async fn make_exception(&self, exam: &str, learner: &Client, exception: &Value) {
        let mut body = json!({"person": learner.person, "reason": "测试需要"});
        lay_over(&mut body, exception);
        let granted = self.author.post(&format!("/exams/{exam}/overrides"), &body).await;
        assert_eq!(granted.status, 201, "{}", granted.text());
    }

    /// Answers the first `right` slots of an attempt rightly and the others wrongly; returns the receipts.
    pub async fn answer_all(&self, learner: &Client, attempt: &Value, right: usize) -> Vec<Value> {
        let mut receipts = Vec::new();
        for (index, slot) in slots(attempt).iter().enumerate() {
            let response = if index < right { self.bank.right(slot) } else { self.bank.wrong(slot) };
            receipts.push(learner.answer(&id(attempt), number(slot), &response).await.ok(200));
        }
        receipts
    }

    /// Takes an exam from start to submission with this many right answers; returns attempt and result.
    pub async fn take(&self, learner: &Client, exam: &str, right: usize) -> (Value, Value) {
        let attempt = learner.start(exam, "exam").await.ok(201);
        self.answer_all(learner, &attempt, right).await;
        let result = learner.submit(&id(&attempt)).await.ok(200);
        (attempt, result)
    }

    /// Publishes an exam for each kind of hours that [`YEAR`] asks for, which two right answers pass: whoever
    /// passes them all has fulfilled it.
    pub async fn year_of_exams(&self) -> Vec<String> {
        let kinds = [
            ("public", "compulsory", 20),
            ("public", "elective", 10),
            ("professional", "compulsory", 20),
            ("professional", "elective", 40),
        ];
        let mut exams = Vec::new();
        for (subject, bucket, hours) in kinds {
            let course = self.course(&json!({"subject": subject, "bucket": bucket, "hours": hours})).await;
            let mut rules = rules::short_rules(2);
            rules["course"] = json!(course);
            exams.push(self.exam(&rules).await);
        }
        exams
    }

    /// Starts the server again on its database, and lets everybody's sessions find its new address.
    pub fn restart(&mut self) {
        self.server.restart();
        let url = self.server.url().to_owned();
        for client in [&mut self.admin, &mut self.author, &mut self.proctor] {
            *client = client.at(&url);
        }
    }
}

/// Signs the first administrator in by the printed password and changes it.
pub async fn first_sign_in(server: &Server) -> Client {
    let mut first = Client::sign_in(server.url(), "admin's desk", "admin", server.one_time_password()).await;
    let changed = first.change_password(PASSWORD).await;
    assert_eq!(changed.status, 204, "{}", changed.text());
    PASSWORD.clone_into(&mut first.password);
    first
}
