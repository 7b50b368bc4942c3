//! The one door: every change of an attempt is decided here.

use super::command::{AnswerInput, ClientSignal, Command, CommandId, Context, ProctorAction};
use super::step::{Grade, StepBody};
use super::{Attempt, Mode, Phase, grade, review};
use super::{NewStep, Step};
use crate::attempt::command::Actor;
use crate::integrity::{CASE_SCORE, Observer};
use crate::limits::{
    ATTEMPT_ANSWERS_MAX, ATTEMPT_DURATION_MS_MAX, ATTEMPT_SIGNALS_MAX, EXTENSION_MINUTES_MAX, REASON_CHARS_MAX,
};
use crate::planted::{RuleBug, planted};
use crate::{EntryId, Refusal};
use question_bank::marking::check_response;
use std::collections::HashMap;

/// What follows from a command.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Decided {
    /// To be numbered from the attempt's next step on, and kept before anybody is told.
    pub steps: Vec<NewStep>,
    /// For answers: what became of each, in their order.
    pub answers: Vec<Result<Answered, Refusal>>,
    /// The command was taken before; nothing is to be kept.
    pub replayed: bool,
}

/// An answer that is, or will be, kept as step `seq`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answered {
    /// Its slot.
    pub slot: u32,
    /// Its step.
    pub seq: u32,
    /// Of slot and response; what the receipt signs.
    pub digest: [u8; 16],
    /// Its step's time.
    pub at: crate::Timestamp,
    /// Whether it was kept before.
    pub replayed: bool,
}

/// Decides a command on an attempt.
///
/// # Errors
/// The rule that forbids it; nothing is to be kept then.
pub fn decide(attempt: &Attempt, command: &Command, context: &Context<'_>) -> Result<Decided, Refusal> {
    match command {
        Command::Answer { answers, offline } => answer(attempt, answers, *offline, context),
        Command::Signal { signals } => signal(attempt, signals, context),
        Command::Submit { command } => submit(attempt, *command, context),
        Command::GiveWay => close(attempt, StepBody::Submitted, None, context),
        Command::Expire => expire(attempt, context),
        Command::Proctor { command, action, reason } => proctor(attempt, *command, *action, reason, context),
        Command::Regrade { reason } => regrade(attempt, reason, context),
        Command::OpenCase { command, reason, may_reopen } => review::open(attempt, *command, reason, *may_reopen),
        Command::DecideCase { command, by, decision, reason } => {
            review::decide(attempt, *command, *by, *decision, reason, context)
        }
    }
}

/// The digest of a command's content: a repeat with another one is no repeat.
#[must_use]
pub fn content_digest(parts: &[&[u8]]) -> [u8; 16] {
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        hasher.update(&(part.len() as u64).to_be_bytes());
        hasher.update(part);
    }
    let mut digest = [0; 16];
    digest.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
    digest
}

/// The digest of an answer: of its slot and its response.
#[must_use]
pub fn answer_digest(slot: u32, response: Option<&question_bank::Response>) -> [u8; 16] {
    // A response always serializes: it has neither maps nor numbers that are not finite.
    let json = serde_json::to_vec(&response).unwrap_or_default();
    content_digest(&[&slot.to_be_bytes(), &json])
}

/// Steps under way: what earlier parts of the same command did is seen by the later ones.
struct Draft<'a> {
    attempt: &'a Attempt,
    observer: Observer,
    now: crate::Timestamp,
    steps: Vec<NewStep>,
    answers: u32,
}

impl<'a> Draft<'a> {
    fn new(attempt: &'a Attempt, context: &Context<'_>) -> Self {
        let mut draft = Self {
            attempt,
            observer: attempt.observer.clone(),
            now: context.now.max(attempt.last_at),
            steps: Vec::with_capacity(2),
            answers: 0,
        };
        if let Some(origin) = context.origin
            && draft.observer.is_new_origin(origin)
        {
            let flags = if context.heuristics { draft.observer.judge_origin(origin, draft.now) } else { Vec::new() };
            draft.push(None, StepBody::Origin(origin.clone()));
            draft.flag(flags);
        }
        draft
    }

    fn next_seq(&self) -> u32 {
        self.attempt.seq + 1 + self.steps.len() as u32
    }

    fn push(&mut self, command: Option<(CommandId, [u8; 16])>, body: StepBody) {
        self.observer.apply(&body, self.now);
        self.steps.push(NewStep { command, body });
    }

