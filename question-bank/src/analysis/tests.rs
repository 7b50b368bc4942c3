use super::scores::Group::{Lower, Middle, Upper};
use super::*;
use crate::pool::samples::{multiple, pool, single};
use proptest::prelude::*;

fn slot(item: u32, right: bool, said: Option<&Said>) -> MarkedItem<'_> {
    let max = Points::whole(5);
    let points = if right { max } else { Points::ZERO };
    MarkedItem { item: ItemIndex(item), section: 0, points, max, said, taken_ms: None }
}

/// Papers of the same items; `true` is right.
fn analyse(papers: &[Vec<bool>]) -> AnalysisReport {
    let items = papers.first().map_or(0, Vec::len);
    let pool = pool((0..items).map(|number| single(&format!("i{number:03}"), "t", 3)).collect());
    let mut scores = Scores::default();
    for paper in papers {
        scores.add(Points::whole(5).times(paper.iter().filter(|right| **right).count() as u32));
    }
    let (right, wrong) = (Said::Choices(0b10), Said::Choices(0b1));
    let mut analysis = Analysis::new(scores.groups());
    for paper in papers {
        let slots: Vec<_> = (0..)
            .zip(paper)
            .map(|(item, is_right)| slot(item, *is_right, Some(if *is_right { &right } else { &wrong })))
            .collect();
        analysis.add(&slots);
    }
    analysis.report(&pool)
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn covariance(one: &[f64], other: &[f64]) -> f64 {
    let (a, b) = (mean(one), mean(other));
    one.iter().zip(other).map(|(x, y)| (x - a) * (y - b)).sum::<f64>() / (one.len() - 1) as f64
}

fn close(one: Option<f64>, other: f64) -> bool {
    one.is_some_and(|one| (one - other).abs() < 1e-9)
}

proptest! {
    /// The running sums against the textbook's formulas over the whole table.
    #[test]
    fn figures_are_those_of_the_textbook(
        papers in (2_usize..7).prop_flat_map(|items| prop::collection::vec(prop::collection::vec(any::<bool>(), items), 30..60))
    ) {
        let report = analyse(&papers);
        let items = papers[0].len();
        let value = |paper: &Vec<bool>, item: usize| f64::from(u8::from(paper[item]));
        let totals: Vec<f64> = papers.iter().map(|paper| (0..items).map(|item| value(paper, item)).sum()).collect();
        let mut variances = 0.0;
        for item in 0..items {
            let own: Vec<f64> = papers.iter().map(|paper| value(paper, item)).collect();
            let rest: Vec<f64> = totals.iter().zip(&own).map(|(total, own)| total - own).collect();
            let figures = &report.items[item];
            prop_assert!(close(figures.facility, mean(&own)));
            variances += covariance(&own, &own);
            let spreads = (covariance(&own, &own) * covariance(&rest, &rest)).sqrt();
            match figures.discrimination {
                Some(_) => prop_assert!(close(figures.discrimination, covariance(&own, &rest) / spreads)),
                None => prop_assert!(spreads < 1e-9),
            }
            // The key's option is chosen by those who are right: the same correlation by the other formula.
            if let Some(value) = figures.discrimination {
                prop_assert!(close(figures.options[1].discrimination, value));
            }
            prop_assert_eq!(figures.options.iter().map(|option| option.chosen).sum::<u32>(), papers.len() as u32);
        }
        let spread = covariance(&totals, &totals);
        let k = items as f64;
        match report.reliability.alpha {
            Ok(alpha) => prop_assert!(close(Some(alpha), k / (k - 1.0) * (1.0 - variances / spread))),
            Err(reason) => prop_assert!(reason == NoAlpha::NoSpread && spread < 1e-9),
        }
        prop_assert!(close(report.scores.mean(), mean(&totals) * 5.0));
    }
}

#[test]
fn few_papers_say_nothing() {
    let report = analyse(&vec![vec![true, false]; 29]);
    assert_eq!(report.items[0].shown, 29);
    assert_eq!(report.items[0].facility, None);
    assert_eq!(report.items[0].flags, []);
    assert_eq!(report.reliability.alpha, Err(NoAlpha::FewPapers));
    assert_eq!(report.reliability.dependability, None);
}

#[test]
fn papers_of_different_items_have_no_alpha_but_dependability() {
    let pool = pool((0..4).map(|number| single(&format!("i{number}"), "t", 3)).collect());
    let mut analysis = Analysis::new(Scores::default().groups());
    for number in 0..40_u32 {
        let right = number % 4;
        analysis.add(&[slot(number % 2, right > 0, None), slot(2 + number % 2, right > 1, None)]);
    }
    let report = analysis.report(&pool);
    assert_eq!(report.reliability.alpha, Err(NoAlpha::PapersDiffer));
    // Scores 0, 5, 10, 10: mean 6.25, variance 17.1875 · 40 / 39; within a paper 12.5 · 2 where one of two is right.
    let expected = 1.0 - 0.25 * 25.0 / (17.1875 * 40.0 / 39.0);
    assert!(close(report.reliability.dependability, expected), "{:?}", report.reliability);
}

#[test]
fn a_lone_slot_leaves_no_dependability() {
    let pool = pool(vec![single("a", "t", 3), single("b", "t", 3)]);
    let mut analysis = Analysis::new(Scores::default().groups());
    for number in 0..40_u32 {
        let other = MarkedItem { section: 1, ..slot(1, number % 3 == 0, None) };
        analysis.add(&[slot(0, number % 2 == 0, None), other]);
    }
    let report = analysis.report(&pool).reliability;
    assert!(report.dependability.is_none() && report.alpha.is_ok());
}

#[test]
fn ties_belong_to_their_group_and_one_score_makes_none() {
    let mut scores = Scores::default();
    for score in [1, 1, 1, 2, 3, 4, 5, 6, 7, 7] {
        scores.add(Points::whole(score));
    }
    let groups = scores.groups();
    let of = |score| groups.of(Points::whole(score));
    assert_eq!([1, 2, 3, 5, 6, 7].map(of), [Lower, Middle, Middle, Middle, Upper, Upper]);
    assert_eq!(scores.spread(), Some((Points::whole(1), Points::whole(3), Points::whole(7))));
    let mut same = Scores::default();
    (0..50).for_each(|_| same.add(Points::whole(3)));
    assert_eq!(same.groups().of(Points::whole(3)), Middle);
}

/// What a flag is raised for, one item at a time: who of 100 people answers what. People are ordered by the rest of
/// their papers, the best last.
#[test]
fn flags_name_what_is_worth_a_look() {
    let flagged = |correct: u32, choose: &dyn Fn(u32) -> Option<u32>| {
        let pool = pool(vec![single("a", "t", 3), multiple("b", "t", 3), single("c", "t", 3)]);
        let said: Vec<Option<Said>> = (0..100).map(|person| choose(person).map(Said::Choices)).collect();
        let paper = |person: u32| {
            let answer = said[person as usize].as_ref();
            let rest =
                MarkedItem { points: Points::whole(i64::from(person)), max: Points::whole(100), ..slot(1, true, None) };
            [slot(0, answer == Some(&Said::Choices(correct)), answer), rest]
        };
        let mut scores = Scores::default();
        (0..100).for_each(|person| scores.add(paper(person).iter().map(|slot| slot.points).sum()));
        let mut analysis = Analysis::new(scores.groups());
        (0..100).for_each(|person| analysis.add(&paper(person)));
        analysis.report(&pool).items[0].flags.clone()
    };
    // The key of `single` is option 1.
    let (key, wrong) = (0b10, |option: u32| Some(1 << option));
    let spread = |person: u32| if person > 45 { Some(key) } else { wrong([0, 2, 3][person as usize % 3]) };
    assert_eq!(flagged(key, &spread), []);
    assert_eq!(flagged(key, &|_| Some(key)), [ItemFlag::TooEasy]);
    let unused = |person: u32| if person > 45 { Some(key) } else { wrong([0, 2][person as usize % 2]) };
    assert_eq!(flagged(key, &unused), [ItemFlag::DeadDistractor(3)]);
    let reversed = |person: u32| if person < 50 { Some(key) } else { wrong([0, 2, 3][person as usize % 3]) };
    let found = flagged(key, &reversed);
    assert!(found.contains(&ItemFlag::NegativeDiscrimination) && found.contains(&ItemFlag::KeyInDoubt(0)), "{found:?}");
    assert!(found.contains(&ItemFlag::DistractorAttracts(2)), "{found:?}");
    let silent = |person: u32| if person.is_multiple_of(5) { None } else { spread(person) };
    assert_eq!(flagged(key, &silent), [ItemFlag::OftenOmitted]);
    // A little better than chance has it: the key's share of the upper half is no less.
    let alike = |person: u32| [wrong(0), wrong(2), wrong(3), Some(key)][person as usize % 4];
    assert_eq!(flagged(key, &alike), [ItemFlag::LowDiscrimination, ItemFlag::TooHard]);
}
