//! Lessons by the engine over the real embedded store: whole lessons, takeovers between nodes, crashes, hours, tickets.

#![expect(clippy::unwrap_used, reason = "tests")]

mod kit;

use exam_core::Refusal;
use exam_core::hours::GrantSource;
use exam_core::lesson::ToldWhat;
use exam_service::{EngineError, Replay, Resume, StudyError};
use exam_store::{Ledger, Lessons, ProgressState};
use kit::{Site, YEAR};
use question_bank::Points;

#[tokio::test]
async fn a_whole_lesson_is_covered_passed_and_credited_once() {
    let site = Site::open().await;
    let lesson = site.lesson("own", site.course("course", 5).await, Some(2)).await;
    let learner = site.learner("learner").await;
    let mut player = site.player(&learner, lesson.id).await;
    assert_eq!((player.opened.welcome.covered_ms, player.opened.welcome.seq), (0, 0));
    player.complete().await;
    assert_eq!(player.completed(), Some(Points::whole(2)));
    let numbers: Vec<u32> = player.heard.iter().map(|told| told.seq).collect();
    assert_eq!(numbers, (1..=numbers.len() as u32).collect::<Vec<_>>(), "without a gap");
    let row = site.store.progress(learner.id(), lesson.id).await.unwrap().unwrap();
    assert_eq!((row.state, row.hours, row.passed), (ProgressState::Completed, Points::whole(2), row.asked));
    assert!(row.passed >= 2);
    let entries = site.store.entries(learner.id(), YEAR).await.unwrap();
    assert_eq!(entries.len(), 1);
    assert_eq!(entries[0].source, GrantSource::Lesson { lesson: lesson.id });
    // Seen again, it grants nothing more.
    let mut again = site.player(&learner, lesson.id).await;
    assert!(again.opened.welcome.completed);
    again.beat(true).await.unwrap();
    again.play(4_000).await;
    assert_eq!(site.store.entries(learner.id(), YEAR).await.unwrap(), entries);
    let report = site.engine.verify_logs().await.unwrap();
    assert_eq!(report.faults, [] as [String; 0]);
    assert_eq!(report.lessons, 1);
}

#[tokio::test]
async fn hours_of_a_course_come_with_its_last_lesson() {
    let site = Site::open().await;
    let course = site.course("course", 6).await;
    let (first, second) = (site.lesson("one", course, None).await, site.lesson("two", course, None).await);
    let learner = site.learner("learner").await;
    let mut player = site.player(&learner, second.id).await;
    player.complete().await;
    assert_eq!(player.completed(), Some(Points::ZERO), "one of two");
    let mut player = site.player(&learner, first.id).await;
    player.complete().await;
    assert_eq!(player.completed(), Some(Points::whole(6)));
    let entries = site.store.entries(learner.id(), YEAR).await.unwrap();
    assert_eq!(entries.len(), 1);
    assert_eq!((entries[0].course, entries[0].source), (course, GrantSource::Lessons { lesson: first.id }));
}

#[tokio::test]
async fn overlapping_packages_credit_a_lesson_once() {
    let site = Site::open().await;
    let home = site.course("home", 10).await;
    let (shared, other) = (site.lesson("a", home, Some(2)).await, site.lesson("b", home, Some(3)).await);
    let (one, two) = (site.course("package-1", 5).await, site.course("package-2", 2).await);
    site.engine.set_course_lessons(&site.author, one, vec![shared.id, other.id]).await.unwrap();
    site.engine.set_course_lessons(&site.author, two, vec![shared.id]).await.unwrap();
    let learner = site.learner("learner").await;
    for lesson in [&shared, &other, &shared] {
        let mut player = site.player(&learner, lesson.id).await;
        if !player.opened.welcome.completed {
            player.complete().await;
        }
    }
    let entries = site.store.entries(learner.id(), YEAR).await.unwrap();
    assert_eq!(entries.iter().map(|entry| entry.hours).sum::<Points>(), Points::whole(5));
    for package in [one, two] {
        let listed = site.engine.learner_lessons(&learner, Some(package)).await.unwrap();
        let completed = |view: &exam_service::LearnerLesson| {
            view.progress.as_ref().is_some_and(|row| row.state == ProgressState::Completed)
        };
        assert!(listed.iter().all(completed));
    }
}

