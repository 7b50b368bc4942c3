//! Studies on a node: one live study per learner, in turns; beats earn in memory, steps are committed
//! before anybody is told, coverage is saved once a heartbeat. Modelled on the service.

mod seal;
mod speak;

use seal::{fold, hours, nothing, position_ms, seal, tell};

use super::{CONFLICT_RETRIES_MAX, Input, Job, JobId, Node};
use crate::sim::checker::Heard;
use crate::sim::env::Env;
use crate::sim::planted::Bug;
use crate::sim::schedule::{Event, Write};
use crate::sim::socket::{ConnId, PlayerIndex, Push, Saying, Says, Welcome};
use crate::sim::store::StudyFacts;
use exam_core::lesson::{Beat, Command, Context, Decided, Lesson, LessonStepBody, Told, ToldWhat, decide};
use exam_core::log::CommandId;
use exam_core::{LessonId, PersonId, Refusal, StudyId, Timestamp};
use exam_store::{Checkpoint, CommitError, Fence, StoreError, StudyRow};
use question_bank::Seed;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// What a node knows of lessons.
#[derive(Default)]
pub(super) struct Studies {
    live: BTreeMap<PersonId, Live>,
    turns: BTreeMap<PersonId, Turn>,
}

/// A study in memory.
struct Live {
    /// Which time in memory this is: its beats are measured from each other.
    instance: u64,
    row: StudyRow,
    state: Lesson,
    conn: Option<(ConnId, PlayerIndex)>,
    /// Whether coverage was earned that is not saved.
    dirty: bool,
    /// The number of the last message told over its connection.
    told: u32,
}

#[derive(Default)]
struct Turn {
    holder: Option<JobId>,
    waiting: VecDeque<StudyWork>,
}

/// Something to be done for a learner, one at a time.
pub(super) enum StudyWork {
    Said(Saying),
    Wake { instance: u64 },
    Lost(ConnId),
}

pub(super) struct StudyJob {
    learner: PersonId,
    work: StudyWork,
    tries: u32,
    granted: bool,
    pending: Option<Pending>,
}

/// What is being committed.
struct Pending {
    decided: Decided,
    after: Lesson,
    opens: Option<StudyRow>,
    /// Whether the client was told already; only a planted bug does that.
    early: bool,
}

/// Coverage on its way to the store.
pub(super) struct SaveJob {
    learner: PersonId,
    instance: u64,
    seq: u32,
    covered_ms: i64,
}

impl Node {
    /// Something is said over a socket.
    pub(crate) fn hear(&mut self, env: &mut Env, saying: Saying) {
        if self.up && !env.is_cut(saying.conn) {
            self.study_work(env, saying.learner, StudyWork::Said(saying));
        }
    }

    /// The node notices that a connection is gone.
    pub(crate) fn lost(&mut self, env: &mut Env, learner: PersonId, conn: ConnId) {
        if self.up {
            self.study_work(env, learner, StudyWork::Lost(conn));
        }
    }

    /// A cool-down or a lock is over.
    pub(crate) fn wake_study(&mut self, env: &mut Env, life: u64, learner: PersonId, instance: u64) {
        if self.up && life == self.life {
            self.study_work(env, learner, StudyWork::Wake { instance });
        }
    }

    /// Another node says that a newer study has taken over.
    pub(crate) fn study_taken(&mut self, env: &mut Env, learner: PersonId, epoch: u64) {
        if self.up && self.studies.live.get(&learner).is_some_and(|live| live.row.epoch < epoch) {
            self.drop_study(env, learner, true);
        }
    }

    /// Saves what was earned, once a heartbeat.
    pub(crate) fn save_studies(&mut self, env: &mut Env, life: u64) {
        if !self.up || life != self.life {
            return;
        }
        let learners: Vec<PersonId> = self.studies.live.keys().copied().collect();
        for learner in learners {
            self.save_study(env, learner);
        }
        let over = env.now_ms > env.world.ends_ms + super::STUDIES_END_MS;
        let quiet = over && !self.studies.live.values().any(|live| live.dirty);
        if !quiet {
            env.later(5_000, Event::Save(self.index, life));
        }
    }

    /// Studies held in memory, and whether something of them is not saved.
    pub(crate) fn live_studies(&self) -> impl Iterator<Item = (u64, &Lesson, bool)> {
        self.studies.live.values().map(|live| (live.row.epoch, &live.state, live.dirty))
    }

