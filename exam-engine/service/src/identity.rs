//! Signing in and who is signed in.

use crate::engine::Stats;
use crate::events::Event;
use crate::limits::{PASSWORD_CHARS, SESSION_CACHE_SECONDS, SESSION_MS, SESSIONS_CACHED_MAX};
use crate::{Engine, EngineError};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use exam_core::access::{self, Act, Subject, Verdict};
use exam_core::audit::NewAudit;
use exam_core::person::Person;
use exam_core::{PersonId, Timestamp};
use exam_store::SessionRow;
use moka::sync::Cache;
use sha2::{Digest, Sha256};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Whoever is signed in, and by which session.
#[derive(Clone, Debug)]
pub struct Identity {
    /// The person, as the store has them.
    pub person: Arc<Person>,
    /// SHA-256 of the session's token.
    pub session: [u8; 32],
    /// When the session ends.
    pub expires_at: Timestamp,
}

/// A fresh sign-in.
#[derive(Clone, Debug)]
pub struct SignedIn {
    /// The token; kept nowhere here.
    pub token: String,
    /// Whose it is.
    pub identity: Identity,
}

impl Identity {
    /// The person's id.
    #[must_use]
    pub fn id(&self) -> PersonId {
        self.person.id
    }

    /// Asks the one place that decides.
    ///
    /// # Errors
    /// [`EngineError::Forbidden`] or, where the thing must not be known, [`EngineError::NotFound`].
    pub fn may(&self, act: Act) -> Result<(), EngineError> {
        if self.person.must_change_password && act != Act::UseOwnAccount {
            return Err(EngineError::PasswordChangeRequired);
        }
        match access::decide(&Subject { person: self.person.id, roles: self.person.roles }, act) {
            Verdict::Allow => Ok(()),
            Verdict::Deny => Err(EngineError::Forbidden),
            Verdict::Hide => Err(EngineError::NotFound),
        }
    }
}

/// Who is behind the tokens seen lately.
pub(crate) struct SessionCache {
    known: Cache<[u8; 32], Identity>,
    /// Counts endings, so that whoever read the store before one does not keep what it ended.
    endings: AtomicU64,
}

impl SessionCache {
    pub(crate) fn new() -> Self {
        let lifetime = Duration::from_secs(SESSION_CACHE_SECONDS);
        let known = Cache::builder()
            .max_capacity(SESSIONS_CACHED_MAX)
            .time_to_live(lifetime)
            .support_invalidation_closures()
            .build();
        Self { known, endings: AtomicU64::new(0) }
    }

    /// Keeps what was read from the store, unless a session ended meanwhile.
    fn keep(&self, session: [u8; 32], identity: Identity, endings_before: u64) {
        self.known.insert(session, identity);
        if self.endings.load(Ordering::SeqCst) != endings_before {
            self.known.invalidate(&session);
        }
    }

    /// Every session has to be looked up again.
    pub(crate) fn forget_all(&self) {
        self.endings.fetch_add(1, Ordering::SeqCst);
        self.known.invalidate_all();
    }

    pub(crate) fn forget(&self, session: &[u8; 32]) {
        self.endings.fetch_add(1, Ordering::SeqCst);
        self.known.invalidate(session);
    }

    pub(crate) fn forget_person(&self, person: PersonId) {
        // Fails only without support for closures, which is switched on above.
        self.endings.fetch_add(1, Ordering::SeqCst);
        let _ = self.known.invalidate_entries_if(move |_, identity| identity.person.id == person);
    }
}

/// Opaque, 256 bits.
pub(crate) fn new_token() -> (String, [u8; 32]) {
    let random: [u8; 32] = rand::random();
    let token = URL_SAFE_NO_PAD.encode(random);
    let hash = token_hash(&token);
    (token, hash)
}

