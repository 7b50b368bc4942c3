//! One run: events in order until everything is quiet, then the checker.

use super::checker::{
    Contents, Evidence, LessonRecord, LessonSeen, LiveStudy, Observed, Promise, Violation, check, same_answers,
};
use super::client::{Clients, Players};
use super::env::Env;
use super::node::Node;
use super::planted::Bug;
use super::rng::Rng;
use super::schedule::{Event, Fault, plan_faults};
use super::world::World;
use exam_core::attempt::Attempt;
use exam_store::ProgressState;
use std::sync::Arc;

/// More events than any honest run has.
const EVENTS_MAX: u64 = 200_000;

/// How a seed is run.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// A bug to plant.
    pub bug: Option<Bug>,
    /// Whether to run it without the integrity layer too, and compare what became of the answers. Nobody reviews
    /// cases then.
    pub twin: bool,
    /// Whether to run it a second time and compare every byte.
    pub twice: bool,
    /// Whether to write down every event.
    pub tracing: bool,
}

/// What a run brought.
#[derive(Debug)]
pub struct Report {
    /// The seed.
    pub seed: u64,
    /// Promises that were broken.
    pub violations: Vec<Violation>,
    /// Events, when they were written down.
    pub trace: Vec<String>,
    /// What the run consisted of.
    pub sums: Sums,
}

/// What a run consisted of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    /// Events.
    pub events: u64,
    /// Acknowledged answers.
    pub answers: u64,
    /// Refusals.
    pub refusals: u64,
    /// Attempts.
    pub attempts: u64,
    /// Entries of the ledger.
    pub grants: u64,
    /// Beats that nodes judged.
    pub beats: u64,
    /// Verdicts on challenges.
    pub verdicts: u64,
    /// Studies opened.
    pub studies: u64,
    /// Lessons completed.
    pub completed: u64,
    /// Decisions on cases.
    pub decisions: u64,
    /// Counter-entries of the ledger.
    pub taken_back: u64,
}

/// Runs a seed and checks it.
#[must_use]
pub fn run(seed: u64, options: Options) -> Report {
    #[cfg(feature = "planted-bugs")]
    exam_core::planted::plant(options.bug.and_then(Bug::rule));
    let watched = once(seed, options, true);
    let mut violations = watched.violations.clone();
    if options.twin {
        let unwatched = once(seed, Options { tracing: false, ..options }, false);
        violations
            .extend(same_answers((&watched.observed, &watched.contents), (&unwatched.observed, &unwatched.contents)));
        violations.extend(unwatched.violations);
    }
    if options.twice {
        let again = once(seed, Options { tracing: false, ..options }, true);
        let hash = |run: &Once| hash(&run.observed, &run.lessons, &run.contents);
        if hash(&again) != hash(&watched) {
            let detail = "the seed gave another run the second time".to_owned();
            violations.push(Violation { promise: Promise::Progress, detail });
        }
    }
    Report { seed, violations, trace: watched.trace, sums: watched.sums }
}

struct Once {
    violations: Vec<Violation>,
    observed: Vec<Observed>,
    lessons: LessonRecord,
    contents: Contents,
    trace: Vec<String>,
    sums: Sums,
}

struct Sim {
    env: Env,
    nodes: Vec<Node>,
    clients: Clients,
    players: Players,
}

fn once(seed: u64, options: Options, heuristics: bool) -> Once {
    let mut rng = Rng::new(seed);
    let world = Arc::new(World::new(&mut rng));
    let mut env = Env::new(Arc::clone(&world), rng.fork(), options.bug, heuristics, options.tracing);
    env.reviews = !options.twin;
    plan_faults(&world, &mut rng, &mut env.queue);
    let mut nodes: Vec<Node> =
        (0..usize::from(world.nodes)).map(|index| Node::new(index, rng.between(-1_500, 1_500))).collect();
    for node in &mut nodes {
        node.start(&mut env);
    }
    let clients = Clients::new(&mut env);
    let players = Players::new(&mut env);
    let mut sim = Sim { env, nodes, clients, players };
    let mut events = 0;
    while let Some((ms, event)) = sim.env.queue.next() {
        sim.env.now_ms = ms;
        sim.step(event);
        events += 1;
        if events == EVENTS_MAX {
            break;
        }
    }
    sim.judge(events)
}

impl Sim {
    fn step(&mut self, event: Event) {
        let env = &mut self.env;
        match event {
            Event::Wake(client) => self.clients.wake(env, client),
            Event::Aim(client, attempt) => self.clients.aim(env, client, attempt),
            Event::Retry(client, op) => self.clients.send(env, client, op),
            Event::Reply(client, op, reply) => self.clients.told(env, client, op, reply),
            Event::Deliver(node, envelope) => self.nodes[node].deliver(env, *envelope),
            Event::Job(ticket, input) => self.nodes[ticket.node].resume(env, ticket, input),
            Event::Tick(node, life) => self.nodes[node].tick(env, life),
            Event::Arrive(ticket, write) => env.arrive(ticket, write),
            Event::Play(player, look) => self.players.look(env, player, look),
            Event::Push(player, conn, push) => self.players.told(env, player, conn, *push),
            Event::Say(node, saying) => self.nodes[node].hear(env, *saying),
            Event::Lost(node, learner, conn) => self.nodes[node].lost(env, learner, conn),
            Event::StudyWake(node, life, learner, instance) => {
                self.nodes[node].wake_study(env, life, learner, instance);
            }
            Event::Taken(node, learner, epoch) => self.nodes[node].study_taken(env, learner, epoch),
            Event::Save(node, life) => self.nodes[node].save_studies(env, life),
            Event::Flush => env.flush(),
            Event::Fault(fault) => self.fault(fault),
        }
    }

