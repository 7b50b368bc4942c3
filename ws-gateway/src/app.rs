//! What every handler can reach, and the layers around all of them.

use crate::admission::Admission;
use crate::config::Config;
use crate::limits::{ANSWERS_MAX, HTTP_CONNECTIONS_RESERVED, REQUESTS_MAX};
use crate::metrics::Metrics;
use crate::queue::Queue;
use crate::rates::Rates;
use crate::room::Room;
use crate::stream::hub::Hub;
use exam_service::Engine;
use exam_service::events::{AttemptChange, AttemptEvent, Event, Listener};
use std::sync::Arc;

/// The application's state; one for the whole process.
pub struct App {
    /// The engine.
    pub engine: Arc<Engine>,
    /// How it was configured.
    pub config: Config,
    /// Who may work now.
    pub admission: Admission,
    /// Who waits to start.
    pub queue: Queue,
    /// Who has asked too often.
    pub rates: Rates,
    /// What is counted.
    pub metrics: Metrics,
    /// Sockets of the stream.
    pub hub: Arc<Hub>,
    /// Connections at once, sockets among them.
    pub connections_max: usize,
}

impl App {
    /// Puts it together.
    #[must_use]
    pub fn new(engine: Arc<Engine>, config: Config) -> Arc<Self> {
        let rates = Rates::new(&config.limits);
        let connections_max = crate::server::connections_max();
        let hub = Hub::new(config.stream.clone(), connections_max.saturating_sub(HTTP_CONNECTIONS_RESERVED));
        let queue = Queue::new(config.limits.starts_total_per_second);
        engine.events().listen(Arc::new(Ears { hub: Arc::clone(&hub), room: Arc::clone(queue.room()) }));
        Arc::new(Self {
            engine,
            admission: Admission::new(REQUESTS_MAX, ANSWERS_MAX),
            queue,
            rates,
            metrics: Metrics::new(),
            hub,
            connections_max,
            config,
        })
    }
}

/// Whoever in the gateway has to hear of events.
struct Ears {
    hub: Arc<Hub>,
    room: Arc<Room>,
}

impl Listener for Ears {
    fn told(&self, event: &Event) {
        if let Event::Attempt(AttemptEvent {
            learner,
            change: AttemptChange::Submitted | AttemptChange::Expired | AttemptChange::Terminated { .. },
            ..
        }) = event
        {
            self.room.gone(*learner);
        }
        self.hub.told(event);
    }
}