/// What is kept of a session's token.
#[must_use]
pub fn token_hash(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

impl Engine {
    /// Signs in by password. Every sign-in is a new session.
    ///
    /// # Errors
    /// [`EngineError::Unauthenticated`] for an unknown person, a wrong password and a disabled
    /// account alike, after the same time.
    pub async fn sign_in(&self, username: &str, password: String) -> Result<SignedIn, EngineError> {
        let endings = self.sessions.endings.load(Ordering::SeqCst);
        let row = self.store.person_by_username(username).await?;
        let hash = row.as_ref().and_then(|row| row.password_hash.clone());
        let matches = self.passwords.check(password, hash).await?;
        let Some(row) = row.filter(|row| matches && !row.person.disabled) else {
            Stats::add(&self.stats().sign_ins_failed, 1);
            return Err(EngineError::Unauthenticated);
        };
        let now = self.now();
        let (token, session) = new_token();
        let expires_at = now.plus_ms(SESSION_MS);
        self.store
            .create_session(SessionRow { token_hash: session, person: row.person.id, created_at: now, expires_at })
            .await?;
        let identity = Identity { person: Arc::new(row.person), session, expires_at };
        self.sessions.keep(session, identity.clone(), endings);
        Stats::add(&self.stats().sign_ins, 1);
        Ok(SignedIn { token, identity })
    }

    /// Who is behind a token.
    ///
    /// # Errors
    /// [`EngineError::Unauthenticated`] for a token that is unknown, ended, expired or a disabled person's.
    pub async fn identify(&self, token: &str) -> Result<Identity, EngineError> {
        self.identify_session(token_hash(token)).await
    }

    /// Whose session it is that has a token of this hash: for whoever showed the token before.
    ///
    /// # Errors
    /// As [`Engine::identify`].
    pub async fn identify_session(&self, hash: [u8; 32]) -> Result<Identity, EngineError> {
        let now = self.now();
        if let Some(identity) = self.sessions.known.get(&hash) {
            return if identity.expires_at > now { Ok(identity) } else { Err(EngineError::Unauthenticated) };
        }
        let endings = self.sessions.endings.load(Ordering::SeqCst);
        let found = self.store.session(hash).await?;
        let found = found.filter(|(session, row)| session.expires_at > now && !row.person.disabled);
        let (session, row) = found.ok_or(EngineError::Unauthenticated)?;
        let person = Arc::new(row.person);
        let identity = Identity { person, session: hash, expires_at: session.expires_at };
        self.sessions.keep(hash, identity.clone(), endings);
        Ok(identity)
    }

    /// Ends the session.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn sign_out(&self, identity: &Identity) -> Result<(), EngineError> {
        self.store.delete_session(identity.id(), identity.session).await?;
        self.sessions.forget(&identity.session);
        self.events().tell(&Event::SessionEnded { person: identity.id(), session: identity.session });
        Ok(())
    }

    /// Changes one's own password; every other session of the person ends.
    ///
    /// # Errors
    /// The present password is wrong, or the new one too short, too long or the same.
    pub async fn change_password(&self, identity: &Identity, present: String, new: String) -> Result<(), EngineError> {
        identity.may(Act::UseOwnAccount)?;
        check_password("/new_password", &new)?;
        if present == new {
            return Err(EngineError::invalid(
                "/new_password",
                "新密码不能与当前密码相同 / give another password than the present one",
            ));
        }
        let row = self.store.person(identity.id()).await?.ok_or(EngineError::Unauthenticated)?;
        if !self.passwords.check(present, row.password_hash).await? {
            return Err(EngineError::invalid("/password", "当前密码不正确 / this is not the present password"));
        }
        let hash = self.passwords.hash(new).await?;
        let audit = self.audit(Some(identity.id()), "person.password", identity.id().to_string());
        self.store.set_password(identity.id(), hash, false, Some(identity.session), audit).await?;
        self.end_sessions(identity.id(), Some(identity.session));
        Ok(())
    }

    /// Sets somebody's password (administrator, command line); all their sessions end, and the next
    /// sign-in has to change it.
    ///
    /// # Errors
    /// Nobody has that name, or the password is too short or too long.
    pub async fn reset_password(
        &self,
        by: Option<PersonId>,
        username: &str,
        new: Option<String>,
    ) -> Result<String, EngineError> {
        let row = self.store.person_by_username(username).await?.ok_or(EngineError::NotFound)?;
        let new = new.unwrap_or_else(crate::password::generate);
        check_password("/password", &new)?;
        let hash = self.passwords.hash(new.clone()).await?;
        let audit = self.audit(by, "person.password_reset", row.person.id.to_string());
        self.store.set_password(row.person.id, hash, true, None, audit).await?;
        self.end_sessions(row.person.id, None);
        Ok(new)
    }

    /// Lets a person sign in or not; disabling ends all their sessions at once.
    ///
    /// # Errors
    /// Nobody has that id, or the caller is no administrator, or it is the caller who would be shut out.
    pub async fn set_disabled(&self, by: &Identity, person: PersonId, disabled: bool) -> Result<(), EngineError> {
        by.may(Act::ManagePeople)?;
        if disabled && person == by.id() {
            let detail =
                "不能停用自己，请由另一位管理员操作 / you cannot disable yourself: let another administrator do it";
            return Err(EngineError::invalid("/disabled", detail));
        }
        let act = if disabled { "person.disable" } else { "person.enable" };
        self.store.set_disabled(person, disabled, self.audit(Some(by.id()), act, person.to_string())).await?;
        self.end_sessions(person, None);
        Ok(())
    }

    /// Gives a person another first password, made here; all their sessions end.
    ///
    /// # Errors
    /// Nobody has that id, or the caller is no administrator, or it is their own.
    pub async fn renew_password(&self, by: &Identity, person: PersonId) -> Result<String, EngineError> {
        by.may(Act::ManagePeople)?;
        if person == by.id() {
            return Err(EngineError::WrongState(
                "自己的密码请在“修改密码”中修改 / change your own password by giving the present one",
            ));
        }
        let found = self.store.person(person).await?.ok_or(EngineError::NotFound)?;
        self.reset_password(Some(by.id()), &found.person.username, None).await
    }

    /// After their sessions ended in the store, but for one.
    fn end_sessions(&self, person: PersonId, but: Option<[u8; 32]>) {
        self.sessions.forget_person(person);
        self.events().tell(&Event::PersonEnded { person, but });
    }

    pub(crate) fn audit(&self, actor: Option<PersonId>, act: &'static str, subject: String) -> NewAudit {
        NewAudit { at: self.now(), actor, act, subject, detail: "{}".to_owned() }
    }
}

pub(crate) fn check_password(pointer: &str, password: &str) -> Result<(), EngineError> {
    if PASSWORD_CHARS.contains(&password.chars().count()) {
        return Ok(());
    }
    let (least, most) = (PASSWORD_CHARS.start(), PASSWORD_CHARS.end());
    Err(EngineError::invalid(
        pointer,
        format!("密码长度应为 {least} 至 {most} 个字符 / give a password of {least} to {most} characters"),
    ))
}
