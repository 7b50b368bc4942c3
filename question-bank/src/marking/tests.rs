//! Every rule as a table, and what holds for all of them.

#![expect(clippy::unwrap_used, reason = "tests")]

use super::{GradingKey, MarkedSlot, ResponseFault, Said, check_response, grade_paper, mark, released_key};
use crate::pool::samples::{self, texts};
use crate::{
    Avoid, DrawPlan, Fraction, Interaction, Key, NumericAnswer, OptionId, Paper, Points, Pool, Response, ScoringRule,
    Seed, TargetId, TextAnswer,
};
use proptest::prelude::*;
use serde_json::{Value, json};

const RULES: [ScoringRule; 6] = [
    ScoringRule::AllOrNothing,
    ScoringRule::PartialNoWrong,
    ScoringRule::HalfNoWrong,
    ScoringRule::NetCorrect,
    ScoringRule::Weighted,
    ScoringRule::EachOption,
];

fn choice(multiple: bool, options: usize, correct: &[u8], percents: Option<&[f64]>) -> GradingKey {
    let options = texts(&vec!["甲"; options]);
    let weights = percents.map(|percents| percents.iter().map(|&percent| Fraction::from_percent(percent)).collect());
    let key = Key::Choice { correct: correct.into(), weights };
    GradingKey::from_key(&key, &Interaction::Choice { multiple, fixed_order: false, options })
}

fn ordering() -> GradingKey {
    let interaction = Interaction::Ordering { entries: texts(&["一", "二", "三", "四"]) };
    GradingKey::from_key(&Key::Ordering { order: vec![2, 0, 1, 3] }, &interaction)
}

fn matching() -> GradingKey {
    let interaction =
        Interaction::Matching { left: texts(&["一", "二", "三"]), right: texts(&["1", "2", "3", "4"]) };
    GradingKey::from_key(&Key::Matching { targets: vec![3, 0, 0] }, &interaction)
}

/// Hundredths of 10 points, by rule in the order of [`RULES`].
fn earned(key: &GradingKey, said: Option<&Said>) -> [i64; 6] {
    RULES.map(|rule| mark(key, said, rule, Points::whole(10)).points.hundredths())
}

#[test]
fn multiple_choice() {
    // Of five options 0, 1 and 2 are right.
    let key = choice(true, 5, &[0, 1, 2], None);
    for (chosen, expected) in [
        (0b00111, [1000, 1000, 1000, 1000, 1000, 1000]),
        (0b00011, [0, 667, 500, 667, 667, 800]),
        (0b00001, [0, 333, 500, 333, 333, 600]),
        (0b00000, [0, 0, 0, 0, 0, 400]),
        (0b01111, [0, 0, 0, 667, 667, 800]),
        (0b01011, [0, 0, 0, 333, 333, 600]),
        (0b01001, [0, 0, 0, 0, 0, 400]),
        (0b11000, [0, 0, 0, 0, 0, 0]),
        (0b11111, [0, 0, 0, 333, 333, 600]),
    ] {
        assert_eq!(earned(&key, Some(&Said::Choices(chosen))), expected, "{chosen:05b}");
    }
    assert_eq!(earned(&key, None), [0, 0, 0, 0, 0, 400], "blank is nothing marked for each_option");
}

#[test]
fn weighted_multiple_choice() {
    let key = choice(true, 4, &[0, 1], Some(&[66.66667, 33.33333, -50.0, -100.0]));
    for (chosen, expected) in
        [(0b0011, 1000), (0b0001, 667), (0b0010, 333), (0b0111, 500), (0b0110, 0), (0b1011, 0), (0, 0)]
    {
        assert_eq!(earned(&key, Some(&Said::Choices(chosen)))[4], expected, "{chosen:04b}");
    }
    let thirds = choice(true, 4, &[0, 1, 2], Some(&[33.33333, 33.33333, 33.33333, 0.0]));
    assert_eq!(earned(&thirds, Some(&Said::Choices(0b111)))[4], 1000);
    let more_than_all = choice(true, 3, &[0, 1], Some(&[80.0, 80.0, 0.0]));
    assert_eq!(earned(&more_than_all, Some(&Said::Choices(0b011)))[4], 1000);
}

