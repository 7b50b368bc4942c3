//! The words of the protocol: what attempts, results and exams look like to a learner. No type here
//! has a field for a key, but the released review and practice feedback, which exist only where the
//! release policy says so.

use exam_core::Timestamp;
use exam_core::attempt::{Attempt, Mode, Phase};
use exam_core::exam::{PracticePolicy, ReviewPolicy};
use exam_core::release::{Visibility, visibility};
use exam_service::{Feedback, LearnerExam, LoadedExam};
use exam_store::AttemptRow;
use question_bank::candidate::{OtherPool, write_sections};
use question_bank::marking::released_key;
use question_bank::{ItemKind, Points, Response};
use serde::Serialize;
use utoipa::ToSchema;

/// Writes an attempt as the protocol shows it. The paper's items are spliced in as they were
/// serialized once, when the pool was made.
///
/// # Errors
/// The paper is not of the exam's pinned bank.
pub fn attempt_json(attempt: &Attempt, exam: &LoadedExam, now: Timestamp) -> Result<Vec<u8>, OtherPool> {
    let head = AttemptHead {
        id: attempt.id.to_string(),
        exam: attempt.exam.to_string(),
        mode: attempt.mode,
        state: attempt.phase.name(),
        number: attempt.number,
        seq: attempt.seq,
        started_at: attempt.started_at,
        deadline: attempt.deadline,
        server_time: now,
        remaining_ms: remaining_ms(attempt, now),
        grace_ms: attempt.grace_ms,
    };
    let paper = PaperHead {
        id: attempt.id.to_string(),
        algorithm: &attempt.paper.algorithm,
        bank_version: attempt.paper.bank_version.as_str(),
        seed_commitment: &attempt.seed_commitment,
    };
    let mut json = object(&head);
    json.extend_from_slice(b",\"paper\":");
    json.append(&mut object(&paper));
    json.extend_from_slice(b",\"sections\":");
    write_sections(&mut json, &attempt.paper, &exam.pool)?;
    json.extend_from_slice(b"},\"answers\":{");
    write_answers(&mut json, attempt);
    json.extend_from_slice(b"}}");
    Ok(json)
}

/// An object without its closing brace.
fn object(value: &impl Serialize) -> Vec<u8> {
    // Strings, numbers and booleans only: this serializes.
    let mut json = serde_json::to_vec(value).unwrap_or_else(|_| b"{}".to_vec());
    json.pop();
    json
}

fn write_answers(json: &mut Vec<u8>, attempt: &Attempt) {
    let mut first = true;
    for (slot, answer) in (1u32..).zip(&attempt.answers) {
        let Some(answer) = answer else { continue };
        if !first {
            json.push(b',');
        }
        first = false;
        let view = AnswerView { response: answer.response.as_ref(), seq: answer.seq, saved_at: answer.saved_at };
        json.extend_from_slice(format!("\"{slot}\":").as_bytes());
        json.append(&mut object(&view));
        json.push(b'}');
    }
}

/// What is left of the time; it stands still while the attempt is paused.
#[must_use]
pub fn remaining_ms(attempt: &Attempt, now: Timestamp) -> i64 {
    match attempt.phase {
        Phase::Open => attempt.deadline.since(now).max(0),
        Phase::Paused { since } => attempt.deadline.since(since).max(0),
        Phase::Submitted { .. } | Phase::Expired { .. } | Phase::Terminated { .. } => 0,
    }
}

#[derive(Serialize)]
struct AttemptHead {
    id: String,
    exam: String,
    mode: Mode,
    state: &'static str,
    number: u32,
    seq: u32,
    started_at: Timestamp,
    deadline: Timestamp,
    server_time: Timestamp,
    remaining_ms: i64,
    grace_ms: i64,
}

#[derive(Serialize)]
struct PaperHead<'a> {
    id: String,
    algorithm: &'a str,
    bank_version: &'a str,
    seed_commitment: &'a str,
}

#[derive(Serialize)]
struct AnswerView<'a> {
    response: Option<&'a Response>,
    seq: u32,
    saved_at: Timestamp,
}

/// A receipt.
#[derive(Serialize, ToSchema)]
pub struct ReceiptView {
    /// From one.
    pub slot: u32,
    /// The step that holds the answer.
    pub seq: u32,
    /// When it became durable.
    #[schema(value_type = String, format = DateTime)]
    pub saved_at: Timestamp,
    /// The service's signature.
    pub receipt: String,
    /// In practice only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub feedback: Option<FeedbackView>,
}

/// What practice says at once.
#[derive(Serialize, ToSchema)]
pub struct FeedbackView {
    /// Whether it earned all its points.
    pub correct: bool,
    /// The key, in this attempt's ids.
    #[schema(value_type = Object)]
    pub key: Response,
    /// Why.
    pub explanation: Option<String>,
}

impl From<Feedback> for FeedbackView {
    fn from(feedback: Feedback) -> Self {
        Self { correct: feedback.correct, key: feedback.key, explanation: feedback.explanation }
    }
}

