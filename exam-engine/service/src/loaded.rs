//! A published exam in memory: its rules, the pool it draws from, how its items are taken.

use crate::EngineError;
use crate::limits::{EXPOSURE_PAPERS_MIN, EXPOSURE_ROUND};
use exam_core::attempt::StepBody;
use exam_core::exam::{Exam, ExamState};
use exam_core::ids::{AttemptId, BankId, ExamId};
use exam_core::integrity::ItemTiming;
use exam_store::{CourseRow, Page, Store};
use parking_lot::{Mutex, RwLock};
use question_bank::draw::DrawPlan;
use question_bank::paper::Paper;
use question_bank::pool::Pool;
use question_bank::snapshot::{ItemIndex, Snapshot};
use std::collections::HashMap;
use std::sync::Arc;

/// A published exam with everything that starting and answering need.
pub struct LoadedExam {
    /// The exam. Results may be released later, everything else stands.
    pub exam: Exam,
    /// Its course.
    pub course: CourseRow,
    /// The pinned bank.
    pub pool: Arc<Pool>,
    pub(crate) plan: DrawPlan,
    pub(crate) secret: [u8; 32],
    pub(crate) exposure: Exposure,
    pub(crate) timing: Timing,
}

/// Loaded exams, and the pools they share.
pub(crate) struct ExamCache {
    exams: RwLock<HashMap<ExamId, Arc<LoadedExam>>>,
    pools: RwLock<HashMap<(BankId, i64), Arc<Pool>>>,
    loading: tokio::sync::Semaphore,
}

impl ExamCache {
    pub(crate) fn new() -> Self {
        Self { exams: RwLock::default(), pools: RwLock::default(), loading: tokio::sync::Semaphore::new(1) }
    }

    /// A published exam; an unpublished one is not found.
    pub(crate) async fn get(&self, store: &dyn Store, id: ExamId) -> Result<Arc<LoadedExam>, EngineError> {
        if let Some(loaded) = self.exams.read().get(&id) {
            return Ok(Arc::clone(loaded));
        }
        // One at a time: a rush on a cold exam loads its bank once.
        let _place = self.loading.acquire().await.map_err(|_| EngineError::Overloaded)?;
        if let Some(loaded) = self.exams.read().get(&id) {
            return Ok(Arc::clone(loaded));
        }
        let exam = store.exam(id).await?.ok_or(EngineError::NotFound)?;
        let loaded = Arc::new(self.load(store, exam).await?);
        self.exams.write().insert(id, Arc::clone(&loaded));
        Ok(loaded)
    }

    /// Forgets an exam, after its release time changed.
    pub(crate) fn forget(&self, id: ExamId) {
        self.exams.write().remove(&id);
    }

    /// Forgets an exam that the store has in another form by now, of all that are held.
    pub(crate) async fn forget_changed(&self, store: &dyn Store, only: Option<ExamId>) -> Result<(), EngineError> {
        let held: Vec<Arc<LoadedExam>> = self.exams.read().values().map(Arc::clone).collect();
        for loaded in held.iter().filter(|loaded| only.is_none_or(|only| only == loaded.exam.id)) {
            // What was counted while it was held would have to be counted again: it stays if it can.
            if store.exam(loaded.exam.id).await?.as_ref() != Some(&loaded.exam) {
                self.forget(loaded.exam.id);
            }
        }
        Ok(())
    }

    async fn load(&self, store: &dyn Store, exam: Exam) -> Result<LoadedExam, EngineError> {
        let ExamState::Published { bank_revision, .. } = &exam.state else { return Err(EngineError::NotFound) };
        let course = store.course(exam.course).await?.ok_or_else(|| missing("course"))?;
        let secret = store.exam_secret(exam.id).await?.ok_or_else(|| missing("exam secret"))?;
        let pool = self.pool(store, exam.bank, *bank_revision).await?;
        let blueprint = exam.rules.blueprint.clone();
        let compiling = Arc::clone(&pool);
        let plan =
            blocking(move || DrawPlan::compile(&compiling, &blueprint)).await?.map_err(EngineError::Infeasible)?;
        let exposure = Exposure::load(store, &exam, pool.len()).await?;
        let timing = Timing::new(pool.len());
        Ok(LoadedExam { exam, course, pool, plan, secret, exposure, timing })
    }

