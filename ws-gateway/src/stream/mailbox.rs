//! What waits to be sent on one socket: a few letters, and marks for what is the same however often it is asked for.
//!
//! A lock, a queue that allocates nothing while it is empty, and one notification: an idle socket costs a hundred
//! bytes here, where a channel of its own would cost two thousand.

use super::close::Close;
use crate::limits::MAILBOX_LETTERS_MAX;
use axum::extract::ws::Utf8Bytes;
use exam_service::events::AttemptEvent;
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::sync::Arc;
use tokio::sync::Notify;

/// Something to be sent.
#[derive(Clone, Debug, PartialEq)]
pub enum Letter {
    /// Encoded already, for everybody in a room; one letter, however many frames.
    Frames(Arc<[Utf8Bytes]>),
    /// What was missed is too much: the peer has to say hello again.
    Resync,
    /// Of the socket's attempt; put into words by whoever sends it, because the time left is in it.
    Attempt(Box<AttemptEvent>),
}

/// Something to be done, as often as it is marked between two looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// Ask whether the peer is there.
    Ping = 1,
    /// Tell the time.
    Clock = 2,
    /// Look at the lesson.
    Wake = 4,
    /// Look whether the peer still may: what ends sockets may have been missed.
    Check = 8,
}

/// What the mailbox gives.
#[derive(Clone, Debug, PartialEq)]
pub enum Post {
    /// End the socket, whatever else waits.
    Close(Close),
    /// Send it.
    Letter(Letter),
    /// Do it.
    Mark(Mark),
}

/// See the module.
#[derive(Debug, Default)]
pub struct Mailbox {
    inside: Mutex<Inside>,
    news: Notify,
}

#[derive(Debug, Default)]
struct Inside {
    close: Option<Close>,
    letters: VecDeque<Letter>,
    marks: u8,
}

impl Mailbox {
    /// Puts a letter in; a full box closes its socket, whose peer does not read.
    pub fn put(&self, letter: Letter) {
        let mut inside = self.inside.lock();
        if inside.letters.len() < MAILBOX_LETTERS_MAX {
            inside.letters.push_back(letter);
        } else {
            inside.letters = VecDeque::new();
            inside.close.get_or_insert(Close::SLOW_READER);
        }
        drop(inside);
        self.news.notify_one();
    }

    /// Marks something to be done.
    pub fn mark(&self, mark: Mark) {
        self.inside.lock().marks |= mark as u8;
        self.news.notify_one();
    }

    /// Ends the socket; the first reason counts.
    pub fn close(&self, close: Close) {
        self.inside.lock().close.get_or_insert(close);
        self.news.notify_one();
    }

    /// Whether somebody has ended the socket.
    #[must_use]
    pub fn closing(&self) -> Option<Close> {
        self.inside.lock().close
    }

    /// Takes out what comes first, if there is anything.
    pub fn take(&self) -> Option<Post> {
        let mut inside = self.inside.lock();
        if let Some(close) = inside.close {
            return Some(Post::Close(close));
        }
        if let Some(letter) = inside.letters.pop_front() {
            if inside.letters.is_empty() {
                inside.letters = VecDeque::new();
            }
            return Some(Post::Letter(letter));
        }
        let mark = [Mark::Check, Mark::Wake, Mark::Clock, Mark::Ping]
            .into_iter()
            .find(|mark| inside.marks & *mark as u8 != 0)?;
        inside.marks &= !(mark as u8);
        Some(Post::Mark(mark))
    }

    /// Waits for what comes next. Nothing is lost when the wait is given up. One task waits at a time.
    pub async fn next(&self) -> Post {
        loop {
            if let Some(post) = self.take() {
                return post;
            }
            self.news.notified().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(number: usize) -> Letter {
        Letter::Frames([Utf8Bytes::from(number.to_string())].into())
    }

    #[tokio::test]
    async fn letters_come_in_order_and_marks_once() {
        let mailbox = Mailbox::default();
        assert_eq!(mailbox.take(), None);
        mailbox.mark(Mark::Ping);
        mailbox.mark(Mark::Ping);
        mailbox.put(frame(1));
        mailbox.put(frame(2));
        for expected in [Post::Letter(frame(1)), Post::Letter(frame(2)), Post::Mark(Mark::Ping)] {
            assert_eq!(mailbox.next().await, expected);
        }
        assert_eq!(mailbox.take(), None);
    }

    #[test]
    fn a_full_box_closes_its_socket() {
        let mailbox = Mailbox::default();
        for number in 0..MAILBOX_LETTERS_MAX {
            mailbox.put(frame(number));
        }
        assert_eq!(mailbox.closing(), None);
        mailbox.put(frame(0));
        mailbox.close(Close::SIGNED_OUT);
        assert_eq!(mailbox.take(), Some(Post::Close(Close::SLOW_READER)));
        assert!(mailbox.inside.lock().letters.is_empty());
    }
}