    pub(super) fn forget_studies(&mut self, env: &mut Env) {
        for live in std::mem::take(&mut self.studies).live.into_values() {
            if let Some((conn, _)) = live.conn {
                env.cut(conn);
            }
        }
    }

    fn save_study(&mut self, env: &mut Env, learner: PersonId) {
        let at = self.now(env);
        let Some(live) = self.studies.live.get(&learner).filter(|live| live.dirty) else { return };
        let checkpoint = Checkpoint {
            learner,
            lesson: live.row.lesson,
            epoch: live.row.epoch,
            seq: live.state.seq,
            covered: live.state.covered.clone(),
            position_ms: position_ms(&live.state),
            at,
        };
        let job =
            SaveJob { learner, instance: live.instance, seq: live.state.seq, covered_ms: live.state.covered.total() };
        let id = self.begin(Job::Save(job));
        env.send(self.ticket(id), Write::Checkpoint(Box::new(checkpoint)));
    }

    pub(super) fn saved(&mut self, env: &mut Env, id: JobId, outcome: &Result<(), CommitError>) {
        let Some(Job::Save(job)) = self.jobs.remove(&id) else { return };
        let Some(live) = self.studies.live.get_mut(&job.learner).filter(|live| live.instance == job.instance) else {
            return;
        };
        match outcome {
            Ok(()) => live.dirty &= live.state.seq == job.seq && live.state.covered.total() != job.covered_ms,
            // Trouble: it is tried again with the next heartbeat.
            Err(CommitError::Store(_)) => {}
            // A step of our own came in between, and its row has it all.
            Err(_) if live.state.seq != job.seq => {}
            Err(_) => {
                let busy = self.studies.turns.get(&job.learner).is_some_and(|turn| turn.holder.is_some());
                if !busy {
                    self.drop_study(env, job.learner, false);
                }
            }
        }
    }

    fn study_work(&mut self, env: &mut Env, learner: PersonId, work: StudyWork) {
        let turn = self.studies.turns.entry(learner).or_default();
        if turn.holder.is_some() {
            return turn.waiting.push_back(work);
        }
        let job = StudyJob { learner, work, tries: 0, granted: false, pending: None };
        let id = self.begin(Job::Study(Box::new(job)));
        self.studies.turns.entry(learner).or_default().holder = Some(id);
        self.study_turn(env, id);
    }

    fn study_job(&mut self, id: JobId) -> Option<&mut StudyJob> {
        match self.jobs.get_mut(&id) {
            Some(Job::Study(job)) => Some(job),
            _ => None,
        }
    }

    fn study_turn(&mut self, env: &mut Env, id: JobId) {
        let Some(job) = self.study_job(id) else { return };
        let learner = job.learner;
        match &job.work {
            StudyWork::Said(Saying { says: Says::Hello { lesson, .. }, .. }) => {
                let lesson = *lesson;
                self.read_study(env, id, learner, lesson);
            }
            StudyWork::Said(_) | StudyWork::Wake { .. } => self.judge_study(env, id),
            StudyWork::Lost(conn) => {
                let conn = *conn;
                if let Some(live) = self.studies.live.get_mut(&learner).filter(|live| live.is_at(conn)) {
                    live.conn = None;
                    self.save_study(env, learner);
                }
                self.study_done(env, id);
            }
        }
    }

    fn read_study(&mut self, env: &mut Env, id: JobId, learner: PersonId, lesson: LessonId) {
        let facts = env.store.study_facts(learner, lesson);
        let delay = env.moment();
        env.later(delay, Event::Job(self.ticket(id), Input::StudyFacts(Box::new(facts))));
    }

    pub(super) fn study_input(&mut self, env: &mut Env, id: JobId, input: Input) {
        match input {
            Input::StudyFacts(facts) => match *facts {
                Ok(facts) => self.study_read(env, id, &facts),
                Err(_) => self.study_failed(env, id, false),
            },
            Input::Committed(outcome) => self.study_committed(env, id, outcome),
            Input::Rows(..) | Input::Granted(_) | Input::StartFacts(_) => {}
        }
    }

    fn study_read(&mut self, env: &mut Env, id: JobId, facts: &StudyFacts) {
        let Some(job) = self.study_job(id) else { return };
        let learner = job.learner;
        let hello = match &job.work {
            StudyWork::Said(Saying { says: Says::Hello { lesson, resume }, conn, player, .. }) => {
                Some((*lesson, *resume, (*conn, *player)))
            }
            _ => None,
        };
        let Some((lesson, resume, conn)) = hello else { return self.reloaded(env, id, facts) };
        let Some(state) = fold(learner, lesson, facts) else { return self.study_failed(env, id, false) };
        match (resume, &facts.study) {
            (Some((study, _)), Some(active)) if active.study == study && active.lesson == lesson => {
                self.attach(env, active.clone(), state, conn);
                self.judge_study(env, id);
            }
            (Some(_), _) => self.study_failed(env, id, true),
            (None, active) => self.open_study(env, id, active.as_ref(), state),
        }
    }

