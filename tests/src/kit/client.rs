//! A client on one device: an HTTP client with a user agent and, once signed in, a bearer token.

use super::Reply;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex, PoisonError};

/// See the module. A clone is the same device; [`Client::device`] is another one of the same person.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    agent: String,
    base: String,
    token: Option<String>,
    /// Whoever signed in; empty before.
    pub username: String,
    /// Their id; empty before.
    pub person: String,
    pub(super) password: String,
    language: Option<String>,
    recorder: Option<Arc<Mutex<Vec<u8>>>>,
}

/// A fresh `command_id`.
#[must_use]
pub fn command_id() -> String {
    uuid::Uuid::new_v4().to_string()
}

impl Client {
    /// A device nobody has signed in on; `base` such as `http://127.0.0.1:8080`.
    #[must_use]
    pub fn new(base: &str, agent: &str) -> Self {
        let http = reqwest::Client::builder().user_agent(agent).no_proxy().build().expect("a plain HTTP client");
        Self {
            http,
            agent: agent.to_owned(),
            base: base.to_owned(),
            token: None,
            username: String::new(),
            person: String::new(),
            password: String::new(),
            language: None,
            recorder: None,
        }
    }

    /// A new device on which `username` signs in.
    pub async fn sign_in(base: &str, agent: &str, username: &str, password: &str) -> Self {
        let mut client = Self::new(base, agent);
        let session = client.try_sign_in(username, password).await.ok(200);
        client.token = session["token"].as_str().map(str::to_owned);
        client.person = super::id(&session["user"]);
        client.username = username.to_owned();
        client.password = password.to_owned();
        client
    }

    /// Another device of the same person, at the same site or, after a restart, at its new address.
    pub async fn device(&self, base: &str, agent: &str) -> Self {
        Self::sign_in(base, agent, &self.username, &self.password).await
    }

    /// The same device and session at another address: after a restart.
    #[must_use]
    pub fn at(&self, base: &str) -> Self {
        Self { base: base.to_owned(), ..self.clone() }
    }

    /// The same device, asking for this language (`Accept-Language`).
    #[must_use]
    pub fn speaking(&self, language: &str) -> Self {
        Self { language: Some(language.to_owned()), ..self.clone() }
    }

    /// The same device with another token, or none.
    #[must_use]
    pub fn with_token(&self, token: Option<&str>) -> Self {
        Self { token: token.map(str::to_owned), ..self.clone() }
    }

    /// The same device; from now on every byte it receives, heads included, is kept.
    #[must_use]
    pub fn recording(&self) -> Self {
        Self { recorder: Some(Arc::default()), ..self.clone() }
    }

    /// Everything received since [`Client::recording`], clones included.
    #[must_use]
    pub fn recorded(&self) -> Vec<u8> {
        self.recorder.as_ref().map_or_else(Vec::new, |kept| kept.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }

    /// The session's token; empty before signing in.
    #[must_use]
    pub fn token(&self) -> &str {
        self.token.as_deref().unwrap_or_default()
    }

    /// What the device calls itself.
    #[must_use]
    pub fn agent(&self) -> &str {
        &self.agent
    }

    /// The site's address.
    #[must_use]
    pub fn base(&self) -> &str {
        &self.base
    }

    /// A request to an absolute path, with token and language; for [`Client::try_send`].
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let mut request = self.http.request(method, format!("{}{path}", self.base));
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        if let Some(language) = &self.language {
            request = request.header("accept-language", language);
        }
        request
    }

    /// Sends a request.
    ///
    /// # Errors
    /// No whole answer came: the server is gone.
    pub async fn try_send(&self, request: RequestBuilder) -> Result<Reply, reqwest::Error> {
        let reply = Reply::read(request.send().await?).await?;
        if let Some(recorder) = &self.recorder {
            let mut kept = recorder.lock().unwrap_or_else(PoisonError::into_inner);
            for (name, value) in &reply.headers {
                kept.extend_from_slice(name.as_str().as_bytes());
                kept.extend_from_slice(b": ");
                kept.extend_from_slice(value.as_bytes());
                kept.push(b'\n');
            }
            kept.extend_from_slice(&reply.body);
            kept.push(b'\n');
        }
        Ok(reply)
    }

