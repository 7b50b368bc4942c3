//! The one door: every change of a lesson under way is decided here.

use super::{
    Beat, Command, Context, Credit, Exhausted, Lesson, LessonStep, LessonStepBody, NewLessonStep, Opened, Phase,
    STEP_VERSION, Told, credit, next_moment,
};
use crate::attempt::decide::content_digest;
use crate::log::{Actor, CommandId};
use crate::planted::{RuleBug, planted};
use crate::{ChallengeId, PartnerId, Refusal, StudyId, Timestamp};
use question_bank::draw::{fresh_item, question};
use question_bank::marking::{check_response, mark};
use question_bank::{ItemIndex, Points, Response, ScoringRule, Seed};

/// What follows from a command.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Decided {
    /// To be numbered from the lesson's next step on, and kept before anybody is told.
    pub steps: Vec<NewLessonStep>,
    /// What a beat earned: to be taken in by [`Lesson::earn`], in any order with the steps.
    pub credit: Option<Credit>,
    /// The command was taken before, and this is what it was told; nothing is to be kept.
    pub replayed: Option<Told>,
    /// The command itself was refused, and the steps are to be kept all the same.
    pub refused: Option<Refusal>,
}

/// Decides a command on a lesson.
///
/// # Errors
/// The rule that forbids it; nothing is to be kept then.
pub fn decide(lesson: &Lesson, command: &Command, context: &Context<'_>) -> Result<Decided, Refusal> {
    match command {
        Command::Open { study, epoch, seed, partner } => open(lesson, *study, *epoch, seed, *partner, context),
        Command::Beat(beat) => take_beat(lesson, beat, context),
        Command::Answer { command, challenge, response } => answer(lesson, *command, *challenge, response, context),
        Command::Wake => {
            let mut draft = Draft::new(lesson, context);
            draft.ask_if_due(true)?;
            Ok(Decided { steps: draft.steps, ..Decided::default() })
        }
    }
}

/// Numbers decided steps as they will be folded; for simulators and tests that need no rows.
#[must_use]
pub fn number(lesson: &Lesson, decided: &Decided, now: Timestamp, actor: Actor) -> Vec<LessonStep> {
    let at = now.max(lesson.last_at);
    (lesson.seq + 1..)
        .zip(&decided.steps)
        .map(|(seq, new)| LessonStep { seq, at, actor, command: new.command, body: new.body.clone(), hash: [0; 32] })
        .collect()
}

/// Steps under way, and the state as they leave it.
struct Draft<'a> {
    state: Lesson,
    context: &'a Context<'a>,
    now: Timestamp,
    steps: Vec<NewLessonStep>,
}

impl<'a> Draft<'a> {
    fn new(lesson: &Lesson, context: &'a Context<'a>) -> Self {
        Self { state: lesson.clone(), context, now: context.now.max(lesson.last_at), steps: Vec::with_capacity(2) }
    }

    fn push(&mut self, command: Option<(CommandId, [u8; 16])>, body: LessonStepBody) {
        let seq = self.state.seq + 1;
        let step = LessonStep { seq, at: self.now, actor: Actor::System, command, body, hash: [0; 32] };
        // It is the next one by construction.
        let applied = self.state.apply(&step);
        debug_assert!(applied.is_ok(), "{applied:?}");
        self.steps.push(NewLessonStep { command, body: step.body });
    }

    /// Asks what waits to be asked: after a cool-down, a lock, or, if the learner is back, a lapse.
    fn ask_if_due(&mut self, is_back: bool) -> Result<(), Refusal> {
        match &self.state.phase {
            Phase::Cooling { until } | Phase::Locked { until } if self.now >= *until => self.ask(),
            Phase::Asked(asked) if is_back && self.now > asked.answer_until => {
                let challenge = asked.challenge;
                self.push(None, LessonStepBody::Lapsed { challenge });
                self.ask()
            }
            _ => Ok(()),
        }
    }

    /// Asks a question that was not asked yet, or does what the policy says where there is none.
    fn ask(&mut self) -> Result<(), Refusal> {
        let number = self.state.asked + 1;
        let Some(study) = &self.state.study else { return Err(NOT_OPEN) };
        let (seed, at) = (study.seed, study.last_beat.map(|beat| beat.position_ms));
        let policy = &self.context.rules.policy;
        let item = match self.choose(&seed.named("keju/item/1", number)) {
            Some(item) => item,
            None if policy.exhausted == Exhausted::Lock && !self.state.used.is_empty() => {
                let (until, covered) = (self.now.plus_ms(policy.lock_ms), self.state.covered.clone());
                self.push(None, LessonStepBody::Locked { until, covered });
                return Ok(());
            }
            None => self.choose_again(&seed.named("keju/item/1", number)).ok_or(EMPTY_POOL)?,
        };
        let drawn = question(self.context.pool, item, &seed.named("keju/options/1", number)).ok_or(EMPTY_POOL)?;
        let body = LessonStepBody::Challenged {
            challenge: challenge_id(&seed, number),
            number,
            question: drawn,
            position_ms: at.unwrap_or_else(|| self.state.covered.furthest()),
            covered: self.state.covered.clone(),
            answer_until: self.now.plus_ms(policy.answer_within_ms),
        };
        self.push(None, body);
        Ok(())
    }

