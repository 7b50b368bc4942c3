#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;
use uuid::Uuid;

fn at(ms: i64) -> Timestamp {
    Timestamp::from_ms(1_700_000_000_000 + ms)
}

fn people(count: u128) -> Vec<PersonId> {
    (1..=count).map(|number| PersonId(Uuid::from_u128(number))).collect()
}

/// A line in which everybody waits from the first on: its allowance is used up.
fn closed(per_second: u32) -> Queue {
    let queue = Queue::new(per_second);
    let strangers = (0..per_second).map(|number| PersonId(Uuid::from_u128(u128::from(number) << 64 | 1 << 100)));
    for stranger in strangers {
        drop(queue.enter(stranger, at(0)).unwrap());
    }
    queue
}

#[test]
fn a_free_way_lets_through_at_once_up_to_the_pace() {
    let queue = Queue::new(3);
    let people = people(5);
    assert!(people[..3].iter().all(|person| queue.enter(*person, at(0)).is_some()));
    assert!(queue.enter(people[3], at(0)).is_none());
    // A second later a second's worth is there again, and no more than that after an hour.
    assert!(queue.enter(people[3], at(1_000)).is_some());
    let later = at(3_600_000);
    let entered = people.iter().filter(|person| queue.enter(**person, later).is_some()).count();
    assert_eq!(entered, 3);
}

#[test]
fn first_come_first_served() {
    let queue = closed(10);
    let people = people(100);
    for (index, person) in people.iter().enumerate() {
        assert!(queue.enter(*person, at(0)).is_none());
        assert_eq!(queue.wait(*person, None, at(0)).unwrap().position, index + 1);
    }
    let mut order = Vec::new();
    let mut now = 0;
    while order.len() < people.len() {
        now += 50;
        // The last come asks first, whenever it likes: that changes nothing.
        let mut entered: Vec<_> = people.iter().rev().filter(|p| queue.enter(**p, at(now)).is_some()).collect();
        entered.reverse();
        order.extend(entered.into_iter().copied());
        for person in people.iter().filter(|person| queue.stands(**person)) {
            queue.wait(*person, None, at(now)).unwrap();
        }
        assert!(now <= 20_000, "nobody starves: {} of {} after {now} ms", order.len(), people.len());
    }
    assert_eq!(order, people);
    assert!((9_900..=10_100).contains(&now), "a hundred at ten a second, whoever asks how often: {now} ms");
}

#[test]
fn whoever_comes_later_passes_nobody() {
    let queue = closed(10);
    let people = people(2);
    queue.wait(people[0], None, at(0)).unwrap();
    // There is an allowance again, and it is for the first.
    assert!(queue.enter(people[1], at(150)).is_none());
    assert_eq!(queue.wait(people[1], None, at(150)).unwrap().position, 1, "the first has been called");
    assert!(queue.enter(people[0], at(150)).is_some());
}

#[test]
fn a_place_is_the_persons_and_asking_often_wins_nothing() {
    let queue = closed(1);
    let people = people(3);
    for person in &people {
        queue.wait(*person, None, at(0)).unwrap();
    }
    let first = queue.wait(people[2], None, at(10)).unwrap();
    let again = queue.wait(people[2], Some(&first.ticket), at(20)).unwrap();
    assert_eq!((first.position, &first.ticket), (3, &again.ticket));
    assert_eq!(queue.standing().waiting, 3);
    assert!(first.retry_after_ms >= 1_500, "the third at one a second, halfway: {}", first.retry_after_ms);
}

#[test]
fn a_ticket_stands_for_its_time_at_another_node_and_after_a_restart() {
    let (one, other) = (closed(1), closed(1));
    one.sign_with([7; 32]);
    other.sign_with([7; 32]);
    let people = people(3);
    let ticket = one.wait(people[0], None, at(10)).unwrap().ticket;
    other.wait(people[1], None, at(20)).unwrap();
    other.wait(people[2], None, at(30)).unwrap();
    assert_eq!(other.wait(people[0], Some(&ticket), at(40)).unwrap().position, 1);
    assert_eq!(other.wait(people[1], None, at(50)).unwrap().position, 2);
}