#[test]
fn single_choice_and_true_false() {
    let key = choice(false, 4, &[2], Some(&[0.0, 50.0, 100.0, -50.0]));
    for (chosen, expected) in [(0b0100, [1000; 6]), (0b0010, [0, 0, 0, 0, 500, 0]), (0b0001, [0; 6]), (0b1000, [0; 6])]
    {
        assert_eq!(earned(&key, Some(&Said::Choices(chosen))), expected, "{chosen:04b}");
    }
    assert_eq!(earned(&key, None), [0; 6]);
    let key = GradingKey::from_key(&Key::TrueFalse { correct: false }, &Interaction::TrueFalse);
    assert_eq!(earned(&key, Some(&Said::Choices(0b10))), [1000; 6]);
    assert_eq!(earned(&key, Some(&Said::Choices(0b01))), [0; 6]);
}

#[test]
fn orderings() {
    let key = ordering();
    for (order, expected) in [
        ([2, 0, 1, 3], [1000; 6]),
        ([2, 0, 3, 1], [0, 0, 0, 0, 500, 500]),
        ([2, 1, 0, 3], [0, 0, 0, 0, 500, 500]),
        ([2, 3, 0, 1], [0, 0, 0, 0, 250, 250]),
        ([0, 2, 3, 1], [0; 6]),
    ] {
        assert_eq!(earned(&key, Some(&Said::Order(order.into()))), expected, "{order:?}");
    }
    assert_eq!(earned(&key, Some(&Said::Order([2, 0].into()))), [0; 6]);
}

#[test]
fn matchings() {
    let key = matching();
    for (pairs, expected) in [
        ([Some(3), Some(0), Some(0)], [1000; 6]),
        ([Some(3), Some(0), None], [0, 667, 500, 667, 667, 667]),
        ([Some(3), Some(0), Some(1)], [0, 0, 0, 333, 667, 667]),
        ([Some(3), Some(1), Some(1)], [0, 0, 0, 0, 333, 333]),
        ([None, None, None], [0; 6]),
    ] {
        assert_eq!(earned(&key, Some(&Said::Pairs(pairs.into()))), expected, "{pairs:?}");
    }
}

#[test]
fn numbers_and_texts() {
    let near = NumericAnswer { value: 3.0, tolerance: 1.0, fraction: Fraction::from_percent(25.0) };
    let exact = NumericAnswer { value: 3.0, tolerance: 0.0, fraction: Fraction::FULL };
    let key = GradingKey::from_key(&Key::Numeric { accepted: vec![near, exact] }, &Interaction::Numeric);
    assert_eq!(earned(&key, Some(&Said::Number(3.0))), [1000; 6]);
    assert_eq!(earned(&key, Some(&Said::Number(2.0))), [0, 250, 250, 250, 250, 250]);
    assert_eq!(earned(&key, Some(&Said::Number(9.0))), [0; 6]);
    let accepted = [("依法治国", 100.0), ("法*", 50.0), ("法盲", -100.0)]
        .map(|(text, percent)| TextAnswer { text: text.into(), fraction: Fraction::from_percent(percent) });
    let key = Key::ShortText { accepted: accepted.into(), case_sensitive: false, wildcards: true };
    let key = GradingKey::from_key(&key, &Interaction::ShortText);
    for (text, expected) in
        [("依法治国 ", [1000; 6]), ("法治", [0, 500, 500, 500, 500, 500]), ("无", [0; 6]), ("", [0; 6])]
    {
        assert_eq!(earned(&key, Some(&Said::Text(text.into()))), expected, "{text}");
    }
}

#[test]
fn what_does_not_fit_earns_nothing() {
    let key = ordering();
    for said in [Said::Choices(1), Said::Number(1.0), Said::Text("x".into()), Said::Pairs([None].into())] {
        assert_eq!(earned(&key, Some(&said)), [0; 6]);
    }
    let none = mark(&key, None, ScoringRule::AllOrNothing, Points::from_hundredths(-5));
    assert_eq!((none.points, none.correct), (Points::ZERO, false));
}