    /// An item that was not used; where the used ones were given up, at least not the last.
    fn choose(&self, seed: &Seed) -> Option<ItemIndex> {
        let last = self.state.last_item;
        let used = if self.state.used.is_empty() { last.as_slice() } else { &self.state.used };
        fresh_item(self.context.pool, used, seed)
    }

    /// Any item but the last one, and that one if there is no other.
    fn choose_again(&self, seed: &Seed) -> Option<ItemIndex> {
        let pool = self.context.pool;
        fresh_item(pool, self.state.last_item.as_slice(), seed).or_else(|| fresh_item(pool, &[], seed))
    }

    /// The completion and the hours are steps of one commit.
    fn complete(&mut self) {
        let Lesson { covered, asked, passed, lesson, .. } = &self.state;
        let completed = LessonStepBody::Completed { covered: covered.clone(), asked: *asked, passed: *passed };
        let hours = self.context.hours;
        let granted = hours.source(*lesson).filter(|_| !hours.already_granted || planted(RuleBug::LessonGrantTwice));
        self.push(None, completed);
        if let Some((source, amount)) = granted {
            let (entry, course, credit_year) = (hours.entry, hours.course, hours.credit_year);
            let bucket = hours.bucket;
            self.push(None, LessonStepBody::HoursGranted { entry, course, credit_year, bucket, hours: amount, source });
        }
    }
}

const NOT_OPEN: Refusal = Refusal::WrongState("课时尚未开始 / the lesson is not open");
const EMPTY_POOL: Refusal = Refusal::WrongState("课时题库没有题目 / the lesson's bank has no items");

/// Sixteen bytes that the seed and the number give: nobody can foresee them, and deciding stays
/// deterministic.
fn challenge_id(seed: &Seed, number: u32) -> ChallengeId {
    let named = seed.named("keju/challenge/1", number);
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&named.as_bytes()[..16]);
    ChallengeId(uuid::Builder::from_custom_bytes(bytes).into_uuid())
}

fn open(
    lesson: &Lesson,
    study: StudyId,
    epoch: u64,
    seed: &Seed,
    partner: Option<PartnerId>,
    context: &Context<'_>,
) -> Result<Decided, Refusal> {
    if lesson.study.as_ref().is_some_and(|known| known.epoch >= epoch) {
        return Err(Refusal::StudyTaken);
    }
    // Opening anew is no way around a challenge: the moment drawn before stays, and so does an open one.
    let next_at_ms = match lesson.phase {
        Phase::Idle => Some(next_moment(seed, lesson.asked + 1, lesson.covered.total(), lesson.passed, context.rules)),
        Phase::Playing { next_at_ms } => Some(next_at_ms),
        Phase::Asked(_) | Phase::Cooling { .. } | Phase::Locked { .. } | Phase::Completed { .. } => None,
    };
    let opened = Opened {
        v: STEP_VERSION,
        study,
        epoch,
        seed: *seed,
        covered: lesson.covered.clone(),
        next_at_ms,
        partner,
        origin: context.origin.cloned(),
    };
    let mut draft = Draft::new(lesson, context);
    draft.push(None, LessonStepBody::Opened(Box::new(opened)));
    draft.ask_if_due(true)?;
    Ok(Decided { steps: draft.steps, ..Decided::default() })
}

/// What a beat leads to, beside its credit.
enum Due {
    Nothing,
    Challenge,
    Completion,
}

fn take_beat(lesson: &Lesson, beat: &Beat, context: &Context<'_>) -> Result<Decided, Refusal> {
    if lesson.study.is_none() {
        return Err(NOT_OPEN);
    }
    let now = context.now.max(lesson.last_at);
    let Some(mut credit) = credit(lesson, beat, context.rules, now) else { return Ok(Decided::default()) };
    let due = due(lesson, &credit, context);
    let waits = match &lesson.phase {
        Phase::Cooling { until } | Phase::Locked { until } => now >= *until,
        Phase::Asked(asked) => beat.playing && now > asked.answer_until,
        Phase::Idle | Phase::Playing { .. } | Phase::Completed { .. } => false,
    };
    if !waits && matches!(due, Due::Nothing) {
        return Ok(Decided { credit: Some(credit), ..Decided::default() });
    }
    // From here on credit has stopped; what is asked now is not answered in time that counts.
    if !planted(RuleBug::CreditWhileAsked) {
        credit.beat.playing = false;
        credit.beat.allowance_ms = 0;
    }
    let mut draft = Draft::new(lesson, context);
    draft.state.earn(&credit);
    match due {
        Due::Completion => draft.complete(),
        Due::Challenge => draft.ask()?,
        Due::Nothing => draft.ask_if_due(beat.playing)?,
    }
    Ok(Decided { steps: draft.steps, credit: Some(credit), ..Decided::default() })
}