    /// The connection of a study that goes on; an older one of it ends.
    fn attach(&mut self, env: &mut Env, row: StudyRow, state: Lesson, conn: (ConnId, PlayerIndex)) {
        let learner = row.learner;
        // Between steps coverage only grows: whoever has more of it is the later one, and another node may be.
        let later = |known: &Lesson| (known.seq, known.covered.total()) >= (state.seq, state.covered.total());
        let known = self.studies.live.get(&learner).is_some_and(|live| live.row == row && later(&live.state));
        if !known {
            env.instances += 1;
            let live = Live { instance: env.instances, row, state, conn: None, dirty: false, told: 0 };
            self.studies.live.insert(learner, live);
        }
        let Some(live) = self.studies.live.get_mut(&learner) else { return };
        if let Some(old) = live.conn.replace(conn).filter(|old| *old != conn) {
            env.push(old, Push::Closed { taken_over: true });
        }
    }

    fn open_study(&mut self, env: &mut Env, id: JobId, active: Option<&StudyRow>, state: Lesson) {
        let now = self.now(env);
        let (learner, lesson) = (state.learner, state.lesson);
        // What the study held here has earned is not lost by taking over from it.
        let newer =
            self.studies.live.get(&learner).filter(|live| Some(&live.row) == active && live.state.seq == state.seq);
        let state = newer.filter(|live| live.row.lesson == lesson).map_or(state, |live| live.state.clone());
        let epoch = active.map_or(0, |study| study.epoch) + 1;
        let study = StudyId(env.rng.uuid());
        let row = StudyRow { learner, study, epoch, lesson, partner: None, opened_at: now };
        let command = Command::Open { study: row.study, epoch, seed: Seed::from_bytes(env.rng.bytes()), partner: None };
        let Some((decided, _)) = self.decide_study(env, &state, &command, now, false) else {
            return self.study_failed(env, id, false);
        };
        match decided {
            Ok(decided) => {
                let fence = Fence::Take { from: active.map(|study| study.epoch), to: row.clone() };
                self.commit_study(env, id, &state, decided, fence, now, Some(row));
            }
            Err(_) => self.study_failed(env, id, false),
        }
    }

    /// After a conflict: goes on if the study is still the active one.
    fn reloaded(&mut self, env: &mut Env, id: JobId, facts: &StudyFacts) {
        let Some(job) = self.study_job(id) else { return };
        let learner = job.learner;
        let live = self.studies.live.get_mut(&learner);
        let Some(live) = live.filter(|live| facts.study.as_ref() == Some(&live.row)) else {
            return self.study_failed(env, id, true);
        };
        let Some(state) = fold(learner, live.row.lesson, facts) else { return self.study_failed(env, id, false) };
        env.instances += 1;
        (live.instance, live.state, live.dirty) = (env.instances, state, false);
        self.judge_study(env, id);
    }

    fn judge_study(&mut self, env: &mut Env, id: JobId) {
        let now = self.now(env);
        let Some(Job::Study(job)) = self.jobs.get(&id) else { return };
        let (learner, granted) = (job.learner, job.granted);
        let Some(live) = self.studies.live.get(&learner).filter(|live| live.takes(&job.work)) else {
            return self.study_done(env, id);
        };
        let command = command(&job.work);
        if let Command::Beat(beat) = &command {
            heard(env, self.number(), live, beat);
        }
        let state = live.state.clone();
        let hold = Fence::Hold { study: live.row.study, epoch: live.row.epoch };
        let Some((decided, unsure)) = self.decide_study(env, &state, &command, now, granted) else {
            return self.study_failed(env, id, false);
        };
        match decided {
            Err(refusal) => {
                self.tell_refused(env, id, refusal);
                self.study_done(env, id);
            }
            Ok(decided) if decided.steps.is_empty() => self.soft(env, id, decided),
            Ok(decided) => {
                let completes = |body: &LessonStepBody| matches!(body, LessonStepBody::Completed { .. });
                if unsure && decided.steps.iter().any(|new| completes(&new.body)) {
                    return self.study_failed(env, id, false);
                }
                self.commit_study(env, id, &state, decided, hold, now, None);
            }
        }
    }

