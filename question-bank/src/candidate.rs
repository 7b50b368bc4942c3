//! What a learner sees of a paper before release: spliced from fragments that [`Pool::new`] made
//! from the prompts. Keys, fractions, codes, explanations and topics are not in those fragments.

use crate::pool::ENTRY_DIGIT;
use crate::{Paper, PaperSection, Pool, Slot};

/// So many items are fetched into the processor's cache at a time, and then copied. Items lie far apart in memory:
/// fetched together their misses overlap, where copying would wait for one after the other; more would push each
/// other out again.
const ITEMS_FETCHED: u32 = 16;

/// Writes the `sections` of the protocol's attempt, a JSON array:
/// `[{"title","slots":[{"slot","points","kind","stem","options"?,"targets"?}]}]`, slots numbered
/// from one, options `{"id":"o1","text"}` in the order shown, targets `{"id":"t1","text"}`.
///
/// # Errors
/// The paper was drawn from another pool; `out` is then left as it was.
pub fn write_sections(out: &mut Vec<u8>, paper: &Paper, pool: &Pool) -> Result<(), OtherPool> {
    let before = out.len();
    let written = check_pool(paper, pool).and_then(|()| write_all(out, paper, pool).ok_or(OtherPool));
    if written.is_err() {
        out.truncate(before);
    }
    written
}

/// Writes `"kind":…,"stem":…` and, where the kind has them, `"options":[…]` and `"targets":[…]` of
/// one slot: the members of a JSON object without its braces.
///
/// # Errors
/// The slot was drawn from another pool; `out` is then left as it was.
pub fn write_question(out: &mut Vec<u8>, slot: Slot<'_>, pool: &Pool) -> Result<(), OtherPool> {
    let before = out.len();
    let written = write_prompt(out, slot, pool).ok_or(OtherPool);
    if written.is_err() {
        out.truncate(before);
    }
    written
}

/// The paper names another bank version than the pool's, or does not fit it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the paper was drawn from another version of the bank")]
pub struct OtherPool;

fn check_pool(paper: &Paper, pool: &Pool) -> Result<(), OtherPool> {
    if paper.bank_version == *pool.version() { Ok(()) } else { Err(OtherPool) }
}

fn write_all(out: &mut Vec<u8>, paper: &Paper, pool: &Pool) -> Option<()> {
    out.reserve(bytes_estimate(paper, pool));
    let mut slots = paper.slots();
    let mut items = paper.items();
    let mut number = 0_u32;
    out.push(b'[');
    for (position, section) in paper.sections.iter().enumerate() {
        if position > 0 {
            out.push(b',');
        }
        let points = open_section(out, section);
        for in_section in 0..section.count {
            if number.is_multiple_of(ITEMS_FETCHED) {
                pool.text().fetch(items.by_ref().take(ITEMS_FETCHED as usize));
            }
            number += 1;
            let slot = slots.next()?;
            if in_section > 0 {
                out.push(b',');
            }
            out.extend_from_slice(b"{\"slot\":");
            push_number(out, number);
            out.extend_from_slice(&points);
            write_prompt(out, slot, pool)?;
            out.push(b'}');
        }
        out.extend_from_slice(b"]}");
    }
    out.push(b']');
    // Slots outside every section would be a paper that was tampered with.
    slots.next().is_none().then_some(())
}

/// Opens a section; what stands between the number and the question of each of its slots.
fn open_section(out: &mut Vec<u8>, section: &PaperSection) -> Vec<u8> {
    out.extend_from_slice(b"{\"title\":");
    // Writing a string into memory cannot fail.
    let _ = serde_json::to_writer(&mut *out, &section.title);
    out.extend_from_slice(b",\"slots\":[");
    format!(",\"points\":{},", section.points).into_bytes()
}