#[tokio::test]
async fn a_wrong_answer_rewinds_cools_down_and_asks_another_item() {
    let site = Site::open().await;
    let lesson = site.lesson("own", site.course("course", 5).await, Some(2)).await;
    let learner = site.learner("learner").await;
    let mut player = site.player(&learner, lesson.id).await;
    player.play_until_told().await;
    let first = player.asked.clone().unwrap();
    let before = player.beat(false).await.unwrap().credit;
    let command = uuid::Uuid::now_v7();
    let outcome = player.try_answer(false, command).await.unwrap();
    let after = player.beat(false).await.unwrap().credit;
    assert_eq!(after.covered_ms, before.covered_ms - 4_000);
    assert!(outcome.refused.is_none());
    // The same command again gets the first verdict; another one comes too late.
    player.asked = Some(first.clone());
    assert_eq!(player.try_answer(false, command).await.unwrap().told, outcome.told);
    player.asked = Some(first.clone());
    let reused = player.try_answer(true, command).await;
    assert_eq!(reused, Err(StudyError::Engine(EngineError::Refused(Refusal::CommandReused))));
    let closed = player.try_answer(true, uuid::Uuid::now_v7()).await;
    assert_eq!(closed, Err(StudyError::Engine(EngineError::Refused(Refusal::ChallengeClosed))));
    // Waking before its time does nothing; at its time another item comes without any beat.
    assert_eq!(player.engine.wake_study(&player.handle).await.unwrap(), []);
    let wake_at = player.handle.wake_at().unwrap();
    site.clock.advance_ms(wake_at.since(site.engine.now()));
    let told = player.engine.wake_study(&player.handle).await.unwrap();
    let [told] = told.as_slice() else { panic!("one question: {told:?}") };
    let ToldWhat::Challenge { question, .. } = &told.what else { panic!("a question: {told:?}") };
    assert_ne!(question.item, first.question.item);
    assert_eq!(player.handle.wake_at(), None);
}

#[tokio::test]
async fn a_late_answer_gets_a_fresh_question() {
    let site = Site::open().await;
    let lesson = site.lesson("own", site.course("course", 5).await, Some(2)).await;
    let mut player = site.player(&site.learner("learner").await, lesson.id).await;
    player.play_until_told().await;
    let lapsed = player.asked.clone().unwrap();
    site.clock.advance_ms(30_001);
    let outcome = player.answer(true).await;
    assert_eq!(outcome.refused, Some(Refusal::ChallengeLapsed));
    let fresh = player.asked.clone().unwrap();
    assert_ne!((fresh.challenge, fresh.question.item), (lapsed.challenge, lapsed.question.item));
    player.answer(true).await;
    player.complete().await;
}

#[tokio::test]
async fn a_cut_connection_resumes_with_what_it_missed() {
    let site = Site::open().await;
    let lesson = site.lesson("own", site.course("course", 5).await, Some(2)).await;
    let learner = site.learner("learner").await;
    let mut player = site.player(&learner, lesson.id).await;
    player.play_until_told().await;
    player.answer(true).await;
    let (study, all) = (player.handle.study(), player.heard.clone());
    let resumed = async |seq: u32| {
        let pass = site.pass(&learner, lesson.id).await;
        let resume = Some(Resume { study, seq, claim: 0 });
        site.player_with(&site.engine, &pass, resume).await.unwrap()
    };
    assert_eq!(resumed(all.len() as u32).await.opened.replay, Replay::None);
    assert_eq!(resumed(1).await.opened.replay, Replay::Messages(all[1..].to_vec()));
    assert_eq!(resumed(0).await.opened.replay, Replay::Messages(all.clone()));
    assert_eq!(resumed(99).await.opened.replay, Replay::Resync, "it never was told so much");
    let mut player = resumed(2).await;
    assert_eq!(player.handle.study(), study, "the same study");
    player.n = 100;
    player.complete().await;
    assert_eq!(player.completed(), Some(Points::whole(2)));
}