    /// The pool of a bank's revision.
    pub(crate) async fn pool(&self, store: &dyn Store, bank: BankId, revision: i64) -> Result<Arc<Pool>, EngineError> {
        if let Some(pool) = self.pools.read().get(&(bank, revision)) {
            return Ok(Arc::clone(pool));
        }
        let items = store.items_at(bank, revision).await?;
        let pool = blocking(move || Snapshot::new(items).map(|snapshot| Arc::new(Pool::new(Arc::new(snapshot)))))
            .await?
            .map_err(|error| EngineError::Internal(error.to_string()))?;
        self.pools.write().insert((bank, revision), Arc::clone(&pool));
        Ok(pool)
    }
}

/// Runs what takes milliseconds of computing away from the threads that serve.
pub(crate) async fn blocking<R: Send + 'static>(work: impl FnOnce() -> R + Send + 'static) -> Result<R, EngineError> {
    tokio::task::spawn_blocking(work).await.map_err(|error| EngineError::Internal(error.to_string()))
}

pub(crate) fn missing(what: &str) -> EngineError {
    EngineError::Internal(format!("a stored row names a {what} that is not stored"))
}

/// How often each item was shown, where the blueprint caps it.
pub(crate) struct Exposure(Option<Mutex<Shown>>);

struct Shown {
    share_max: f64,
    counts: Vec<u32>,
    papers: u32,
    capped: Arc<[ItemIndex]>,
}

impl Exposure {
    async fn load(store: &dyn Store, exam: &Exam, items: usize) -> Result<Self, EngineError> {
        let Some(share_max) = exam.rules.blueprint.exposure_max else { return Ok(Self(None)) };
        let mut shown = Shown { share_max, counts: vec![0; items], papers: 0, capped: Arc::from([]) };
        let mut after: Option<AttemptId> = None;
        loop {
            let rows = store.first_steps_at(exam.id, Page { after, limit: 1_000 }).await?;
            let Some(last) = rows.last() else { break };
            after = Some(last.log);
            for row in &rows {
                let step = row.read().map_err(|error| EngineError::Internal(error.to_string()))?;
                if let StepBody::Started(started) = step.body {
                    shown.count(&started.paper);
                }
            }
        }
        shown.cap();
        Ok(Self(Some(Mutex::new(shown))))
    }

    /// Items that are shown too often by now, sorted.
    pub(crate) fn capped(&self) -> Arc<[ItemIndex]> {
        self.0.as_ref().map_or_else(|| Arc::from([]), |shown| Arc::clone(&shown.lock().capped))
    }

    /// Counts a paper that was delivered.
    pub(crate) fn count(&self, paper: &Paper) {
        if let Some(shown) = &self.0 {
            let mut shown = shown.lock();
            shown.count(paper);
            if shown.papers.is_multiple_of(EXPOSURE_ROUND) {
                shown.cap();
            }
        }
    }
}

impl Shown {
    fn count(&mut self, paper: &Paper) {
        self.papers += 1;
        for item in paper.items() {
            if let Some(count) = self.counts.get_mut(item.get()) {
                *count += 1;
            }
        }
    }

    fn cap(&mut self) {
        if self.papers < EXPOSURE_PAPERS_MIN {
            return;
        }
        let most = (self.share_max * f64::from(self.papers)) as u32;
        let over = (0u32..).zip(&self.counts).filter(|(_, count)| **count > most);
        self.capped = over.map(|(index, _)| ItemIndex(index)).collect();
    }
}

/// How long people take for each item: running mean and spread of ln(seconds).
pub(crate) struct Timing(Mutex<Vec<Sample>>);

#[derive(Clone, Copy, Default)]
struct Sample {
    count: u32,
    mean: f32,
    squares: f32,
}

impl Timing {
    fn new(items: usize) -> Self {
        Self(Mutex::new(vec![Sample::default(); items]))
    }

    pub(crate) fn get(&self, item: ItemIndex) -> ItemTiming {
        let sample = self.0.lock().get(item.0 as usize).copied().unwrap_or_default();
        let sd_ln = if sample.count > 1 { (sample.squares / (sample.count - 1) as f32).sqrt() } else { 0.0 };
        ItemTiming { count: sample.count, mean_ln: sample.mean, sd_ln }
    }

    /// Adds one first answer that took `ms`.
    pub(crate) fn add(&self, item: ItemIndex, ms: i64) {
        if let Some(sample) = self.0.lock().get_mut(item.0 as usize) {
            let value = (ms.max(100) as f32 / 1_000.0).ln();
            sample.count += 1;
            let delta = value - sample.mean;
            sample.mean += delta / sample.count as f32;
            sample.squares += delta * (value - sample.mean);
        }
    }
}