/// Kind and stem, and the options and targets in the order shown.
#[inline]
fn write_prompt(out: &mut Vec<u8>, slot: Slot<'_>, pool: &Pool) -> Option<()> {
    let fragments = pool.text().of(slot.item)?;
    out.extend_from_slice(fragments.get(0)?);
    if slot.order.is_empty() {
        return Some(());
    }
    write_entries(out, slot.order, |author| fragments.get(1 + author))?;
    if slot.targets.is_empty() {
        return Some(());
    }
    out.extend_from_slice(b",\"targets\":[");
    write_entries(out, slot.targets, |author| fragments.get(1 + slot.order.len() + author))
}

/// Writes the entries in the order shown, each with its position, to the end of the list.
#[inline]
fn write_entries<'a>(out: &mut Vec<u8>, order: &[u8], entry: impl Fn(usize) -> Option<&'a [u8]>) -> Option<()> {
    for (&author, number) in order.iter().zip(1..) {
        let entry = entry(usize::from(author))?;
        if number < 10 {
            let digit = out.len() + ENTRY_DIGIT;
            out.extend_from_slice(entry);
            *out.get_mut(digit)? = b'0' + number;
        } else {
            out.extend_from_slice(entry.get(..ENTRY_DIGIT)?);
            push_number(out, u32::from(number));
            out.extend_from_slice(entry.get(ENTRY_DIGIT + 1..)?);
        }
    }
    // In place of the comma after the last entry.
    *out.last_mut()? = b']';
    Some(())
}

#[inline]
fn push_number(out: &mut Vec<u8>, number: u32) {
    let digit = |number: u32| b'0' + (number % 10) as u8;
    match number {
        0..10 => out.push(digit(number)),
        10..100 => out.extend_from_slice(&[digit(number / 10), digit(number)]),
        100..1000 => out.extend_from_slice(&[digit(number / 100), digit(number / 10), digit(number)]),
        _ => out.extend_from_slice(number.to_string().as_bytes()),
    }
}