/// The result of an attempt, as far as it is released.
#[derive(Serialize, ToSchema)]
pub struct ResultView {
    /// The attempt.
    pub attempt: String,
    /// Exam or practice.
    #[schema(value_type = String)]
    pub mode: Mode,
    /// Where it stands.
    pub state: &'static str,
    /// `null` until released, and where the review policy keeps it.
    #[schema(value_type = Option<f64>)]
    pub score: Option<Points>,
    /// The paper's points.
    #[schema(value_type = Option<f64>)]
    pub max_score: Option<Points>,
    /// What passes.
    #[schema(value_type = f64)]
    pub pass_score: Points,
    /// `null` until released.
    pub passed: Option<bool>,
    /// Hours this attempt granted; 0 unless passed and released.
    #[schema(value_type = f64)]
    pub hours_granted: Points,
    /// Where a person decided that the attempt does not count: when, and why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub invalidated: Option<InvalidatedView>,
    /// When it was marked.
    #[schema(value_type = Option<String>)]
    pub graded_at: Option<Timestamp>,
    /// How far it is released.
    pub release: ReleaseView,
    /// What the seed was committed to.
    pub seed_commitment: String,
    /// Once released: the seed itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<String>,
    /// Once released and allowed: slot by slot.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub review: Option<Vec<SlotReview>>,
}

/// That a person decided that an attempt does not count. Told at once, released or not: it tells no grade.
#[derive(Serialize, ToSchema)]
pub struct InvalidatedView {
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// Why, in words.
    pub reason: String,
}

/// How far a result is released.
#[derive(Serialize, ToSchema)]
pub struct ReleaseView {
    /// Whether it is.
    pub released: bool,
    /// When it will be.
    #[schema(value_type = Option<String>)]
    pub at: Option<Timestamp>,
    /// What is shown then.
    #[schema(value_type = String)]
    pub review: ReviewPolicy,
}

/// One slot of a released review.
#[derive(Serialize, ToSchema)]
pub struct SlotReview {
    /// From one.
    pub slot: u32,
    /// Points it earned.
    #[schema(value_type = f64)]
    pub points: Points,
    /// Points it could earn.
    #[schema(value_type = f64)]
    pub max: Points,
    /// What was answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub response: Option<Response>,
    /// The key, where keys are released.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub key: Option<Response>,
    /// Why, where keys are released.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub explanation: Option<String>,
}

/// What the learner may see of the result now; the seed is added by whoever may read it.
#[must_use]
pub fn result_view(attempt: &Attempt, exam: &LoadedExam, now: Timestamp) -> ResultView {
    let allowed = visibility(&exam.exam.rules, attempt, now);
    let grade = attempt.grade();
    let score = grade.filter(|_| allowed.score);
    ResultView {
        attempt: attempt.id.to_string(),
        mode: attempt.mode,
        state: attempt.phase.name(),
        score: score.map(|grade| grade.score),
        max_score: grade.map(|grade| grade.max_score),
        pass_score: exam.exam.rules.pass_score,
        passed: attempt.passed().filter(|_| allowed.released),
        hours_granted: if allowed.released { attempt.hours_granted } else { Points::ZERO },
        invalidated: attempt
            .invalidated()
            .map(|decided| InvalidatedView { at: decided.at, reason: decided.reason.clone() }),
        graded_at: attempt.graded_at.filter(|_| allowed.released),
        release: ReleaseView { released: allowed.released, at: allowed.released_at, review: exam.exam.rules.review },
        seed_commitment: attempt.seed_commitment.clone(),
        seed: None,
        review: allowed.marks.then(|| review(attempt, exam, &allowed)),
    }
}

fn review(attempt: &Attempt, exam: &LoadedExam, allowed: &Visibility) -> Vec<SlotReview> {
    let Some(grade) = attempt.grade() else { return Vec::new() };
    let points = attempt.paper.sections.iter().flat_map(|s| std::iter::repeat_n(s.points, s.count as usize));
    let slots = (1u32..).zip(attempt.paper.slots()).zip(&attempt.answers).zip(&grade.marks).zip(points);
    slots
        .map(|((((number, slot), answer), mark), max)| {
            let solution = exam.pool.item(slot.item).filter(|_| allowed.keys).map(|item| &item.solution);
            SlotReview {
                slot: number,
                points: *mark,
                max,
                response: answer.as_ref().and_then(|answer| answer.response.clone()),
                key: solution.and_then(|solution| released_key(&solution.key, slot)),
                explanation: solution.and_then(|s| s.explanation.as_ref()).map(|text| text.as_html().to_owned()),
            }
        })
        .collect()
}

