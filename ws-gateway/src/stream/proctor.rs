//! Proctors: all attempts at an exam, then what changes, once a second, while somebody watches.
//!
//! One room per watched exam. Its task reads what changed once and encodes it once, however many watch.

use super::close::Close;
use super::connection::{Connection, Conversation, End, Heard};
use super::mailbox::{Letter, Mark};
use super::peer::Peer;
use super::wire::{AnyOut, ProctorOut, text};
use crate::http::proctor::row_view;
use crate::limits::{DELTA_EVERY, FRAME_BYTES_MAX, PAGE_MAX};
use axum::extract::ws::Utf8Bytes;
use exam_core::attempt::Mode;
use exam_core::ids::{AttemptId, ExamId};
use exam_service::events::ExamWatch;
use exam_service::{Engine, Identity, SessionView};
use exam_store::Page;
use exam_store::attempts::AttemptFilter;
use parking_lot::Mutex;
use serde_json::value::{RawValue, to_raw_value};
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use tokio::task::AbortHandle;

/// Bytes of a message around its rows.
const FRAME_HEAD_BYTES: usize = 128;

/// The watched exams.
#[derive(Default)]
pub struct Rooms(Arc<Mutex<HashMap<ExamId, Room>>>);

/// One of them.
struct Room {
    members: Arc<Mutex<Vec<Arc<Peer>>>>,
    task: AbortHandle,
}

/// A proctor's place in a room; the last to leave closes it.
struct Seat {
    rooms: Arc<Mutex<HashMap<ExamId, Room>>>,
    exam: ExamId,
    peer: Arc<Peer>,
}

impl Rooms {
    fn join(&self, engine: &Arc<Engine>, exam: ExamId, peer: &Arc<Peer>) -> Seat {
        let mut rooms = self.0.lock();
        let room = rooms.entry(exam).or_insert_with(|| {
            let members = Arc::new(Mutex::new(Vec::new()));
            let watch = engine.events().watch(exam);
            let task = tokio::spawn(tell_changes(Arc::clone(engine), exam, watch, Arc::clone(&members)));
            Room { members, task: task.abort_handle() }
        });
        room.members.lock().push(Arc::clone(peer));
        drop(rooms);
        Seat { rooms: Arc::clone(&self.0), exam, peer: Arc::clone(peer) }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut rooms = self.rooms.lock();
        let Some(room) = rooms.get(&self.exam) else { return };
        let mut members = room.members.lock();
        members.retain(|member| member.id != self.peer.id);
        if members.is_empty() {
            room.task.abort();
            drop(members);
            rooms.remove(&self.exam);
        }
    }
}

/// Shows an exam to a proctor.
pub(super) async fn converse(connection: &mut Connection, identity: Identity, exam: ExamId) -> Conversation {
    // First the room, then the snapshot: what changes in between is told after it.
    let app = Arc::clone(&connection.app);
    let _seat = app.hub.rooms.join(&app.engine, exam, &connection.entry.peer);
    // Known by now to those who tell of changes: what changed before is read here.
    let identity = connection.authorize(&identity).await?;
    let session = connection.entry.peer.id.to_string();
    let welcome = ProctorOut::Welcome { session: &session, exam: exam.to_string(), server_time: app.engine.now() };
    connection.send(&welcome).await?;
    Box::pin(snapshot(connection, &identity, exam)).await?;
    loop {
        match connection.next().await? {
            // Proctors act by HTTP.
            Heard::Said(_) => return Err(Close::MALFORMED.into()),
            Heard::Letter(Letter::Frames(frames)) => {
                for frame in frames.iter() {
                    connection.send_frame(frame.clone()).await?;
                }
            }
            Heard::Letter(Letter::Resync) => {
                connection.send(&AnyOut::Resync).await?;
                return Err(End::Resync);
            }
            Heard::Mark(Mark::Check) => {
                let renewed = Box::pin(connection.app.engine.identify_session(identity.session)).await;
                if renewed.as_ref().is_ok_and(|renewed| {
                    (renewed.person.roles, &renewed.person.unit) != (identity.person.roles, &identity.person.unit)
                }) {
                    return Err(Close::CHANGED.into());
                }
                connection.rechecked(renewed.map(drop))?;
            }
            Heard::Letter(Letter::Attempt(_)) | Heard::Mark(Mark::Clock | Mark::Wake | Mark::Ping) => {}
        }
    }
}

