//! What every handler can reach, and the layers around all of them.

use crate::admission::Admission;
use crate::config::Config;
use crate::http::tickets::Tickets;
use crate::metrics::Metrics;
use crate::queue::Queue;
use crate::rates::Rates;
use exam_service::Engine;
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
    /// Tickets that wait to be used.
    pub tickets: Tickets,
}

impl App {
    /// Puts it together.
    #[must_use]
    pub fn new(engine: Arc<Engine>, config: Config) -> Arc<Self> {
        let rates = Rates::new(&config.limits);
        Arc::new(Self {
            engine,
            admission: Admission::new(crate::limits::REQUESTS_MAX),
            queue: Queue::new(config.limits.starts_total_per_second),
            rates,
            metrics: Metrics::new(),
            tickets: Tickets::new(),
            config,
        })
    }
}
