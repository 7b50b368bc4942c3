//! Logs: append-only steps, numbered without gaps, each hashed onto the one before. Attempts and
//! lessons keep theirs the same way; what belongs to a log is told by its id's type.
//!
//! The body is stored as the JSON text that was hashed.

use crate::attempt::StepBody;
use crate::lesson::LessonStepBody;
use crate::{AttemptId, LessonId, PersonId, Timestamp};
use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

/// A client-made id; a repeat of it gets the first result.
pub type CommandId = Uuid;

/// A link of the hash chain.
pub type ChainHash = [u8; 32];

/// What a log is of: with its learner it names the log, and its type says what the steps hold.
pub trait LogId: Copy {
    /// What happens in it.
    type Body: Serialize + DeserializeOwned;

    /// The sixteen bytes that the hashes are over.
    fn bytes(self) -> [u8; 16];
}

impl LogId for AttemptId {
    type Body = StepBody;

    fn bytes(self) -> [u8; 16] {
        self.bytes()
    }
}

impl LogId for LessonId {
    type Body = LessonStepBody;

    fn bytes(self) -> [u8; 16] {
        self.bytes()
    }
}

/// Who did something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Actor {
    /// A person.
    Person(PersonId),
    /// The server itself (expiry).
    System,
}

/// A step that was decided and is not numbered yet.
#[derive(Clone, Debug, PartialEq)]
pub struct NewStep<B = StepBody> {
    /// The command it answers, with the digest of its content; only on a command's first step.
    pub command: Option<(CommandId, [u8; 16])>,
    /// What happened.
    pub body: B,
}

/// A step of a log.
#[derive(Clone, Debug, PartialEq)]
pub struct Step<B = StepBody> {
    /// From one, without gaps.
    pub seq: u32,
    /// When, by the server.
    pub at: Timestamp,
    /// Who.
    pub actor: Actor,
    /// The command it answers.
    pub command: Option<(CommandId, [u8; 16])>,
    /// What happened.
    pub body: B,
    /// The chain up to here.
    pub hash: ChainHash,
}

/// A step as a store keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepRow<L = AttemptId> {
    /// Whose.
    pub learner: PersonId,
    /// Which log.
    pub log: L,
    /// From one, without gaps.
    pub seq: u32,
    /// When.
    pub at: Timestamp,
    /// Who; `None` is the server itself.
    pub actor: Option<PersonId>,
    /// The node that took it.
    pub node: u16,
    /// The command it answers.
    pub command: Option<(CommandId, [u8; 16])>,
    /// The body's JSON, byte for byte as hashed.
    pub body: String,
    /// The chain up to here.
    pub hash: ChainHash,
}

impl<L: LogId> StepRow<L> {
    /// Numbers, serializes and hashes a decided step onto `head`.
    ///
    /// # Errors
    /// The body cannot be serialized, which no value of these types causes.
    #[expect(clippy::too_many_arguments, reason = "a row's columns")]
    pub fn seal(
        learner: PersonId,
        log: L,
        seq: u32,
        head: &ChainHash,
        at: Timestamp,
        actor: Actor,
        node: u16,
        new: &NewStep<L::Body>,
    ) -> Result<Self, StepRowError> {
        let body = serde_json::to_string(&new.body).map_err(|error| StepRowError { seq, reason: error.to_string() })?;
        let actor = match actor {
            Actor::Person(person) => Some(person),
            Actor::System => None,
        };
        let mut row =
            Self { learner, log, seq, at, actor, node, command: new.command, body, hash: ChainHash::default() };
        row.hash = row.link(head);
        Ok(row)
    }

    /// The hash this row has to carry after a row with hash `head` (zeroes before the first).
    #[must_use]
    pub fn link(&self, head: &ChainHash) -> ChainHash {
        let mut hasher = blake3::Hasher::new();
        hasher.update(head);
        hasher.update(self.learner.0.as_bytes());
        hasher.update(&self.log.bytes());
        hasher.update(&self.seq.to_be_bytes());
        hasher.update(&self.at.ms().to_be_bytes());
        hasher.update(&self.actor.map_or([0; 16], PersonId::bytes));
        hasher.update(&self.node.to_be_bytes());
        let (command, digest) = self.command.map_or(([0; 16], [0; 16]), |(id, digest)| (*id.as_bytes(), digest));
        hasher.update(&command);
        hasher.update(&digest);
        hasher.update(self.body.as_bytes());
        *hasher.finalize().as_bytes()
    }

    /// Reads the row.
    ///
    /// # Errors
    /// The body is none that any version of this crate wrote.
    pub fn read(&self) -> Result<Step<L::Body>, StepRowError> {
        let body = serde_json::from_str(&self.body)
            .map_err(|error| StepRowError { seq: self.seq, reason: error.to_string() })?;
        Ok(Step {
            seq: self.seq,
            at: self.at,
            actor: self.actor.map_or(Actor::System, Actor::Person),
            command: self.command,
            body,
            hash: self.hash,
        })
    }
}

/// A row that does not read: the store's contents are not ours.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("step {seq} does not read: {reason}")]
pub struct StepRowError {
    /// Which.
    pub seq: u32,
    /// Why.
    pub reason: String,
}

/// A log that does not add up: the rows are inconsistent, which no command can cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("step {seq} stands where step {expected} belongs")]
pub struct FoldError {
    /// The step found.
    pub seq: u32,
    /// The step that belongs there.
    pub expected: u32,
}