#[tokio::test]
async fn a_newer_study_takes_over_and_the_older_one_earns_nothing() {
    let site = Site::open().await;
    let course = site.course("course", 5).await;
    let (one, two) = (site.lesson("one", course, Some(2)).await, site.lesson("two", course, Some(2)).await);
    let learner = site.learner("learner").await;
    let mut old = site.player(&learner, one.id).await;
    old.beat(true).await.unwrap();
    let earned = old.play(2_000).await.credit.covered_ms;
    assert_eq!(earned, 2_000);
    let old_pass = site.pass(&learner, one.id).await;
    let mut new = site.player(&learner, two.id).await;
    assert_eq!(old.beat(true).await, Err(StudyError::TakenOver));
    let again = site.player_with(&site.engine, &old_pass, Some(old.resume())).await;
    assert!(matches!(again, Err(StudyError::TakenOver)), "what was taken over is not resumed");
    new.beat(true).await.unwrap();
    new.play(2_000).await;
    // What it had earned before is kept: it was on this node.
    let row = site.store.progress(learner.id(), one.id).await.unwrap().unwrap();
    assert_eq!(row.covered.total(), 2_000);
}

#[tokio::test]
async fn takeover_reaches_another_node_by_the_fence() {
    let site = Site::open().await;
    let lesson = site.lesson("one", site.course("course", 5).await, Some(2)).await;
    let learner = site.learner("learner").await;
    let (here, there) = (site.node(2).await, site.node(3).await);
    let pass = site.pass(&learner, lesson.id).await;
    let mut old = site.player_with(&here, &pass, None).await.unwrap();
    old.beat(true).await.unwrap();
    old.play(2_000).await;
    let pass = site.pass(&learner, lesson.id).await;
    let mut new = site.player_with(&there, &pass, None).await.unwrap();
    // The old node has not heard of it; what its player says is not kept, and at the first commit it is told.
    old.play(2_000).await;
    assert_eq!(here.flush_progress().await.unwrap(), 0);
    let row = site.store.progress(learner.id(), lesson.id).await.unwrap().unwrap();
    assert_eq!((row.epoch, row.covered.total()), (2, 0));
    assert_eq!(old.beat(true).await, Err(StudyError::TakenOver));
    new.complete().await;
    assert_eq!(new.completed(), Some(Points::whole(2)));
}

#[tokio::test]
async fn a_study_goes_on_at_another_node() {
    let site = Site::open().await;
    let lesson = site.lesson("one", site.course("course", 5).await, Some(2)).await;
    let learner = site.learner("learner").await;
    let (here, there) = (site.node(2).await, site.node(3).await);
    let pass = site.pass(&learner, lesson.id).await;
    let mut player = site.player_with(&here, &pass, None).await.unwrap();
    player.play_until_told().await;
    player.answer(true).await;
    player.beat(true).await.unwrap();
    player.play(2_000).await;
    let (resume, covered) = (player.resume(), player.beat(true).await.unwrap().credit.covered_ms);
    here.close_study(player.handle.clone());
    assert_eq!(here.flush_progress().await.unwrap(), 1);
    let pass = site.pass(&learner, lesson.id).await;
    let mut moved = site.player_with(&there, &pass, Some(resume)).await.unwrap();
    assert_eq!((moved.opened.replay.clone(), moved.opened.welcome.covered_ms), (Replay::None, covered));
    moved.n = 100;
    moved.beat(true).await.unwrap();
    moved.play(2_000).await;
    there.flush_progress().await.unwrap();
    // And back: the first node's memory is older, and gives way.
    let pass = site.pass(&learner, lesson.id).await;
    let back = site.player_with(&here, &pass, Some(moved.resume())).await.unwrap();
    assert_eq!(back.opened.welcome.covered_ms, covered + 2_000);
}