    /// Sends a request that must be answered.
    pub async fn send(&self, request: RequestBuilder) -> Reply {
        self.try_send(request).await.unwrap_or_else(|error| panic!("no answer: {error:?}"))
    }

    /// GET `/api/v1` + `path`.
    pub async fn get(&self, path: &str) -> Reply {
        self.send(self.request(Method::GET, &format!("/api/v1{path}"))).await
    }

    /// POST `/api/v1` + `path` with a JSON body.
    pub async fn post(&self, path: &str, body: &Value) -> Reply {
        self.send(self.request(Method::POST, &format!("/api/v1{path}")).json(body)).await
    }

    /// PUT `/api/v1` + `path` with a JSON body.
    pub async fn put(&self, path: &str, body: &Value) -> Reply {
        self.send(self.request(Method::PUT, &format!("/api/v1{path}")).json(body)).await
    }

    /// DELETE `/api/v1` + `path`.
    pub async fn delete(&self, path: &str) -> Reply {
        self.send(self.request(Method::DELETE, &format!("/api/v1{path}"))).await
    }

    /// POST `/session`; the token of the answer is not taken.
    pub async fn try_sign_in(&self, username: &str, password: &str) -> Reply {
        self.post("/session", &json!({"username": username, "password": password})).await
    }

    /// POST `/tickets`; the ticket.
    pub async fn ticket(&self, purpose: &str, id: &str) -> String {
        let minted = self.post("/tickets", &json!({"purpose": purpose, "id": id})).await.ok(201);
        super::text(&minted["ticket"]).to_owned()
    }

    /// DELETE `/session`.
    pub async fn sign_out(&self) -> Reply {
        self.delete("/session").await
    }

    /// POST `/me/password`.
    pub async fn change_password(&self, new: &str) -> Reply {
        self.post("/me/password", &json!({"password": self.password, "new_password": new})).await
    }

    /// POST `/banks/{bank}/imports`.
    pub async fn import(&self, bank: &str, name: &str, bytes: Vec<u8>, format: &str, dry_run: bool) -> Reply {
        let file = reqwest::multipart::Part::bytes(bytes).file_name(name.to_owned());
        let form = reqwest::multipart::Form::new()
            .part("file", file)
            .text("format", format.to_owned())
            .text("dry_run", dry_run.to_string());
        self.send(self.request(Method::POST, &format!("/api/v1/banks/{bank}/imports")).multipart(form)).await
    }
}

/// What learners call.
impl Client {
    /// GET `/me`.
    pub async fn me(&self) -> Reply {
        self.get("/me").await
    }

    /// GET `/me/hours`.
    pub async fn hours(&self, year: i32) -> Reply {
        self.get(&format!("/me/hours?year={year}")).await
    }

    /// GET `/courses`.
    pub async fn courses(&self) -> Reply {
        self.get("/courses").await
    }

    /// GET `/exams`.
    pub async fn exams(&self) -> Reply {
        self.get("/exams").await
    }

    /// GET `/exams/{exam}`.
    pub async fn exam(&self, exam: &str) -> Reply {
        self.get(&format!("/exams/{exam}")).await
    }

    /// POST `/exams/{exam}/attempts` in `mode` `exam` or `practice`, by a command of its own.
    pub async fn start(&self, exam: &str, mode: &str) -> Reply {
        self.start_by(exam, mode, &command_id()).await
    }

    /// The same by a given command.
    pub async fn start_by(&self, exam: &str, mode: &str, command: &str) -> Reply {
        self.post(&format!("/exams/{exam}/attempts"), &json!({"command_id": command, "mode": mode})).await
    }

