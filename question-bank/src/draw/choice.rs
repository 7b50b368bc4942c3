//! Practice of one's own choice: a paper of the items that a learner asked for, among those that the blueprint
//! may draw.

use super::plan::{Demand, DrawPlan, Eligible};
use crate::paper::PaperSection;
use crate::pool::Filter;
use crate::{ItemIndex, Points, Pool, ScoringRule, TopicPath};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What was asked for, worked out; with seed and bank it gives the paper again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    /// The title of the paper's one section.
    pub title: String,
    /// Which items.
    pub among: Among,
    /// But none of these, ascending.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub without: Vec<ItemIndex>,
    /// How many at most; fewer if there are fewer.
    pub count: u32,
}

/// Which items a paper is drawn from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Among {
    /// Those within any of these topics; none named: all.
    Topics(Vec<TopicPath>),
    /// These, ascending.
    Items(Vec<ItemIndex>),
}

impl Among {
    fn holds(&self, item: ItemIndex, pool: &Pool) -> bool {
        match self {
            Self::Items(items) => items.binary_search(&item).is_ok(),
            Self::Topics(topics) if topics.is_empty() => true,
            Self::Topics(topics) => {
                pool.item(item).is_some_and(|item| topics.iter().any(|topic| item.topic.is_within(topic)))
            }
        }
    }
}

impl DrawPlan {
    /// The items the blueprint may draw, ascending.
    #[must_use]
    pub fn eligible(&self) -> Vec<ItemIndex> {
        let mut items: Vec<ItemIndex> = self.lists.iter().flatten().map(|entry| entry.item()).collect();
        items.sort_unstable();
        items.dedup();
        items
    }

    /// How many of them there are in each topic, by topic.
    #[must_use]
    pub fn topics(&self, pool: &Pool) -> Vec<(TopicPath, u32)> {
        let mut topics: BTreeMap<&TopicPath, u32> = BTreeMap::new();
        for item in self.eligible().into_iter().filter_map(|item| pool.item(item)) {
            *topics.entry(&item.topic).or_default() += 1;
        }
        topics.into_iter().map(|(topic, count)| (topic.clone(), count)).collect()
    }