#[tokio::test]
async fn a_crash_loses_no_verdict_and_brings_nothing_back_that_was_taken() {
    let site = Site::open().await;
    let lesson = site.lesson("one", site.course("course", 5).await, Some(2)).await;
    let learner = site.learner("learner").await;
    let mut player = site.player(&learner, lesson.id).await;
    player.beat(true).await.unwrap();
    player.play(2_000).await;
    assert_eq!(site.engine.flush_progress().await.unwrap(), 1);
    assert_eq!(site.engine.flush_progress().await.unwrap(), 0, "nothing was earned since");
    player.play(2_000).await;
    let (resume, engine) = (player.resume(), std::sync::Arc::clone(&site.engine));
    let site = site.crash().await;
    drop(engine);
    let pass = site.pass(&learner, lesson.id).await;
    let mut player = site.player_with(&site.engine, &pass, Some(resume)).await.unwrap();
    assert_eq!(player.opened.welcome.covered_ms, 2_000, "the last beat is lost, no more");
    player.position_ms = 2_000;
    player.play_until_told().await;
    assert_eq!(site.engine.flush_progress().await.unwrap(), 0, "the question's commit kept it already");
    player.answer(false).await;
    let after = player.beat(false).await.unwrap().credit.covered_ms;
    let (resume, wait) = (player.resume(), player.handle.wake_at());
    let site = site.crash().await;
    let pass = site.pass(&learner, lesson.id).await;
    let player = site.player_with(&site.engine, &pass, Some(resume)).await.unwrap();
    assert_eq!((player.opened.welcome.covered_ms, player.opened.replay.clone()), (after, Replay::None));
    assert_eq!(player.handle.wake_at(), wait, "the cool-down is not slept off by a crash");
}

#[tokio::test]
async fn writes_follow_what_changed_and_not_how_many_beats_there_were() {
    let site = Site::open().await;
    let lesson = site.lesson("one", site.course("course", 5).await, Some(2)).await;
    let mut players = Vec::new();
    for name in ["plays", "stands", "plays-too"] {
        let learner = site.learner(name).await;
        players.push(site.player(&learner, lesson.id).await);
    }
    let begun = site.written();
    // A hundred beats of each within one beat interval: two earn, one stands still.
    for beat in 0..100 {
        site.clock.advance_ms(i64::from(beat > 0));
        for (number, player) in players.iter_mut().enumerate() {
            let plays = number != 1;
            player.position_ms += i64::from(plays && beat > 0);
            assert!(player.beat(plays).await.unwrap().told.is_empty());
        }
    }
    assert_eq!(site.written(), begun, "no beat writes by itself");
    assert_eq!(site.engine.flush_progress().await.unwrap(), 2, "one row of each that earned");
    let kept = site.written();
    assert!(kept > begun);
    for _ in 0..100 {
        site.clock.advance_ms(10_000);
        for player in &mut players {
            player.beat(false).await.unwrap();
        }
        assert_eq!(site.engine.flush_progress().await.unwrap(), 0, "who stands has nothing to keep");
    }
    assert_eq!(site.written(), kept);
}

#[tokio::test]
async fn many_that_open_at_once_leave_one_study() {
    let site = std::sync::Arc::new(Site::open().await);
    let lesson = site.lesson("one", site.course("course", 5).await, Some(2)).await;
    let learner = site.learner("learner").await;
    let mut work = tokio::task::JoinSet::new();
    for number in 0..20 {
        let (site, learner, lesson) = (std::sync::Arc::clone(&site), learner.clone(), lesson.id);
        work.spawn(async move {
            let node = site.node(2 + number % 3).await;
            let pass = site.pass(&learner, lesson).await;
            site.player_with(&node, &pass, None).await
        });
    }
    let mut players = Vec::new();
    while let Some(opened) = work.join_next().await {
        match opened.unwrap() {
            Ok(player) => players.push(player),
            // Many nodes at once, and each is overtaken again and again.
            Err(error) => assert!(matches!(error, StudyError::TakenOver | StudyError::Engine(EngineError::Overloaded))),
        }
    }
    let active = site.store.study(learner.id()).await.unwrap().unwrap();
    let mut live = 0;
    for player in &mut players {
        player.beat(true).await.ok();
        site.clock.advance_ms(1_000);
        player.position_ms += 1_000;
        player.beat(true).await.ok();
        player.engine.flush_progress().await.unwrap();
        live += usize::from(player.handle.epoch() == active.epoch);
    }
    assert_eq!(live, 1);
    let row = site.store.progress(learner.id(), lesson.id).await.unwrap().unwrap();
    assert!(row.covered.total() <= 1_000, "one of them earned");
    assert_eq!(site.engine.verify_logs().await.unwrap().faults, [] as [String; 0]);
}