/// Enough for the whole paper, so that it is written without growing.
fn bytes_estimate(paper: &Paper, pool: &Pool) -> usize {
    let bytes: usize = paper.items().map(|item| pool.text().bytes_of(item)).sum();
    let titles: usize = paper.sections.iter().map(|section| 6 * section.title.len() + 64).sum();
    2 + bytes + paper.entry_count() + 80 * paper.slot_count() + titles
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::pool::samples;
    use crate::{Blueprint, OptionId, draw};
    use serde_json::{Value, json};

    fn paper_of_all(shuffle: bool) -> (Pool, Paper) {
        let pool = samples::pool(samples::one_of_each());
        let blueprint: Blueprint = serde_json::from_value(json!({
            "sections": [{"title": "全\"部", "count": 7, "points": 2.5, "quotas": []}],
            "shuffle_options": shuffle,
        }))
        .unwrap();
        let plan = draw::DrawPlan::compile(&pool, &blueprint).unwrap();
        let drawn = plan.draw(&pool, &draw::Seed::from_bytes([5; 32]), &draw::Avoid::default()).unwrap();
        (pool, drawn.paper)
    }

    #[test]
    fn sections_are_valid_json_of_the_protocol() {
        let (pool, paper) = paper_of_all(true);
        let mut out = b"kept".to_vec();
        write_sections(&mut out, &paper, &pool).unwrap();
        let sections: Value = serde_json::from_slice(&out[4..]).unwrap();
        assert_eq!(sections[0]["title"], "全\"部");
        for (position, slot) in sections[0]["slots"].as_array().unwrap().iter().enumerate() {
            let drawn = paper.slot(position).unwrap();
            let item = pool.item(drawn.item).unwrap();
            assert_eq!(slot["slot"], position + 1);
            assert_eq!(slot["kind"], item.kind().name());
            assert_eq!(slot["points"], 2.5);
            assert_eq!(slot["stem"], item.prompt.stem.as_html());
            let members = slot.as_object().unwrap().keys().map(String::as_str);
            let known = ["slot", "kind", "points", "stem", "options", "targets"];
            assert!(members.into_iter().all(|member| known.contains(&member)));
            check_options(slot, drawn, item);
        }
    }

    fn check_options(slot: &Value, drawn: Slot<'_>, item: &crate::Item) {
        use crate::Interaction as I;
        let (left, right) = match &item.prompt.interaction {
            I::Choice { options, .. } | I::Ordering { entries: options } => (options.clone(), vec![]),
            I::TrueFalse => (samples::texts(&["正确", "错误"]), vec![]),
            I::Matching { left, right } => (left.clone(), right.clone()),
            I::Numeric | I::ShortText => (vec![], vec![]),
        };
        for (name, prefix, order, texts) in
            [("options", "o", drawn.order, left), ("targets", "t", drawn.targets, right)]
        {
            let expected: Vec<Value> = (1..)
                .zip(order)
                .map(|(id, &author)| json!({"id": format!("{prefix}{id}"), "text": texts[usize::from(author)].as_html()}))
                .collect();
            assert_eq!(texts.len(), order.len());
            assert_eq!(slot.get(name).is_none(), texts.is_empty(), "{slot}");
            assert_eq!(slot.get(name).cloned().unwrap_or(json!([])), json!(expected));
        }
    }

    #[test]
    fn nothing_of_a_key_reaches_a_learner() {
        let (pool, paper) = paper_of_all(false);
        let mut out = Vec::new();
        write_sections(&mut out, &paper, &pool).unwrap();
        let text = String::from_utf8(out).unwrap();
        for secret in [samples::CANARY, "公需", "法律", "0.3", "correct", "fraction"] {
            assert!(!text.contains(secret), "{secret}");
        }
    }

    #[test]
    fn a_question_alone_has_the_same_members() {
        let (pool, paper) = paper_of_all(true);
        for slot in paper.slots() {
            let mut out = b"{".to_vec();
            write_question(&mut out, slot, &pool).unwrap();
            out.push(b'}');
            let question: Value = serde_json::from_slice(&out).unwrap();
            assert_eq!(question["kind"], pool.kind(slot.item).unwrap().name());
            check_options(&question, slot, pool.item(slot.item).unwrap());
        }
    }

    #[test]
    fn more_than_nine_options_have_two_digits() {
        let texts: Vec<String> = (0..26).map(|number| format!("选项{number}")).collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let pool = samples::pool(vec![samples::choice("a", "t", 3, true, &texts, &[0])]);
        let value = json!({"sections": [{"title": "", "count": 1, "points": 1, "quotas": []}]});
        let plan = draw::DrawPlan::compile(&pool, &serde_json::from_value(value).unwrap()).unwrap();
        let paper = plan.draw(&pool, &draw::Seed::from_bytes([5; 32]), &draw::Avoid::default()).unwrap().paper;
        let mut out = Vec::new();
        write_sections(&mut out, &paper, &pool).unwrap();
        assert!(out.len() <= bytes_estimate(&paper, &pool));
        let sections: Value = serde_json::from_slice(&out).unwrap();
        let slot = paper.slot(0).unwrap();
        check_options(&sections[0]["slots"][0], slot, pool.item(slot.item).unwrap());
    }

    #[test]
    fn papers_of_another_pool_are_refused_and_leave_nothing() {
        let (_, paper) = paper_of_all(true);
        let other = samples::pool(vec![samples::single("x", "t", 1)]);
        let mut out = b"kept".to_vec();
        assert_eq!(write_sections(&mut out, &paper, &other), Err(OtherPool));
        assert_eq!(out, b"kept");
    }

    #[test]
    fn one_reservation_is_enough() {
        let (pool, paper) = paper_of_all(true);
        let mut out = Vec::new();
        write_sections(&mut out, &paper, &pool).unwrap();
        assert!(out.len() <= bytes_estimate(&paper, &pool));
    }

    #[test]
    fn shown_ids_are_positions() {
        let (_, paper) = paper_of_all(true);
        let slot = paper.slots().find(|slot| slot.order.len() == 4).unwrap();
        for shown in 0..4 {
            assert_eq!(slot.shown_option(slot.option(OptionId(shown)).unwrap()), Some(OptionId(shown)));
        }
    }
}