    /// Decides; `None` if the world knows no such lesson. Also whether the store could not say what it grants.
    fn decide_study(
        &mut self,
        env: &mut Env,
        state: &Lesson,
        command: &Command,
        now: Timestamp,
        granted: bool,
    ) -> Option<(Result<Decided, Refusal>, bool)> {
        let world = Arc::clone(&env.world);
        let lesson = world.facts.lesson(state.lesson)?;
        let hours = hours(env, lesson, state.learner, granted);
        let (unsure, hours) = (hours.is_err(), hours.unwrap_or_else(|_| nothing(lesson)));
        let context = Context { now, rules: &lesson.rules, pool: &lesson.pool, hours: &hours, origin: None };
        Some((decide(state, command, &context), unsure))
    }

    /// Nothing is to be kept: credit in memory, or the first verdict once more.
    fn soft(&mut self, env: &mut Env, id: JobId, decided: Decided) {
        let Some(job) = self.study_job(id) else { return };
        let (learner, command, welcomes) = (job.learner, job.command_id(), job.hello().is_some());
        if !welcomes {
            self.catch_up(env, learner, None, None);
        }
        if let Some(live) = self.studies.live.get_mut(&learner) {
            if let Some(credit) = &decided.credit {
                live.state.earn(credit);
                live.dirty |= credit.stretch.is_some();
            }
            let (covered_ms, furthest_ms) = (live.state.covered.total(), live.state.covered.furthest());
            if let Some(conn) = live.conn {
                match decided.replayed {
                    Some(told) => env.push(conn, Push::Told { told, json: None, command, again: true }),
                    None if decided.credit.is_some() => env.push(conn, Push::Credit { covered_ms, furthest_ms }),
                    None => {}
                }
            }
        }
        if welcomes {
            self.welcome(env, id);
        }
        self.study_done(env, id);
    }

    #[expect(clippy::too_many_arguments, reason = "what is committed, and by what right")]
    fn commit_study(
        &mut self,
        env: &mut Env,
        id: JobId,
        state: &Lesson,
        decided: Decided,
        fence: Fence,
        now: Timestamp,
        opens: Option<StudyRow>,
    ) {
        let Some(sealed) = seal(env, state, &decided, fence, now, self.number()) else {
            return self.study_failed(env, id, false);
        };
        let (commit, after) = sealed;
        let early = env.is(Bug::VerdictBeforeCommit);
        let pending = Pending { decided, after, opens, early };
        if early {
            self.tell_all(env, id, &pending);
        }
        if let Some(job) = self.study_job(id) {
            job.pending = Some(pending);
        }
        env.send(self.ticket(id), Write::Lesson(Box::new(commit)));
    }

    fn study_committed(&mut self, env: &mut Env, id: JobId, outcome: Result<(), CommitError>) {
        let Some(job) = self.study_job(id) else { return };
        let learner = job.learner;
        match outcome {
            Ok(()) => self.study_kept(env, id),
            Err(CommitError::Store(StoreError::Unknown(_)) | CommitError::Store(_)) => {
                self.study_failed(env, id, false);
            }
            Err(conflict) => {
                job.granted |= conflict == CommitError::AlreadyGranted;
                job.tries += 1;
                if job.tries >= CONFLICT_RETRIES_MAX {
                    return self.study_failed(env, id, false);
                }
                let opens = job.hello().filter(|(_, resume, _)| resume.is_none()).map(|(lesson, ..)| lesson);
                let lesson = opens.or_else(|| self.studies.live.get(&learner).map(|live| live.row.lesson));
                match lesson {
                    Some(lesson) => self.read_study(env, id, learner, lesson),
                    None => self.study_done(env, id),
                }
            }
        }
    }

    fn study_kept(&mut self, env: &mut Env, id: JobId) {
        let Some(job) = self.study_job(id) else { return };
        let (learner, hello) = (job.learner, job.hello());
        let Some(pending) = job.pending.take() else { return };
        if let (Some(row), Some((.., conn))) = (&pending.opens, hello) {
            env.instances += 1;
            let live = Live {
                instance: env.instances,
                row: row.clone(),
                state: pending.after.clone(),
                conn: Some(conn),
                dirty: false,
                told: 0,
            };
            let old = self.studies.live.insert(learner, live).and_then(|old| old.conn);
            if let Some(old) = old.filter(|old| *old != conn) {
                env.push(old, Push::Closed { taken_over: true });
            }
            self.announce(env, learner, row.epoch);
        } else if let Some(live) = self.studies.live.get_mut(&learner) {
            live.state = pending.after.clone();
            live.dirty = false;
        }
        if hello.is_some() {
            self.welcome(env, id);
        } else if !pending.early {
            self.tell_all(env, id, &pending);
        }
        self.set_timer(env, learner);
        self.study_done(env, id);
    }