/// An exam as a learner meets it.
#[derive(Serialize, ToSchema)]
pub struct ExamView {
    /// The id.
    pub id: String,
    /// The author's name for it.
    pub code: String,
    /// The title.
    pub title: String,
    /// The course whose hours it grants.
    pub course: String,
    /// The course's title.
    pub course_title: String,
    /// The credit year.
    pub credit_year: i16,
    /// Hours for a pass.
    #[schema(value_type = f64)]
    pub hours: Points,
    /// `upcoming open closed in_progress paused exhausted passed`.
    pub state: &'static str,
    /// The attempt that is open.
    pub open_attempt: Option<String>,
    /// Whether that is the exam or a practice.
    #[schema(value_type = Option<String>)]
    pub open_mode: Option<Mode>,
    /// Slots of a paper.
    pub questions: u32,
    /// Points of a paper.
    #[schema(value_type = f64)]
    pub max_score: Points,
    /// What passes.
    #[schema(value_type = f64)]
    pub pass_score: Points,
    /// The sections of a paper.
    pub sections: Vec<SectionView>,
    /// For this learner.
    pub duration_ms: i64,
    /// After the deadline.
    pub grace_ms: i64,
    /// For this learner; 0 means any number.
    pub attempts_max: u32,
    /// In exam mode.
    pub attempts_used: u32,
    /// `null` means any number.
    pub attempts_left: Option<u32>,
    /// Between attempts.
    pub cooldown_ms: i64,
    /// For this learner.
    #[schema(value_type = String, format = DateTime)]
    pub opens_at: Timestamp,
    /// For this learner.
    #[schema(value_type = String, format = DateTime)]
    pub closes_at: Timestamp,
    /// `off offered required`.
    #[schema(value_type = String)]
    pub practice: PracticePolicy,
    /// Whether the practice that is asked for is done.
    pub practised: bool,
    /// `none score marks full`.
    #[schema(value_type = String)]
    pub review: ReviewPolicy,
    /// When results are released; `null` at once.
    #[schema(value_type = Option<String>)]
    pub results_at: Option<Timestamp>,
    /// Now, by the server.
    #[schema(value_type = String, format = DateTime)]
    pub server_time: Timestamp,
}

/// A section of a paper, before it is drawn.
#[derive(Serialize, ToSchema)]
pub struct SectionView {
    /// The title.
    pub title: String,
    /// Slots.
    pub count: u32,
    /// Points of each.
    #[schema(value_type = f64)]
    pub points: Points,
    /// The kind, where all are of one.
    #[schema(value_type = Option<String>)]
    pub kind: Option<ItemKind>,
}

/// Puts an exam into the learner's words.
#[must_use]
pub fn exam_view(view: &LearnerExam, now: Timestamp) -> ExamView {
    let (exam, personal, rules) = (&view.exam.exam, &view.personal, &view.exam.exam.rules);
    let exams = || view.attempts.iter().filter(|row| row.mode == Mode::Exam);
    let used = exams().count() as u32;
    let open = view.attempts.iter().find(|row| row.state.is_live());
    ExamView {
        id: exam.id.to_string(),
        code: exam.code.clone(),
        title: exam.title.clone(),
        course: exam.course.to_string(),
        course_title: view.exam.course.title.clone(),
        credit_year: view.exam.course.credit_year,
        hours: view.exam.course.hours,
        state: exam_state(view, open, used, now),
        open_attempt: open.map(|row| row.id.to_string()),
        open_mode: open.map(|row| row.mode),
        questions: rules.blueprint.slot_count(),
        max_score: rules.blueprint.points_total(),
        pass_score: rules.pass_score,
        sections: rules.blueprint.sections.iter().map(section_view).collect(),
        duration_ms: personal.duration_ms,
        grace_ms: rules.grace_ms,
        attempts_max: personal.attempts_max,
        attempts_used: used,
        attempts_left: (personal.attempts_max > 0).then(|| personal.attempts_max.saturating_sub(used)),
        cooldown_ms: rules.cooldown_ms,
        opens_at: personal.opens_at,
        closes_at: personal.closes_at,
        practice: rules.practice,
        practised: view.attempts.iter().any(|row| {
            row.mode == Mode::Practice && row.state == exam_store::AttemptState::Submitted && row.answered > 0
        }),
        review: rules.review,
        results_at: rules.results_at,
        server_time: now,
    }
}

fn section_view(section: &question_bank::Section) -> SectionView {
    SectionView { title: section.title.clone(), count: section.count, points: section.points, kind: section.kind }
}

fn exam_state(view: &LearnerExam, open: Option<&AttemptRow>, used: u32, now: Timestamp) -> &'static str {
    let released = exam_core::release::exam_visibility(&view.exam.exam.rules, now).released;
    let passed = view.attempts.iter().any(|row| row.mode == Mode::Exam && row.passed == Some(true));
    match open {
        Some(row) if row.state == exam_store::AttemptState::Paused => "paused",
        Some(_) => "in_progress",
        None if passed && released => "passed",
        None if now < view.personal.opens_at => "upcoming",
        None if now >= view.personal.closes_at => "closed",
        None if view.personal.attempts_max > 0 && used >= view.personal.attempts_max => "exhausted",
        None => "open",
    }
}