    fn flag(&mut self, flags: Vec<crate::integrity::Flag>) {
        for flag in flags {
            self.push(None, StepBody::Flagged(flag));
        }
    }
}

fn answer(
    attempt: &Attempt,
    answers: &[AnswerInput],
    offline: bool,
    context: &Context<'_>,
) -> Result<Decided, Refusal> {
    let mut draft = Draft::new(attempt, context);
    let before = draft.steps.len();
    let mut within: HashMap<CommandId, Answered> = HashMap::new();
    let mut outcomes = Vec::with_capacity(answers.len());
    for input in answers {
        let outcome = answer_one(&mut draft, input, offline, &within, context);
        // One alone has none after it that could repeat it.
        if let (Ok(answered), true) = (&outcome, answers.len() > 1) {
            within.insert(input.command, *answered);
        }
        outcomes.push(outcome);
    }
    // Nothing but refusals and repeats: then where they came from is not worth a step.
    let steps = if draft.steps.len() == before { Vec::new() } else { draft.steps };
    let replayed = steps.is_empty() && outcomes.iter().any(Result::is_ok);
    Ok(Decided { steps, answers: outcomes, replayed })
}

fn answer_one(
    draft: &mut Draft<'_>,
    input: &AnswerInput,
    offline: bool,
    within: &HashMap<CommandId, Answered>,
    context: &Context<'_>,
) -> Result<Answered, Refusal> {
    let attempt = draft.attempt;
    let digest = answer_digest(input.slot, input.response.as_ref());
    if let Some(trace) = attempt.command(&input.command).filter(|_| !planted(RuleBug::ReplayUnknown)) {
        let same = Answered { slot: input.slot, seq: trace.seq, digest, at: trace.at, replayed: true };
        return if trace.digest == digest { Ok(same) } else { Err(Refusal::CommandReused) };
    }
    if let Some(first) = within.get(&input.command) {
        return if first.digest == digest {
            Ok(Answered { replayed: true, ..*first })
        } else {
            Err(Refusal::CommandReused)
        };
    }
    takes_answers(attempt, input.answered_at.filter(|_| planted(RuleBug::ClientClock)).unwrap_or(draft.now))?;
    if attempt.answer_steps + draft.answers >= ATTEMPT_ANSWERS_MAX {
        return Err(Refusal::TooManyChanges);
    }
    let slot = attempt.paper.slot_numbered(input.slot);
    let Some(slot) = slot else { return Err(Refusal::NoSuchSlot { slot: input.slot }) };
    if let Some(response) = &input.response {
        check_response(context.pool, slot, response)
            .map_err(|fault| Refusal::InvalidResponse { detail: fault.to_string() })?;
    }
    let flags = if context.heuristics && attempt.mode == Mode::Exam {
        let timing = (context.timing)(slot.item);
        draft.observer.judge_answer(input.slot, draft.now, offline, &timing)
    } else {
        Vec::new()
    };
    (flags.is_empty() || !planted(RuleBug::FlagDropsAnswer)).then_some(()).ok_or(Refusal::TooManyChanges)?;
    let answered = Answered { slot: input.slot, seq: draft.next_seq(), digest, at: draft.now, replayed: false };
    let body = StepBody::Answered {
        slot: input.slot,
        response: input.response.clone(),
        answered_at: input.answered_at,
        offline,
    };
    draft.push(Some((input.command, digest)), body);
    draft.answers += 1;
    draft.flag(flags);
    Ok(answered)
}

fn takes_answers(attempt: &Attempt, now: crate::Timestamp) -> Result<(), Refusal> {
    match attempt.phase {
        Phase::Open if now > attempt.answers_until() => Err(Refusal::DeadlinePassed),
        Phase::Open => Ok(()),
        Phase::Submitted { .. } if planted(RuleBug::AnswerAfterSubmit) => Ok(()),
        Phase::Paused { .. } => Err(Refusal::AttemptPaused),
        // Closed by the deadline: say so, rather than only that it is closed.
        Phase::Expired { .. } => Err(Refusal::DeadlinePassed),
        Phase::Submitted { .. } | Phase::Terminated { .. } => Err(Refusal::AttemptClosed),
    }
}