    fn fault(&mut self, fault: Fault) {
        let env = &mut self.env;
        match fault {
            Fault::NodeCrash(node) => self.nodes[node].crash(env),
            Fault::NodeStart(node) => self.nodes[node].start(env),
            Fault::StoreCrash => {
                env.note(|| "the store crashes".into());
                env.lessons.trouble_ms.push(env.now_ms);
                for (ticket, outcome) in env.store.crash() {
                    env.tell(ticket, outcome);
                }
            }
            Fault::StoreStart => {
                env.note(|| "the store starts".into());
                env.lessons.trouble_ms.push(env.now_ms);
                env.store.up = true;
            }
            Fault::WallJump(node, jump) => {
                env.note(|| format!("the wall clock of node {} jumps by {jump} ms", node + 1));
                self.nodes[node].clock.wall_error_ms += jump;
            }
        }
    }

    fn judge(self, events: u64) -> Once {
        let Self { env, nodes, clients, .. } = self;
        let contents = env.store.contents();
        let caches: Vec<(u16, Attempt)> =
            nodes.iter().flat_map(|node| node.caches().map(|cached| (node.number(), cached.clone()))).collect();
        let evidence = Evidence {
            facts: &env.world.facts,
            observed: &env.observed,
            contents: &contents,
            caches: &caches,
            caches_may_lag: env.world.nodes > 1,
            lessons: &env.lessons,
            live: live(&nodes),
        };
        let mut violations = check(&evidence);
        let waiting = clients.unanswered();
        let due = contents.attempts.iter().filter(|stored| stored.row.due_at.is_some()).count();
        if events == EVENTS_MAX || waiting > 0 || due > 0 || !nodes.iter().all(Node::is_idle) {
            let detail = format!("after {events} events {waiting} clients wait and {due} attempts are not closed");
            violations.push(Violation { promise: Promise::Progress, detail });
        }
        let sums = sums(&env.observed, &env.lessons, &contents, events);
        Once { violations, observed: env.observed, lessons: env.lessons, contents, trace: env.trace, sums }
    }
}

/// What nodes hold of lessons in memory.
fn live(nodes: &[Node]) -> Vec<LiveStudy> {
    let of_node = |node: &Node| {
        let number = node.number();
        let live = |(epoch, state, dirty): (u64, &exam_core::lesson::Lesson, bool)| LiveStudy {
            node: number,
            epoch,
            state: state.clone(),
            dirty,
        };
        node.live_studies().map(live).collect::<Vec<_>>()
    };
    nodes.iter().flat_map(of_node).collect()
}

fn hash(observed: &[Observed], lessons: &LessonRecord, contents: &Contents) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    for seen in &lessons.seen {
        hasher.update(format!("{seen:?}").as_bytes());
    }
    for heard in &lessons.heard {
        hasher.update(format!("{heard:?}").as_bytes());
    }
    for saved in &contents.saves {
        hasher.update(format!("{saved:?}").as_bytes());
    }
    for step in contents.lessons.iter().flat_map(|stored| &stored.steps) {
        hasher.update(&step.row.hash);
    }
    for observed in observed {
        hasher.update(format!("{observed:?}").as_bytes());
    }
    for step in contents.attempts.iter().flat_map(|stored| &stored.steps) {
        hasher.update(&step.row.hash);
    }
    hasher.update(format!("{:?}", contents.ledger).as_bytes());
    *hasher.finalize().as_bytes()
}

fn sums(observed: &[Observed], lessons: &LessonRecord, contents: &Contents, events: u64) -> Sums {
    let count = |is: fn(&Observed) -> bool| observed.iter().filter(|observed| is(observed)).count() as u64;
    let decisions = contents.attempts.iter().flat_map(|stored| &stored.steps).filter(|step| {
        // Most steps are no decisions and need not be read.
        step.row.body.contains("case_decided")
    });
    Sums {
        events,
        decisions: decisions.count() as u64,
        taken_back: contents.ledger.iter().filter(|stored| stored.entry.takes_back().is_some()).count() as u64,
        answers: count(|observed| matches!(observed, Observed::Answered { .. })),
        refusals: count(|observed| matches!(observed, Observed::Refused { .. })),
        attempts: contents.attempts.len() as u64,
        grants: contents.ledger.len() as u64,
        beats: lessons.heard.len() as u64,
        verdicts: lessons.seen.iter().filter(|seen| matches!(seen, LessonSeen::Told { command: Some(_), .. })).count()
            as u64,
        studies: contents.saves.iter().filter(|saved| saved.takes).count() as u64,
        completed: contents.lessons.iter().filter(|stored| stored.row.state == ProgressState::Completed).count() as u64,
    }
}