async fn snapshot(connection: &mut Connection, identity: &Identity, exam: ExamId) -> Result<(), End> {
    let filter = AttemptFilter { mode: Some(Mode::Exam), state: None };
    let mut after: Option<AttemptId> = None;
    loop {
        let page = Page { after, limit: PAGE_MAX };
        let found = connection.app.engine.exam_sessions(identity, exam, filter, page).await;
        let found = found.map_err(|error| connection.failed(error))?;
        let last_page = found.len() < PAGE_MAX as usize;
        after = found.last().map(|view| view.row.id);
        let rows = raw_rows(found);
        let parts = parts(&rows);
        for (number, items) in (1..).zip(&parts) {
            let more = !(last_page && number == parts.len());
            connection.send(&ProctorOut::Snapshot { items, more }).await?;
        }
        if last_page {
            return Ok(());
        }
    }
}

/// The room's task: what changed, once a second at most, to everybody in it.
async fn tell_changes(engine: Arc<Engine>, exam: ExamId, watch: ExamWatch, members: Arc<Mutex<Vec<Arc<Peer>>>>) {
    loop {
        watch.changed().await;
        // Whatever else happens meanwhile goes along.
        tokio::time::sleep(DELTA_EVERY).await;
        let changed = watch.take();
        let letter = if changed.all { Letter::Resync } else { what_changed(&engine, exam, changed.attempts).await };
        if letter == Letter::Frames(Arc::default()) {
            continue;
        }
        for member in members.lock().iter() {
            member.mailbox.put(letter.clone());
        }
    }
}

async fn what_changed(engine: &Engine, exam: ExamId, attempts: BTreeSet<AttemptId>) -> Letter {
    match engine.sessions_of(exam, attempts).await {
        Ok(found) => Letter::Frames(delta(engine, found).into()),
        Err(error) => {
            tracing::warn!(%error, "what changed could not be read; proctors have to look again");
            Letter::Resync
        }
    }
}

fn delta(engine: &Engine, found: Vec<SessionView>) -> Vec<Utf8Bytes> {
    let rows = raw_rows(found.into_iter().filter(|view| view.row.mode == Mode::Exam));
    if rows.is_empty() {
        return Vec::new();
    }
    let at = engine.now();
    parts(&rows).into_iter().map(|items| text(&ProctorOut::Delta { at, items }).into()).collect()
}

fn raw_rows(found: impl IntoIterator<Item = SessionView>) -> Vec<Box<RawValue>> {
    // Strings and numbers only: each serializes.
    found.into_iter().filter_map(|view| to_raw_value(&row_view(view)).ok()).collect()
}

/// The rows in parts that each fit into a message; one part at least.
fn parts(rows: &[Box<RawValue>]) -> Vec<&[Box<RawValue>]> {
    let mut parts = Vec::new();
    let (mut start, mut bytes) = (0, FRAME_HEAD_BYTES);
    for (index, row) in rows.iter().enumerate() {
        let row_bytes = row.get().len() + 1;
        if bytes + row_bytes > FRAME_BYTES_MAX && index > start {
            parts.push(&rows[start..index]);
            (start, bytes) = (index, FRAME_HEAD_BYTES);
        }
        bytes += row_bytes;
    }
    parts.push(&rows[start..]);
    parts
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn parts_fit_into_messages_and_miss_nothing() {
        let row = |length: usize| RawValue::from_string(format!("\"{}\"", "x".repeat(length))).unwrap();
        for lengths in [vec![], vec![10], vec![300; 100], vec![7_000, 2_000, 9_000, 1]] {
            let rows: Vec<Box<RawValue>> = lengths.iter().map(|length| row(*length)).collect();
            let parts = parts(&rows);
            assert!(!parts.is_empty());
            assert_eq!(parts.iter().map(|part| part.len()).sum::<usize>(), rows.len());
            for part in parts.iter().filter(|part| part.len() > 1) {
                let message = text(&ProctorOut::Snapshot { items: part, more: true });
                assert!(message.len() <= FRAME_BYTES_MAX, "{}", message.len());
            }
        }
    }
}