fn signal(attempt: &Attempt, signals: &[ClientSignal], context: &Context<'_>) -> Result<Decided, Refusal> {
    if attempt.phase.closed_at().is_some() {
        return Err(Refusal::AttemptClosed);
    }
    let mut draft = Draft::new(attempt, context);
    for observed in signals {
        if draft.observer.signals() >= ATTEMPT_SIGNALS_MAX {
            break;
        }
        let flags = if context.heuristics && attempt.mode == Mode::Exam {
            draft.observer.judge_signal(observed)
        } else {
            Vec::new()
        };
        draft.push(None, StepBody::Signalled(observed.clone()));
        draft.flag(flags);
    }
    Ok(Decided { steps: draft.steps, ..Decided::default() })
}

fn submit(attempt: &Attempt, command: CommandId, context: &Context<'_>) -> Result<Decided, Refusal> {
    let digest = content_digest(&[b"submit"]);
    if let Some(replayed) = repeat(attempt, command, digest)? {
        return Ok(replayed);
    }
    match attempt.phase {
        Phase::Paused { .. } => return Err(Refusal::AttemptPaused),
        Phase::Expired { .. } => return Err(Refusal::DeadlinePassed),
        Phase::Submitted { .. } | Phase::Terminated { .. } => return Err(Refusal::AttemptClosed),
        Phase::Open => {}
    }
    // Too late to count as handed in: the deadline closes it, with the answers it holds.
    let late = context.now.max(attempt.last_at) > attempt.answers_until() && !planted(RuleBug::LateSubmit);
    let closing = if late { StepBody::Expired } else { StepBody::Submitted };
    close(attempt, closing, Some((command, digest)), context)
}

fn expire(attempt: &Attempt, context: &Context<'_>) -> Result<Decided, Refusal> {
    let until = if planted(RuleBug::GraceForgotten) { attempt.deadline } else { attempt.answers_until() };
    match attempt.phase {
        Phase::Open if context.now > until => close(attempt, StepBody::Expired, None, context),
        Phase::Open => Err(Refusal::WrongState("作答时间尚未结束 / the deadline has not passed")),
        Phase::Paused { .. } => Err(Refusal::AttemptPaused),
        Phase::Submitted { .. } | Phase::Expired { .. } | Phase::Terminated { .. } => Err(Refusal::AttemptClosed),
    }
}

/// Closes and marks in one go: the closing, the grade and the hours are steps of one commit.
fn close(
    attempt: &Attempt,
    closing: StepBody,
    command: Option<(CommandId, [u8; 16])>,
    context: &Context<'_>,
) -> Result<Decided, Refusal> {
    if attempt.phase.closed_at().is_some() {
        return Err(Refusal::AttemptClosed);
    }
    let mut draft = Draft::new(attempt, context);
    if context.heuristics && attempt.mode == Mode::Exam {
        let flags = draft.observer.judge_close(attempt.answer_steps);
        draft.flag(flags);
    }
    let may_pass = !matches!(closing, StepBody::Terminated { .. }) || planted(RuleBug::TerminatedPasses);
    let may_pass = may_pass && !(planted(RuleBug::ScoreFails) && draft.observer.score() >= CASE_SCORE);
    draft.push(command, closing);
    let graded = grade(attempt, context.pool, context.rules, may_pass);
    let granted = grant(attempt, &graded, context.hours.entry, context);
    draft.push(None, StepBody::Graded(graded));
    if let Some(granted) = granted {
        draft.push(None, granted);
    }
    Ok(Decided { steps: draft.steps, ..Decided::default() })
}

/// The step that grants the hours of a pass, unless the learner has them.
pub(super) fn grant(attempt: &Attempt, graded: &Grade, entry: EntryId, context: &Context<'_>) -> Option<StepBody> {
    let facts = context.hours;
    let earns =
        attempt.mode == Mode::Exam && graded.passed && (!facts.already_granted || planted(RuleBug::DoubleGrant));
    earns.then_some(StepBody::HoursGranted {
        entry,
        course: facts.course,
        credit_year: facts.credit_year,
        bucket: facts.bucket,
        hours: facts.hours,
    })
}

/// What a repeated command gets; `None` for a new one.
pub(super) fn repeat(attempt: &Attempt, command: CommandId, digest: [u8; 16]) -> Result<Option<Decided>, Refusal> {
    let Some(trace) = attempt.command(&command) else { return Ok(None) };
    if trace.digest == digest {
        Ok(Some(Decided { replayed: true, ..Decided::default() }))
    } else {
        Err(Refusal::CommandReused)
    }
}