#[test]
fn a_ticket_is_neither_forged_nor_borrowed_nor_used_twice() {
    let queue = closed(1);
    let people = people(4);
    let ticket = queue.wait(people[0], None, at(10)).unwrap().ticket;
    queue.wait(people[1], None, at(20)).unwrap();
    // Borrowed: at the end.
    assert_eq!(queue.wait(people[2], Some(&ticket), at(30)).unwrap().position, 3);
    // Forged: an earlier time under the old signature, another signature, no ticket at all.
    let mut bytes = URL_SAFE_NO_PAD.decode(&ticket).unwrap();
    for place in 0..bytes.len() {
        bytes[place] ^= 1;
        let forged = URL_SAFE_NO_PAD.encode(&bytes);
        assert_eq!(queue.read(people[0], &forged, at(40)), None, "byte {place}");
        bytes[place] ^= 1;
    }
    for nonsense in ["", "x", &"A".repeat(10_000), "票"] {
        assert_eq!(queue.read(people[0], nonsense, at(40)), None);
    }
    assert!(queue.read(people[0], &ticket, at(40)).is_some());
    // Used: whoever has started joins at the end.
    for person in &people[..3] {
        queue.wait(*person, None, at(1_000)).unwrap();
    }
    drop(queue.enter(people[0], at(1_100)).unwrap());
    assert_eq!(queue.read(people[0], &ticket, at(1_200)), None);
    assert_eq!(queue.wait(people[0], Some(&ticket), at(1_200)).unwrap().position, 3);
    // Signed by somebody else.
    assert_eq!(closed(1).read(people[3], &queue.wait(people[3], None, at(1_300)).unwrap().ticket, at(1_300)), None);
}

#[test]
fn an_old_ticket_is_none() {
    let queue = closed(1);
    let person = people(1)[0];
    let ticket = queue.wait(person, None, at(0)).unwrap().ticket;
    let age = millis(QUEUE_TICKET_AGE_MAX);
    assert!(queue.read(person, &ticket, at(age)).is_some());
    assert!(queue.read(person, &ticket, at(age + 1)).is_none());
}

#[test]
fn the_line_is_bounded_by_length() {
    let queue = closed(1_000);
    for number in 0..QUEUE_LENGTH_MAX {
        queue.wait(PersonId(Uuid::from_u128(number as u128)), None, at(0)).unwrap();
    }
    let stranger = PersonId(Uuid::from_u128(u128::MAX));
    assert!(queue.wait(stranger, None, at(0)).is_err());
    assert_eq!(queue.standing().waiting, QUEUE_LENGTH_MAX);
    // Whoever stands in it is not turned away.
    let last = PersonId(Uuid::from_u128(QUEUE_LENGTH_MAX as u128 - 1));
    assert_eq!(queue.wait(last, None, at(0)).unwrap().position, QUEUE_LENGTH_MAX);
}

#[test]
fn the_line_is_bounded_by_the_wait() {
    let queue = closed(1);
    let most = QUEUE_WAIT_MAX.as_secs() as usize;
    let mut joined = 0;
    while queue.wait(PersonId(Uuid::from_u128(joined as u128)), None, at(0)).is_ok() {
        joined += 1;
    }
    assert_eq!(joined, most + 1, "one a second, half an hour");
}

#[test]
fn whoever_stays_away_holds_up_nobody_and_is_forgotten() {
    let queue = closed(1);
    let people = people(200);
    for person in &people {
        queue.wait(*person, None, at(0)).unwrap();
    }
    // All but the last went home: once their time has passed, the last one's turn comes at once.
    let mut now = 0;
    while queue.enter(people[199], at(now)).is_none() {
        let wait = queue.wait(people[199], None, at(now)).unwrap();
        now += wait.retry_after_ms;
    }
    assert!(now < 100_000, "half of two hundred seconds: {now}");
    // And what was called for nobody runs out.
    queue.call(at(now + 3_600_000));
    queue.call(at(now + 3_602_000));
    assert_eq!(queue.line.lock().places.len(), 0);
    assert_eq!(queue.standing().waiting, 0);
}

#[test]
fn a_start_that_failed_keeps_its_place() {
    let queue = closed(1);
    let people = people(2);
    queue.wait(people[0], None, at(0)).unwrap();
    queue.wait(people[1], None, at(0)).unwrap();
    queue.enter(people[0], at(1_000)).unwrap().give_back(at(1_000));
    assert!(queue.enter(people[1], at(1_001)).is_none());
    assert!(queue.enter(people[0], at(1_001)).is_some());
}

#[test]
fn starts_in_work_are_bounded_and_the_called_keep_their_place() {
    let queue = Queue::new(1_000);
    let people = people(STARTS_IN_WORK_MAX as u128 + 1);
    let mut inside: Vec<_> =
        people[..STARTS_IN_WORK_MAX].iter().map(|person| queue.enter(*person, at(0)).unwrap()).collect();
    let last = people[STARTS_IN_WORK_MAX];
    assert!(queue.enter(last, at(0)).is_none());
    queue.wait(last, None, at(0)).unwrap();
    queue.call(at(10));
    assert!(queue.enter(last, at(10)).is_none());
    assert_eq!(queue.wait(last, None, at(10)).unwrap().position, 1);
    inside.pop();
    assert!(queue.enter(last, at(20)).is_some());
}

#[test]
fn leaving_frees_the_place() {
    let queue = closed(1);
    let people = people(2);
    queue.wait(people[0], None, at(0)).unwrap();
    queue.wait(people[1], None, at(0)).unwrap();
    queue.leave(people[0]);
    assert_eq!(queue.wait(people[1], None, at(0)).unwrap().position, 1);
}
