//! The story every back end must pass, told to an empty store; a promise that is broken panics.
//!
//! A back end's test opens a store, calls [`tell`], and then tells what only it can: reopening, a full
//! disk, two nodes on one database. How to add the next promise: a function beside its noun, called here.

#![expect(clippy::unwrap_used, reason = "a story is a test")]

mod announcements;
mod attempts;
mod banks;
mod cases;
mod certificates;
mod conflicts;
mod exams;
pub mod kit;
mod lessons;
mod notebook;
mod partners;
mod people;
mod site;
mod units;

use crate::Store;
use std::sync::Arc;

pub use site::{audit_chain_holds, copy_is_whole};

/// Tells everything.
///
/// # Panics
/// The store breaks a promise.
pub async fn tell(store: Arc<dyn Store>) {
    site::an_empty_store_answers(&store).await;
    site::settings_are_agreed_on(&store).await;
    people::people_come_and_go(&store).await;
    people::sessions_end(&store).await;
    units::units_make_a_tree(&store).await;
    banks::revisions_pin_what_they_saw(&store).await;
    banks::key_versions_read_back(&store).await;
    exams::courses_and_exams_are_kept(&store).await;
    exams::a_published_exam_stands(&store).await;
    attempts::an_attempt_reads_back(&store).await;
    attempts::lists_come_in_pages(&store).await;
    attempts::the_server_finds_what_is_due(&store).await;
    attempts::the_latest_time_is_known(&store).await;
    conflicts::nodes_race_for_a_step(&store).await;
    conflicts::starts_race(&store).await;
    conflicts::hours_are_granted_once(&store).await;
    conflicts::a_poisoned_commit_fails_alone(&store).await;
    cases::cases_come_in_pages(&store).await;
    cases::what_is_taken_back_can_be_earned_again(&store).await;
    announcements::announcements_are_heard(&store).await;
    lessons::lessons_are_made_and_listed(&store).await;
    lessons::a_lesson_reads_back(&store).await;
    lessons::one_study_holds_the_fence(&store).await;
    lessons::nodes_race_for_a_lesson_step(&store).await;
    lessons::checkpoints_fit_their_step_and_study(&store).await;
    lessons::hours_of_lessons_come_once(&store).await;
    lessons::a_poisoned_lesson_commit_fails_alone(&store).await;
    partners::partners_come_and_go(&store).await;
    partners::tickets_are_spent_once(&store).await;
    partners::what_is_told_is_claimed_by_one(&store).await;
    certificates::a_certificate_reads_back(&store).await;
    certificates::certificates_are_issued_once(&store).await;
    certificates::a_revocation_stands(&store).await;
    notebook::what_is_taken_out_stays_out(&store).await;
    site::audit_records_chain(&store).await;
}