    /// GET `/attempts/{attempt}`.
    pub async fn attempt(&self, attempt: &str) -> Reply {
        self.get(&format!("/attempts/{attempt}")).await
    }

    /// PUT `/attempts/{attempt}/answers/{slot}` by a command of its own.
    pub async fn answer(&self, attempt: &str, slot: u64, response: &Value) -> Reply {
        self.answer_by(attempt, slot, response, &command_id()).await
    }

    /// The same by a given command.
    pub async fn answer_by(&self, attempt: &str, slot: u64, response: &Value, command: &str) -> Reply {
        let body = json!({"command_id": command, "response": response});
        self.put(&format!("/attempts/{attempt}/answers/{slot}"), &body).await
    }

    /// POST `/attempts/{attempt}/answers`.
    pub async fn answers(&self, attempt: &str, answers: &Value) -> Reply {
        self.post(&format!("/attempts/{attempt}/answers"), &json!({"answers": answers})).await
    }

    /// POST `/attempts/{attempt}/signals`.
    pub async fn signals(&self, attempt: &str, signals: &Value) -> Reply {
        self.post(&format!("/attempts/{attempt}/signals"), &json!({"signals": signals})).await
    }

    /// POST `/attempts/{attempt}/submission` by a command of its own.
    pub async fn submit(&self, attempt: &str) -> Reply {
        self.submit_by(attempt, &command_id()).await
    }

    /// The same by a given command.
    pub async fn submit_by(&self, attempt: &str, command: &str) -> Reply {
        self.post(&format!("/attempts/{attempt}/submission"), &json!({"command_id": command})).await
    }

    /// GET `/attempts/{attempt}/result`.
    pub async fn result(&self, attempt: &str) -> Reply {
        self.get(&format!("/attempts/{attempt}/result")).await
    }

    /// POST `/receipts/verify`.
    pub async fn verify_receipt(&self, receipt: &Value) -> Reply {
        self.post("/receipts/verify", receipt).await
    }
}

/// What proctors call.
impl Client {
    /// GET `/exams/{exam}/sessions`.
    pub async fn sessions(&self, exam: &str) -> Reply {
        self.get(&format!("/exams/{exam}/sessions")).await
    }

    /// GET `/attempts/{attempt}/timeline`.
    pub async fn timeline(&self, attempt: &str) -> Reply {
        self.get(&format!("/attempts/{attempt}/timeline")).await
    }

    /// POST `/attempts/{attempt}/actions` by a command of its own; `minutes` for `extend`.
    pub async fn act(&self, attempt: &str, action: &str, reason: &str, minutes: Option<u32>) -> Reply {
        let mut body = json!({"command_id": command_id(), "action": action, "reason": reason});
        if let Some(minutes) = minutes {
            body["minutes"] = json!(minutes);
        }
        self.post(&format!("/attempts/{attempt}/actions"), &body).await
    }

    /// POST `/attempts/{attempt}/case` by a command of its own.
    pub async fn open_case(&self, attempt: &str, reason: &str) -> Reply {
        let body = json!({"command_id": command_id(), "reason": reason});
        self.post(&format!("/attempts/{attempt}/case"), &body).await
    }

    /// GET `/cases/{case}`.
    pub async fn case(&self, case: &str) -> Reply {
        self.get(&format!("/cases/{case}")).await
    }

    /// POST `/cases/{case}/decisions` by a command of its own.
    pub async fn decide(&self, case: &str, decision: &str, reason: &str) -> Reply {
        self.decide_by(case, decision, reason, &command_id()).await
    }

    /// The same by this command.
    pub async fn decide_by(&self, case: &str, decision: &str, reason: &str, command: &str) -> Reply {
        let body = json!({"command_id": command, "decision": decision, "reason": reason});
        self.post(&format!("/cases/{case}/decisions"), &body).await
    }
}
