//! Passwords: argon2id on a bounded pool, so that a rush of sign-ins never takes the cores from answers.

use crate::EngineError;
use crate::limits::HASHES_WAITING_MAX;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::Semaphore;

/// 19 MiB, two passes, one lane: OWASP's first choice for argon2id.
fn hasher() -> Argon2<'static> {
    Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::new(19 * 1024, 2, 1, None).unwrap_or_default())
}

/// Where passwords are hashed and checked: few at a time, first come first served.
pub(crate) struct Passwords {
    places: Semaphore,
    waiting: AtomicUsize,
    /// Checked when the username is unknown, so that both cases take the same time.
    dummy: Arc<str>,
}

impl Passwords {
    pub(crate) fn new(at_once: usize) -> Result<Self, EngineError> {
        let dummy = hash_now("no such person")?.into();
        Ok(Self { places: Semaphore::new(at_once.max(1)), waiting: AtomicUsize::new(0), dummy })
    }

    /// Hashes a new password.
    pub(crate) async fn hash(&self, password: String) -> Result<String, EngineError> {
        self.run(move || hash_now(&password)).await?
    }

    /// Checks a password; `None` stands for an unknown person and never matches.
    pub(crate) async fn check(&self, password: String, hash: Option<String>) -> Result<bool, EngineError> {
        let known = hash.is_some();
        let hash: Arc<str> = hash.map_or_else(|| Arc::clone(&self.dummy), Into::into);
        self.run(move || {
            let parsed = PasswordHash::new(&hash).map_err(|error| EngineError::Internal(error.to_string()))?;
            Ok(hasher().verify_password(password.as_bytes(), &parsed).is_ok() && known)
        })
        .await?
    }

    async fn run<R: Send + 'static>(&self, work: impl FnOnce() -> R + Send + 'static) -> Result<R, EngineError> {
        let _waiting = Waiting::enter(&self.waiting)?;
        let _place = self.places.acquire().await.map_err(|_| EngineError::Overloaded)?;
        tokio::task::spawn_blocking(work).await.map_err(|error| EngineError::Internal(error.to_string()))
    }
}

struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn enter(count: &'a AtomicUsize) -> Result<Self, EngineError> {
        let waiting = Self(count);
        if count.fetch_add(1, Ordering::Relaxed) >= HASHES_WAITING_MAX {
            Err(EngineError::Overloaded)
        } else {
            Ok(waiting)
        }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Hashes on the calling thread.
pub(crate) fn hash_now(password: &str) -> Result<String, EngineError> {
    let salt: [u8; 16] = rand::random();
    hasher()
        .hash_password_with_salt(password.as_bytes(), &salt)
        .map(|hash| hash.to_string())
        .map_err(|error| EngineError::Internal(error.to_string()))
}

/// A new password that people can type: 12 characters of 32, 60 bits.
pub(crate) fn generate() -> String {
    const ALPHABET: &[u8; 32] = b"abcdefghjkmnpqrstuvwxyz23456789A";
    let random: [u8; 12] = rand::random();
    random.iter().map(|byte| char::from(ALPHABET[usize::from(byte % 32)])).collect()
}
