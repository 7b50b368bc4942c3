//! The engine as a whole: what it is made of.

use crate::EngineError;
use crate::analysis::Analyses;
use crate::clock::Clock;
use crate::commands::Keeper;
use crate::events::Events;
use crate::identity::SessionCache;
use crate::lessons::LessonCache;
use crate::loaded::{ExamCache, LoadedExam};
use crate::password::Passwords;
use crate::progress::Progress;
use crate::slots::Slots;
use crate::starts::Starts;
use crate::study::Studies;
use crate::tickets::TicketKey;
use exam_core::Timestamp;
use exam_core::certificate::CertificateKey;
use exam_core::ids::ExamId;
use exam_core::receipt::ReceiptKey;
use exam_store::Store;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::Notify;

/// How the engine runs.
#[derive(Clone, Debug)]
pub struct Options {
    /// This node's number; it stands in every step.
    pub node: u16,
    /// Whether other nodes work on the same store; then a refusal judged from cached state is judged
    /// once more from the store's.
    pub shared_store: bool,
    /// Whether the integrity layer watches.
    pub heuristics: bool,
    /// Passwords hashed at once.
    pub hashes_at_once: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { node: 1, shared_store: false, heuristics: true, hashes_at_once: 1 }
    }
}

/// Counters, for metrics.
#[derive(Debug, Default)]
pub struct Stats {
    /// Attempts started.
    pub starts: AtomicU64,
    /// Answers kept.
    pub answers: AtomicU64,
    /// Answers refused.
    pub answers_refused: AtomicU64,
    /// Attempts submitted by their learners.
    pub submissions: AtomicU64,
    /// Attempts closed by their deadline.
    pub expiries: AtomicU64,
    /// Hours entries written.
    pub grants: AtomicU64,
    /// Commits that another node forestalled.
    pub conflicts: AtomicU64,
    /// Commits the store could not keep.
    pub failures: AtomicU64,
    /// Integrity flags raised.
    pub flags: AtomicU64,
    /// Studies of lessons opened.
    pub studies: AtomicU64,
    /// Challenges asked.
    pub challenges: AtomicU64,
    /// Challenges answered.
    pub verdicts: AtomicU64,
    /// Lessons completed.
    pub completions: AtomicU64,
    /// Sign-ins.
    pub sign_ins: AtomicU64,
    /// Failed sign-ins.
    pub sign_ins_failed: AtomicU64,
}

impl Stats {
    pub(crate) fn add(counter: &AtomicU64, count: u64) {
        counter.fetch_add(count, Ordering::Relaxed);
    }
}

/// The engine.
pub struct Engine {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) options: Options,
    pub(crate) slots: Slots,
    pub(crate) starts: Starts,
    pub(crate) exams: ExamCache,
    pub(crate) sessions: SessionCache,
    pub(crate) passwords: Passwords,
    pub(crate) receipts: ReceiptKey,
    pub(crate) certificates: CertificateKey,
    pub(crate) keeper: Keeper,
    pub(crate) tickets: TicketKey,
    pub(crate) lessons: LessonCache,
    pub(crate) studies: Studies,
    pub(crate) progress: Progress,
    pub(crate) analyses: Analyses,
    /// Something was put into the outbox.
    pub(crate) outbox: Arc<Notify>,
}

impl Engine {
    /// Opens the engine over a store. The service's secret is made on the first start and kept there.
    ///
    /// # Errors
    /// The store does not answer, or its secret is not one.
    pub async fn open(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        options: Options,
    ) -> Result<Arc<Self>, EngineError> {
        let fresh: [u8; 32] = rand::random();
        let secret = store.setting_or_insert("secret", fresh.to_vec()).await?;
        let secret: [u8; 32] =
            secret.try_into().map_err(|_| EngineError::Internal("the stored secret has not 32 bytes".into()))?;
        let keeper = Keeper {
            store: Arc::clone(&store),
            stats: Arc::new(Stats::default()),
            alarm: Arc::default(),
            voice: rand::random::<u64>().max(1),
            events: Arc::new(Events::default()),
        };
        Ok(Arc::new(Self {
            passwords: Passwords::new(options.hashes_at_once)?,
            store,
            clock,
            options,
            slots: Slots::new(),
            starts: Starts::default(),
            exams: ExamCache::new(),
            sessions: SessionCache::new(),
            receipts: ReceiptKey::derive(&secret),
            certificates: CertificateKey::derive(&secret),
            keeper,
            tickets: TicketKey::derive(&secret),
            lessons: LessonCache::default(),
            studies: Studies::new(),
            progress: Progress::default(),
            analyses: Analyses::new(),
            outbox: Arc::new(Notify::new()),
        }))
    }

    /// Now, by the engine's clock.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// This node's number.
    #[must_use]
    pub fn node(&self) -> u16 {
        self.options.node
    }

    /// The counters.
    #[must_use]
    pub fn stats(&self) -> &Stats {
        &self.keeper.stats
    }

    /// What happens, for whoever shows it to people.
    #[must_use]
    pub fn events(&self) -> &Arc<Events> {
        &self.keeper.events
    }

    /// Attempts held in memory, about.
    #[must_use]
    pub fn cached_attempts(&self) -> u64 {
        self.slots.count()
    }

    /// Learners whose study is held in memory, about.
    #[must_use]
    pub fn cached_studies(&self) -> u64 {
        self.studies.count()
    }

    /// Whether the engine can take work.
    ///
    /// # Errors
    /// The store does not take a write.
    pub async fn ready(&self) -> Result<(), EngineError> {
        Ok(self.store.ping().await?)
    }

    /// The store, for tools that stand beside the engine.
    #[must_use]
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    pub(crate) async fn loaded(&self, exam: ExamId) -> Result<Arc<LoadedExam>, EngineError> {
        self.exams.get(self.store.as_ref(), exam).await
    }
}