    /// Tells the other nodes; a notification may be lost.
    fn announce(&self, env: &mut Env, learner: PersonId, epoch: u64) {
        for node in (0..usize::from(env.world.nodes)).filter(|node| *node != self.index) {
            if let Some(delay) = env.travel() {
                env.later(delay, Event::Taken(node, learner, epoch));
            }
        }
    }

    fn set_timer(&mut self, env: &mut Env, learner: PersonId) {
        let now = self.now(env);
        let Some(live) = self.studies.live.get(&learner) else { return };
        if let Some(at) = live.state.wake_at() {
            let event = Event::StudyWake(self.index, self.life, learner, live.instance);
            env.later(at.since(now).max(0) + 5, event);
        }
    }

    /// It did not work out: the connection ends, and the state is read again next time.
    fn study_failed(&mut self, env: &mut Env, id: JobId, taken_over: bool) {
        let Some(job) = self.study_job(id) else { return };
        let (learner, hello) = (job.learner, job.hello());
        match hello {
            Some((.., conn)) => {
                env.push(conn, Push::Closed { taken_over });
                // Nobody knows what became of a commit: what is in memory may be old.
                if !taken_over {
                    self.drop_study(env, learner, false);
                }
            }
            None => self.drop_study(env, learner, taken_over),
        }
        self.study_done(env, id);
    }

    fn drop_study(&mut self, env: &mut Env, learner: PersonId, taken_over: bool) {
        if let Some(conn) = self.studies.live.remove(&learner).and_then(|live| live.conn) {
            env.push(conn, Push::Closed { taken_over });
        }
    }

    fn study_done(&mut self, env: &mut Env, id: JobId) {
        let Some(Job::Study(job)) = self.jobs.remove(&id) else { return };
        let Some(turn) = self.studies.turns.get_mut(&job.learner) else { return };
        turn.holder = None;
        if let Some(next) = turn.waiting.pop_front() {
            self.study_work(env, job.learner, next);
        }
    }
}

impl Live {
    fn is_at(&self, conn: ConnId) -> bool {
        self.conn.is_some_and(|(own, _)| own == conn)
    }

    /// Whether the work is this study's: said over its connection, or its own timer.
    fn takes(&self, work: &StudyWork) -> bool {
        match work {
            StudyWork::Said(saying) => self.is_at(saying.conn),
            StudyWork::Wake { instance } => self.instance == *instance && self.conn.is_some(),
            StudyWork::Lost(_) => false,
        }
    }
}

/// Into which lesson, from which study and message on, and by whom.
type Hello = (LessonId, Option<(StudyId, u32)>, (ConnId, PlayerIndex));

impl StudyJob {
    fn hello(&self) -> Option<Hello> {
        match &self.work {
            StudyWork::Said(Saying { says: Says::Hello { lesson, resume }, conn, player, .. }) => {
                Some((*lesson, *resume, (*conn, *player)))
            }
            _ => None,
        }
    }

    fn command_id(&self) -> Option<CommandId> {
        match &self.work {
            StudyWork::Said(Saying { says: Says::Answer { command, .. }, .. }) => Some(*command),
            _ => None,
        }
    }
}

fn command(work: &StudyWork) -> Command {
    match work {
        StudyWork::Said(Saying { says: Says::Beat(beat), .. }) => Command::Beat(*beat),
        StudyWork::Said(Saying { says: Says::Answer { command, challenge, response }, .. }) => {
            Command::Answer { command: *command, challenge: *challenge, response: response.clone() }
        }
        // A study that is resumed, and a timer.
        StudyWork::Said(_) | StudyWork::Wake { .. } | StudyWork::Lost(_) => Command::Wake,
    }
}

fn heard(env: &mut Env, node: u16, live: &Live, beat: &Beat) {
    let heard = Heard {
        instance: live.instance,
        node,
        real_ms: env.now_ms,
        learner: live.row.learner,
        lesson: live.row.lesson,
        epoch: live.row.epoch,
        n: beat.n,
        position_ms: beat.position_ms,
        playing: beat.playing,
        covered_ms: live.state.covered.total(),
    };
    env.lessons.heard.push(heard);
}