fn paper() -> (Pool, Paper) {
    let pool = samples::pool(samples::one_of_each());
    let value = json!({"sections": [
        {"title": "", "count": 3, "points": 2, "scoring": "partial_no_wrong", "quotas": []},
        {"title": "", "count": 4, "points": 3, "quotas": []}]});
    let plan = DrawPlan::compile(&pool, &serde_json::from_value(value).unwrap()).unwrap();
    let paper = plan.draw(&pool, &Seed::from_bytes([8; 32]), &Avoid::default()).unwrap().paper;
    (pool, paper)
}

/// The released key, sent as a response, is wholly right.
#[test]
fn released_keys_are_right_answers() {
    let (pool, paper) = paper();
    let answers: Vec<Option<Said>> = paper
        .slots()
        .map(|slot| {
            let released = released_key(&pool.item(slot.item).unwrap().solution.key, slot).unwrap();
            let sent: Response = serde_json::from_value(serde_json::to_value(&released).unwrap()).unwrap();
            Some(check_response(&pool, slot, &sent).unwrap())
        })
        .collect();
    let marked = grade_paper(&paper, &pool, &answers);
    assert!(marked.iter().all(|slot| slot.correct && slot.points == slot.max));
    assert_eq!(marked.iter().map(|slot| slot.points).sum::<Points>(), paper.points_total());
    let blank = grade_paper(&paper, &pool, &[]);
    assert_eq!(blank.len(), 7);
    assert!(blank.iter().all(|slot| !slot.correct && slot.points == Points::ZERO));
    assert_eq!(blank[6], MarkedSlot { points: Points::ZERO, max: Points::whole(3), correct: false });
}

#[test]
fn responses_are_checked_against_their_slot() {
    let (pool, paper) = paper();
    let slot = |kind: &str| paper.slots().find(|slot| pool.kind(slot.item).unwrap().name() == kind).unwrap();
    let check =
        |kind: &str, response: Value| check_response(&pool, slot(kind), &serde_json::from_value(response).unwrap());
    let o = OptionId;
    for (kind, response, fault) in [
        ("single_choice", json!({"choices": []}), ResponseFault::NotExactlyOne),
        ("single_choice", json!({"choices": ["o1", "o2"]}), ResponseFault::NotExactlyOne),
        ("single_choice", json!({"choices": ["o5"]}), ResponseFault::UnknownOption(o(4))),
        ("true_false", json!({"choices": ["o3"]}), ResponseFault::UnknownOption(o(2))),
        ("multiple_choice", json!({"choices": ["o1", "o2", "o1"]}), ResponseFault::Repeated(o(0))),
        ("ordering", json!({"order": ["o1", "o2"]}), ResponseFault::Incomplete { count: 3 }),
        ("ordering", json!({"order": ["o1", "o2", "o2"]}), ResponseFault::Repeated(o(1))),
        ("ordering", json!({"order": ["o1", "o2", "o3", "o4"]}), ResponseFault::UnknownOption(o(3))),
        ("matching", json!({"pairs": [["o1", "t1"], ["o1", "t2"]]}), ResponseFault::Repeated(o(0))),
        ("matching", json!({"pairs": [["o1", "t4"]]}), ResponseFault::UnknownTarget(TargetId(3))),
        ("matching", json!({"pairs": [["o3", "t1"]]}), ResponseFault::UnknownOption(o(2))),
        ("short_text", json!({"text": "字".repeat(2001)}), ResponseFault::TooLong),
    ] {
        assert_eq!(check(kind, response), Err(fault), "{kind}");
    }
    let infinite = check_response(&pool, slot("numeric"), &Response::Number { number: f64::INFINITY });
    assert_eq!(infinite, Err(ResponseFault::NotFinite));
    let wrong = check("numeric", json!({"text": "3"})).unwrap_err();
    assert_eq!(wrong.to_string(), "numeric 题应以 number 作答 / a numeric question is answered with number");
    assert_eq!(check("multiple_choice", json!({"choices": []})), Ok(Said::Choices(0)));
    assert_eq!(check("matching", json!({"pairs": []})), Ok(Said::Pairs([None, None].into())));
    assert!(check("short_text", json!({"text": "字".repeat(2000)})).is_ok());
}

