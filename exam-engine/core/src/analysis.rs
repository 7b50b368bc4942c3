//! What the log of a graded attempt holds for item analysis: what was said, what it earned, how long it took.

use crate::Timestamp;
use crate::attempt::{Grade, StepBody, StepRow, StepRowError};
use question_bank::analysis::{Analysis, MarkedItem};
use question_bank::marking::check_response;
use question_bank::paper::Paper;
use question_bank::{Pool, Response, Said};
use std::sync::Arc;

/// A graded attempt, without what its analysis has no use for.
#[derive(Clone, Debug)]
pub struct GradedPaper {
    paper: Arc<Paper>,
    grade: Grade,
    /// By slot: the response, and what it took to the first one.
    slots: Vec<(Option<Response>, Option<i64>)>,
}

impl GradedPaper {
    /// Reads an attempt's whole log; `None` where it was never graded. The last grade counts.
    ///
    /// # Errors
    /// A step does not read.
    pub fn read(log: &[StepRow]) -> Result<Option<Self>, StepRowError> {
        let (mut paper, mut grade, mut slots) = (None, None, Vec::new());
        let mut last_at = Timestamp::from_ms(0);
        for row in log {
            match row.read()?.body {
                StepBody::Started(started) => {
                    slots = vec![(None, None); started.paper.slot_count()];
                    paper = Some(started.paper);
                    last_at = row.at;
                }
                StepBody::Answered { slot, response, offline, .. } => {
                    if let Some(place) = (slot as usize).checked_sub(1).and_then(|index| slots.get_mut(index)) {
                        // What waited at the client came when the network did.
                        if place.1.is_none() && !offline {
                            place.1 = Some(row.at.since(last_at));
                        }
                        place.0 = response;
                    }
                    last_at = row.at;
                }
                // A pause is nobody's thinking.
                StepBody::Resumed { .. } => last_at = row.at,
                StepBody::Graded(next) | StepBody::Regraded { grade: next, .. } => grade = Some(next),
                _ => {}
            }
        }
        Ok(paper.zip(grade).map(|(paper, grade)| Self { paper, grade, slots }))
    }

    /// Adds it to an analysis over the pool its paper was drawn from.
    pub fn add_to(&self, analysis: &mut Analysis, pool: &Pool) {
        let said: Vec<Option<Said>> = self
            .paper
            .slots()
            .zip(&self.slots)
            .map(|(slot, (response, _))| check_response(pool, slot, response.as_ref()?).ok())
            .collect();
        let mut marked = Vec::with_capacity(said.len());
        let mut slots = self.paper.items().zip(&said).zip(&self.grade.marks).zip(&self.slots);
        for (section, rules) in (0..).zip(self.paper.sections.iter()) {
            for (((item, said), points), (_, taken_ms)) in slots.by_ref().take(rules.count as usize) {
                let (points, max, taken_ms) = (*points, rules.points, *taken_ms);
                marked.push(MarkedItem { item, section, points, max, said: said.as_ref(), taken_ms });
            }
        }
        analysis.add(&marked);
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::attempt::{NewStep, command::Actor};
    use crate::{AttemptId, PersonId};
    use uuid::Uuid;

    const SAMPLES: &str = include_str!("../samples/steps-v1.jsonl");

    fn log(bodies: &[(i64, StepBody)]) -> Vec<StepRow> {
        let (learner, attempt) = (PersonId(Uuid::from_u128(1)), AttemptId(Uuid::from_u128(2)));
        (1..)
            .zip(bodies)
            .map(|(seq, (ms, body))| {
                let new = NewStep { command: None, body: body.clone() };
                let actor = Actor::Person(learner);
                StepRow::seal(learner, attempt, seq, &[0; 32], Timestamp::from_ms(*ms), actor, 1, &new).unwrap()
            })
            .collect()
    }

    fn sample(kind: &str) -> StepBody {
        let line = SAMPLES.lines().find(|line| line.starts_with(&format!("{{\"t\":\"{kind}\""))).unwrap();
        serde_json::from_str(line).unwrap()
    }

    fn answer(response: Option<&str>, offline: bool) -> StepBody {
        let response = response.map(|text| Response::Text { text: text.to_owned() });
        StepBody::Answered { slot: 1, response, answered_at: None, offline }
    }

    #[test]
    fn the_last_word_counts_and_the_first_ones_time() {
        let resumed = StepBody::Resumed { reason: String::new(), deadline: Timestamp::from_ms(0) };
        let bodies = [
            (1_000, sample("started")),
            (5_000, StepBody::Paused { reason: String::new() }),
            (90_000, resumed),
            (97_000, answer(Some("甲"), false)),
            (99_000, answer(Some("乙"), false)),
            (100_000, sample("graded")),
        ];
        let read = GradedPaper::read(&log(&bodies)).unwrap().unwrap();
        assert_eq!(read.slots[0], (Some(Response::Text { text: "乙".to_owned() }), Some(7_000)));
        let cleared =
            [bodies[0].clone(), (9_000, answer(Some("甲"), true)), (9_500, answer(None, false)), bodies[5].clone()];
        let read = GradedPaper::read(&log(&cleared)).unwrap().unwrap();
        assert_eq!(read.slots[0].0, None, "a cleared answer is none");
        assert_eq!(read.slots[0].1, Some(500));
    }

    #[test]
    fn what_was_never_graded_is_left_out_and_a_regrade_counts() {
        assert!(GradedPaper::read(&log(&[(0, sample("started"))])).unwrap().is_none());
        assert!(GradedPaper::read(&[]).unwrap().is_none());
        let StepBody::Regraded { grade, .. } = sample("regraded") else { panic!() };
        let regraded = [(0, sample("started")), (1, sample("graded")), (2, sample("regraded"))];
        assert_eq!(GradedPaper::read(&log(&regraded)).unwrap().unwrap().grade, grade);
    }
}