    /// The plan of a choice: one section without quotas, a point a slot, enemies beside each other if it so
    /// happens. `None` when nothing is left to draw from.
    #[must_use]
    pub fn of_choice(&self, pool: &Pool, choice: &Choice) -> Option<Self> {
        let wanted = |item: &ItemIndex| choice.without.binary_search(item).is_err() && choice.among.holds(*item, pool);
        let list: Box<[Eligible]> = self.eligible().into_iter().filter(wanted).map(Eligible::plain).collect();
        // A list is no longer than the bank, whose positions are 32 bits.
        let count = choice.count.min(list.len() as u32);
        if count == 0 {
            return None;
        }
        let section = PaperSection {
            title: choice.title.clone(),
            points: Points::whole(1),
            scoring: ScoringRule::default(),
            first_slot: 0,
            count,
        };
        let demand = Demand { section: 0, quota: None, filter: Filter::default(), list: 0, start: 0, count };
        Some(Self {
            version: self.version.clone(),
            sections: [section].into(),
            demands: vec![demand],
            fill_order: vec![0],
            lists: vec![list],
            slots: count,
            repeats_max: u32::MAX,
            shuffle_options: self.shuffle_options,
            exposure_max: None,
        })
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::draw::{Avoid, Seed};
    use crate::pool::samples;
    use std::collections::BTreeSet;

    /// Four items of two topics for the blueprint, and a topic that it never draws from.
    fn plan() -> (Pool, DrawPlan) {
        let items =
            [("a", "公需/法律"), ("b", "公需/法律/宪法"), ("c", "公需/职业"), ("d", "公需/职业"), ("e", "内部")];
        let pool = samples::pool(items.iter().map(|(code, topic)| samples::single(code, topic, 3)).collect());
        let blueprint = serde_json::from_value(serde_json::json!({
            "sections": [{"title": "全部", "count": 2, "points": 5, "quotas": [{"topic": "公需", "count": 2}]}],
            "exposure_max": 0.5,
        }));
        let plan = DrawPlan::compile(&pool, &blueprint.unwrap()).unwrap();
        (pool, plan)
    }

    fn choice(among: Among, count: u32) -> Choice {
        Choice { title: "专项练习".to_owned(), among, without: Vec::new(), count }
    }

    fn drawn(among: Among, without: &[&str], count: u32) -> Option<BTreeSet<String>> {
        let (pool, plan) = plan();
        let find = |code: &&str| pool.snapshot().find(code).unwrap();
        let choice = Choice { without: without.iter().map(find).collect(), ..choice(among, count) };
        let plan = plan.of_choice(&pool, &choice)?;
        let draw = |seed| plan.draw(&pool, &Seed::from_bytes([seed; 32]), &Avoid::default()).unwrap();
        assert_eq!(draw(3), draw(3), "the same seed gives the same paper");
        let paper = draw(3).paper;
        assert_eq!((paper.sections[0].title.as_str(), paper.sections[0].points), ("专项练习", Points::whole(1)));
        let codes: BTreeSet<String> = paper.items().map(|item| pool.item(item).unwrap().code.clone()).collect();
        assert_eq!(codes.len(), paper.slot_count(), "none twice");
        Some(codes)
    }

    fn codes(codes: &[&str]) -> Option<BTreeSet<String>> {
        Some(codes.iter().map(|code| (*code).to_owned()).collect())
    }

    #[test]
    fn a_choice_draws_from_its_topics_and_from_nothing_the_blueprint_does_not() {
        let topics = |names: &[&str]| Among::Topics(names.iter().map(|name| TopicPath::parse(name)).collect());
        assert_eq!(drawn(topics(&["公需/法律"]), &[], 9), codes(&["a", "b"]));
        assert_eq!(drawn(topics(&["公需/法律/宪法", "公需/职业"]), &[], 9), codes(&["b", "c", "d"]));
        assert_eq!(drawn(topics(&[]), &[], 9), codes(&["a", "b", "c", "d"]));
        assert_eq!(drawn(topics(&[]), &["c"], 9), codes(&["a", "b", "d"]));
        assert_eq!(drawn(topics(&[]), &[], 3).map(|codes| codes.len()), Some(3));
        assert_eq!(drawn(topics(&["内部"]), &[], 9), None);
        assert_eq!(drawn(topics(&["公需/法律"]), &["a", "b"], 9), None);
    }

    #[test]
    fn a_choice_of_items_is_these_items() {
        let (pool, _) = plan();
        let find = |code| pool.snapshot().find(code).unwrap();
        assert_eq!(drawn(Among::Items(vec![find("b"), find("d"), find("e")]), &[], 9), codes(&["b", "d"]));
        assert_eq!(drawn(Among::Items(Vec::new()), &[], 9), None);
    }

    #[test]
    fn topics_are_counted_as_far_as_the_blueprint_goes() {
        let (pool, plan) = plan();
        let counted: Vec<(String, u32)> =
            plan.topics(&pool).into_iter().map(|(topic, count)| (topic.as_str().to_owned(), count)).collect();
        let expected = [("公需/法律", 1), ("公需/法律/宪法", 1), ("公需/职业", 2)];
        assert_eq!(counted, expected.map(|(topic, count)| (topic.to_owned(), count)));
    }

    #[test]
    fn choices_are_written_and_read() {
        let by_topic = choice(Among::Topics(vec![TopicPath::parse("a/b")]), 5);
        let json = r#"{"title":"专项练习","among":{"topics":["a/b"]},"count":5}"#;
        assert_eq!(serde_json::to_string(&by_topic).unwrap(), json);
        let without = Choice { without: vec![ItemIndex(3)], ..choice(Among::Items(vec![ItemIndex(1)]), 5) };
        let json = r#"{"title":"专项练习","among":{"items":[1]},"without":[3],"count":5}"#;
        assert_eq!(serde_json::to_string(&without).unwrap(), json);
        assert_eq!(serde_json::from_str::<Choice>(json).unwrap(), without);
    }
}