/// The reason a person gives for an act.
pub(super) fn reason_given(reason: &str) -> Result<String, Refusal> {
    if reason.trim().is_empty() || reason.chars().count() > REASON_CHARS_MAX {
        let detail =
            format!("请填写 1 至 {REASON_CHARS_MAX} 字的理由 / give a reason of 1 to {REASON_CHARS_MAX} characters");
        return Err(Refusal::InvalidArgument { pointer: "/reason", detail });
    }
    Ok(reason.trim().to_owned())
}

fn proctor(
    attempt: &Attempt,
    command: CommandId,
    action: ProctorAction,
    reason: &str,
    context: &Context<'_>,
) -> Result<Decided, Refusal> {
    let digest = content_digest(&[format!("{action:?}").as_bytes(), reason.as_bytes()]);
    if let Some(replayed) = repeat(attempt, command, digest)? {
        return Ok(replayed);
    }
    let reason = reason_given(reason)?;
    if attempt.phase.closed_at().is_some() {
        return Err(Refusal::AttemptClosed);
    }
    let now = context.now.max(attempt.last_at);
    let key = Some((command, digest));
    let body = match (action, attempt.phase) {
        (ProctorAction::Terminate, _) => {
            return close(attempt, StepBody::Terminated { reason }, key, context);
        }
        (ProctorAction::Warn, _) => StepBody::Warned { reason },
        (ProctorAction::Pause, Phase::Paused { .. }) => return Err(Refusal::AttemptPaused),
        // What is over stays over: a pause must not reopen it.
        (ProctorAction::Pause | ProctorAction::Extend { .. }, Phase::Open) if now > attempt.answers_until() => {
            return Err(Refusal::DeadlinePassed);
        }
        (ProctorAction::Pause, _) => StepBody::Paused { reason },
        (ProctorAction::Resume, Phase::Paused { since }) => StepBody::Resumed {
            reason,
            deadline: attempt.deadline.plus_ms(now.since(since) << u8::from(planted(RuleBug::ResumeTwice))),
        },
        (ProctorAction::Resume, _) => {
            return Err(Refusal::WrongState("本次作答没有被暂停 / the attempt is not paused"));
        }
        (ProctorAction::Extend { minutes }, _) => {
            StepBody::Extended { reason, minutes, deadline: extended(attempt, minutes)? }
        }
    };
    Ok(Decided { steps: vec![NewStep { command: key, body }], ..Decided::default() })
}

fn extended(attempt: &Attempt, minutes: u32) -> Result<crate::Timestamp, Refusal> {
    let deadline = attempt.deadline.plus_ms(i64::from(minutes) * 60_000);
    let within = deadline.since(attempt.started_at) <= ATTEMPT_DURATION_MS_MAX;
    if (1..=EXTENSION_MINUTES_MAX).contains(&minutes) && within {
        return Ok(deadline);
    }
    let detail = format!(
        "请填写 1 至 {EXTENSION_MINUTES_MAX} 分钟，总时长不超过一天 / give 1 to {EXTENSION_MINUTES_MAX} minutes, a day in all at most"
    );
    Err(Refusal::InvalidArgument { pointer: "/minutes", detail })
}

fn regrade(attempt: &Attempt, reason: &str, context: &Context<'_>) -> Result<Decided, Refusal> {
    if attempt.phase.closed_at().is_none() {
        return Err(Refusal::WrongState("进行中的作答在结束时评分 / an open attempt is marked when it closes"));
    }
    let may_pass = !matches!(attempt.phase, Phase::Terminated { .. });
    let graded = grade(attempt, context.pool, context.rules, may_pass);
    if attempt.grade() == Some(&graded) {
        return Ok(Decided { replayed: true, ..Decided::default() });
    }
    // What does not count earns nothing, whatever the keys say now.
    let counts = attempt.invalidated().is_none() || planted(RuleBug::RegradeRestores);
    let granted = grant(attempt, &graded, review::next_entry(attempt, context), context).filter(|_| counts);
    let regraded = StepBody::Regraded { reason: reason.to_owned(), grade: graded };
    let steps = std::iter::once(regraded).chain(granted).map(|body| NewStep { command: None, body }).collect();
    Ok(Decided { steps, ..Decided::default() })
}

/// Numbers decided steps as they will be folded; for simulators and back ends that need no rows.
#[must_use]
pub fn number(attempt: &Attempt, decided: &Decided, now: crate::Timestamp, actor: Actor) -> Vec<Step> {
    let at = now.max(attempt.last_at);
    (attempt.seq + 1..)
        .zip(&decided.steps)
        .map(|(seq, new)| Step { seq, at, actor, command: new.command, body: new.body.clone(), hash: [0; 32] })
        .collect()
}