#[tokio::test]
async fn tickets_are_good_once_for_a_short_time_and_one_session() {
    let site = Site::open().await;
    let lesson = site.lesson("one", site.course("course", 5).await, Some(2)).await;
    let learner = site.learner("learner").await;
    let purpose = exam_service::Purpose::Lesson(lesson.id);
    let mint = async || site.engine.mint_ticket(&learner, purpose).await.unwrap().0;
    let bad = |outcome: Result<exam_service::Pass, EngineError>| {
        assert!(matches!(outcome, Err(EngineError::Unauthenticated)), "{outcome:?}");
    };
    let ticket = mint().await;
    // Any node redeems it, one of them.
    let other = site.node(2).await;
    let pass = other.redeem_ticket(&ticket).await.unwrap();
    assert_eq!((pass.purpose, pass.person().id, pass.partner()), (purpose, learner.id(), None));
    bad(site.engine.redeem_ticket(&ticket).await);
    bad(site.engine.redeem_ticket("").await);
    bad(site.engine.redeem_ticket(&format!("{ticket}A")).await);
    let late = mint().await;
    site.clock.advance_ms(30_001);
    bad(site.engine.redeem_ticket(&late).await);
    let ended = mint().await;
    site.engine.sign_out(&learner).await.unwrap();
    bad(site.engine.redeem_ticket(&ended).await);
    assert!(site.engine.purge_tickets().await.unwrap() <= 1);
    // An author studies nothing.
    let author = site.engine.mint_ticket(&site.author, purpose).await;
    assert_eq!(author, Err(EngineError::Forbidden));
    let nothing = exam_service::Purpose::Lesson(exam_core::LessonId(uuid::Uuid::nil()));
    let learner = kit::sign_in(&site.engine, "learner").await;
    assert_eq!(site.engine.mint_ticket(&learner, nothing).await, Err(EngineError::NotFound));
}

/// Takes what it is given after so many failures; keeps what it was given.
struct Fussy {
    failures: usize,
    given: parking_lot::Mutex<Vec<exam_service::Delivery>>,
}

#[async_trait::async_trait]
impl exam_service::Courier for Fussy {
    async fn deliver(&self, delivery: exam_service::Delivery) -> Result<(), String> {
        let mut given = self.given.lock();
        given.push(delivery);
        if given.len() <= self.failures { Err("not now".into()) } else { Ok(()) }
    }
}

#[tokio::test]
async fn partners_are_told_once_taken_and_later_and_later_until_then() {
    let site = Site::open().await;
    let lesson = site.lesson("own", site.course("course", 5).await, Some(2)).await;
    let _ = site.learner("learner").await;
    let draft = exam_service::PartnerDraft {
        name: "partner".into(),
        webhook_url: Some("http://partner.example/hook".into()),
        lessons: None,
    };
    let made = site.engine.add_partner(None, draft).await.unwrap();
    let partner = site.engine.identify_partner(&made.key).await.unwrap();
    let (ticket, _) = site.engine.mint_partner_ticket(&partner, "learner", lesson.id).await.unwrap();
    let pass = site.engine.redeem_ticket(&ticket).await.unwrap();
    assert_eq!(pass.partner(), Some(made.partner.id));
    site.player_with(&site.engine, &pass, None).await.unwrap().complete().await;

    // Two nodes ask at once: one of them tells.
    let fussy = std::sync::Arc::new(Fussy { failures: 2, given: parking_lot::Mutex::default() });
    let courier = std::sync::Arc::clone(&fussy) as std::sync::Arc<dyn exam_service::Courier>;
    let other = site.node(2).await;
    let round = async || {
        let (one, two) = tokio::join!(site.engine.tell_due(&courier), other.tell_due(&courier));
        one.unwrap() + two.unwrap()
    };
    assert_eq!((round().await, fussy.given.lock().len()), (0, 1));
    assert_eq!((round().await, fussy.given.lock().len()), (0, 1), "not before its time");
    site.clock.advance_ms(1_201);
    assert_eq!((round().await, fussy.given.lock().len()), (0, 2));
    site.clock.advance_ms(1_999);
    assert_eq!((round().await, fussy.given.lock().len()), (0, 2), "later than the first time");
    site.clock.advance_ms(402);
    assert_eq!((round().await, fussy.given.lock().len()), (1, 3));
    site.clock.advance_ms(86_400_000);
    assert_eq!((round().await, fussy.given.lock().len()), (0, 3), "taken is taken");
    let given = fussy.given.lock();
    assert!(given.iter().all(|one| (one.id, &one.body) == (given[0].id, &given[0].body)));
    assert!(given[0].body.contains(&format!("\"id\":\"{}\"", given[0].id)));
}