#[test]
fn shown_ids_become_the_authors() {
    let (pool, paper) = paper();
    for slot in paper.slots() {
        for (shown, &author) in (0..).zip(slot.order) {
            let response = Response::Choices { choices: vec![OptionId(shown)] };
            if let Ok(said) = check_response(&pool, slot, &response) {
                assert_eq!(said, Said::Choices(1 << author));
            }
        }
    }
}

prop_compose! {
    fn keys()(options in 2_u32..=26)(
        options in Just(options),
        correct in 1_u32..(1 << options),
        chosen in 0_u32..(1 << options),
        hundredths in 1_i64..=100_000_000,
    ) -> (GradingKey, u32, u32, u32, Points) {
        let indexes: Vec<u8> = (0..options as u8).filter(|index| correct >> index & 1 == 1).collect();
        (choice(true, options as usize, &indexes, None), options, correct, chosen, Points::from_hundredths(hundredths))
    }
}

proptest! {
    #[test]
    fn marks_stay_within_bounds((key, _, correct, chosen, points) in keys()) {
        for rule in RULES {
            let marked = mark(&key, Some(&Said::Choices(chosen)), rule, points);
            prop_assert!(marked.points >= Points::ZERO && marked.points <= points);
            prop_assert_eq!(marked.correct, chosen == correct);
            prop_assert_eq!(marked.points == points, chosen == correct || (points.hundredths() < 50 && marked.points == points));
        }
    }

    #[test]
    fn all_right_earns_all_and_a_wrong_choice_never_helps((key, options, correct, chosen, points) in keys(), extra in 0_u32..26) {
        let earned = |chosen, rule| mark(&key, Some(&Said::Choices(chosen)), rule, points).points;
        for rule in RULES {
            prop_assert_eq!(earned(correct, rule), points);
            let wrong = 1 << (extra % options);
            if correct & wrong == 0 {
                prop_assert!(earned(chosen | wrong, rule) <= earned(chosen & !wrong, rule));
            } else {
                prop_assert!(earned(chosen | wrong, rule) >= earned(chosen & !wrong, rule));
            }
        }
    }

    #[test]
    fn rules_are_ordered_by_kindness((key, _, correct, chosen, points) in keys()) {
        let earned = |rule| mark(&key, Some(&Said::Choices(chosen)), rule, points).points;
        prop_assert!(earned(ScoringRule::AllOrNothing) <= earned(ScoringRule::PartialNoWrong));
        prop_assert!(earned(ScoringRule::AllOrNothing) <= earned(ScoringRule::HalfNoWrong));
        prop_assert!(earned(ScoringRule::PartialNoWrong) <= earned(ScoringRule::NetCorrect));
        if chosen & !correct == 0 {
            // Without a wrong choice taking wrong ones off changes nothing.
            prop_assert_eq!(earned(ScoringRule::PartialNoWrong), earned(ScoringRule::NetCorrect));
        }
    }

    #[test]
    fn weights_stay_within_bounds(percents in prop::collection::vec(-100.0..=100.0_f64, 4), chosen in 0_u32..16) {
        let key = choice(true, 4, &[0], Some(&percents));
        let marked = mark(&key, Some(&Said::Choices(chosen)), ScoringRule::Weighted, Points::whole(7));
        prop_assert!(marked.points >= Points::ZERO && marked.points <= Points::whole(7));
    }

    #[test]
    fn any_text_can_be_marked(text in ".{0,60}", pattern in ".{0,20}") {
        let accepted = vec![TextAnswer { text: pattern.clone(), fraction: Fraction::FULL }];
        let key = Key::ShortText { accepted, case_sensitive: false, wildcards: true };
        let key = GradingKey::from_key(&key, &Interaction::ShortText);
        let _ = mark(&key, Some(&Said::Text(text.into())), ScoringRule::AllOrNothing, Points::whole(1));
        if !pattern.contains(['*', '\\']) && !pattern.trim().is_empty() {
            let same = mark(&key, Some(&Said::Text(pattern.into())), ScoringRule::AllOrNothing, Points::whole(1));
            prop_assert!(same.correct);
        }
    }
}