fn due(lesson: &Lesson, credit: &Credit, context: &Context<'_>) -> Due {
    let rules = context.rules;
    let total = credit.covered.total();
    match lesson.phase {
        Phase::Playing { .. } if total >= rules.threshold_ms() => {
            if rules.enough_passed(lesson.asked, lesson.passed) {
                Due::Completion
            } else {
                Due::Challenge
            }
        }
        Phase::Playing { next_at_ms } if total >= next_at_ms => Due::Challenge,
        Phase::Completed { .. } if planted(RuleBug::LessonGrantTwice) => Due::Completion,
        _ => Due::Nothing,
    }
}

fn answer(
    lesson: &Lesson,
    command: CommandId,
    challenge: ChallengeId,
    response: &Response,
    context: &Context<'_>,
) -> Result<Decided, Refusal> {
    // A response always serializes: it has neither maps nor numbers that are not finite.
    let json = serde_json::to_vec(response).unwrap_or_default();
    let digest = content_digest(&[&challenge.bytes(), &json]);
    if let Some(verdict) = lesson.verdict(&command) {
        let replayed = Decided { replayed: Some(verdict.told.clone()), ..Decided::default() };
        return if verdict.digest == digest { Ok(replayed) } else { Err(Refusal::CommandReused) };
    }
    let asked = match &lesson.phase {
        Phase::Asked(asked) if asked.challenge == challenge => asked,
        _ => return Err(Refusal::ChallengeClosed),
    };
    let mut draft = Draft::new(lesson, context);
    if draft.now > asked.answer_until {
        draft.ask_if_due(true)?;
        return Ok(Decided { steps: draft.steps, refused: Some(Refusal::ChallengeLapsed), ..Decided::default() });
    }
    let said = check_response(context.pool, asked.question.slot(), response)
        .map_err(|fault| Refusal::InvalidResponse { detail: fault.to_string() })?;
    let key = context.pool.key(asked.question.item).ok_or(EMPTY_POOL)?;
    let correct = mark(key, Some(&said), ScoringRule::AllOrNothing, Points::whole(1)).correct;
    let command = Some((command, digest));
    if correct {
        right(&mut draft, command, challenge, response)
    } else {
        wrong(&mut draft, command, challenge, response)
    }?;
    Ok(Decided { steps: draft.steps, ..Decided::default() })
}

fn right(
    draft: &mut Draft<'_>,
    command: Option<(CommandId, [u8; 16])>,
    challenge: ChallengeId,
    response: &Response,
) -> Result<(), Refusal> {
    let (state, rules) = (&draft.state, draft.context.rules);
    let (total, asked, passed) = (state.covered.total(), state.asked, state.passed + 1);
    let is_covered = total >= rules.threshold_ms();
    let completes = is_covered && rules.enough_passed(asked, passed);
    let next_at_ms = match &state.study {
        _ if completes => Some(total),
        Some(study) if !is_covered => Some(next_moment(&study.seed, asked + 1, total, passed, rules)),
        _ => None,
    };
    let answered = LessonStepBody::Answered {
        challenge,
        response: response.clone(),
        correct: true,
        covered: state.covered.clone(),
        rewind_to_ms: None,
        retry_at: None,
        next_at_ms,
    };
    draft.push(command, answered);
    if completes {
        draft.complete();
    } else if is_covered {
        draft.ask()?;
    }
    Ok(())
}

fn wrong(
    draft: &mut Draft<'_>,
    command: Option<(CommandId, [u8; 16])>,
    challenge: ChallengeId,
    response: &Response,
) -> Result<(), Refusal> {
    let policy = &draft.context.rules.policy;
    let mut covered = draft.state.covered.clone();
    let free = planted(RuleBug::WrongIsFree);
    let rewind_to_ms = (policy.rewind_ms > 0 && !free).then(|| (covered.furthest() - policy.rewind_ms).max(0));
    if let Some(from) = rewind_to_ms {
        covered.truncate(from);
    }
    let wait = policy.cooldown_after(draft.state.wrong_in_row + 1);
    let answered = LessonStepBody::Answered {
        challenge,
        response: response.clone(),
        correct: false,
        covered,
        rewind_to_ms,
        retry_at: (!free).then(|| draft.now.plus_ms(wait)),
        next_at_ms: None,
    };
    draft.push(command, answered);
    Ok(())
}
