//! The bus inside one process: nothing to install, and nothing outlives the process. In all else it behaves as the NATS bus;
//! the contract suite holds both to it.

mod inquiries;
mod journal;
mod queue;
mod services;
mod store;

use std::sync::Arc;

use adjutant_metrics::bus::{self as told, Queue as Which};
use tokio::sync::watch;

pub use self::queue::DeadLetter;
use self::{
    inquiries::MemoryInquiries, journal::MemoryJournal, queue::MemoryQueue, services::MemoryServices,
    store::MemoryStore,
};
use crate::{
    ports::{Bus, Limits, Status},
    role::Role,
};

/// Everything that the bus holds. Cheap to clone; all clones are the same bus.
#[derive(Clone)]
pub struct Memory {
    commands: Arc<MemoryQueue>,
    outbox: Arc<MemoryQueue>,
    journal: Arc<MemoryJournal>,
    store: Arc<MemoryStore>,
    services: Arc<MemoryServices>,
    inquiries: Arc<MemoryInquiries>,
    status: watch::Receiver<Status>,
    _up: Arc<watch::Sender<Status>>,
}

impl Memory {
    /// An empty bus.
    #[must_use]
    pub fn new(limits: &Limits) -> Self {
        let (up, status) = watch::channel(Status::Connected);
        Self {
            commands: Arc::new(MemoryQueue::new(Which::Commands, limits)),
            outbox: Arc::new(MemoryQueue::new(Which::Outbox, limits)),
            journal: Arc::new(MemoryJournal::new(limits)),
            store: Arc::new(MemoryStore::new(limits)),
            services: Arc::new(MemoryServices::default()),
            inquiries: Arc::new(MemoryInquiries::new(limits)),
            status,
            _up: Arc::new(up),
        }
    }

    /// The ports as this role sees them: of the notices it takes only its own.
    #[must_use]
    pub fn role(&self, role: Role) -> Bus {
        told::connection(role.as_str());
        let outbox = self.outbox.of_platform(role.notices());
        Bus { outbox: Arc::new(outbox), ..self.bus() }
    }

    /// The ports, for who may take everything.
    #[must_use]
    pub fn bus(&self) -> Bus {
        Bus {
            commands: self.commands.clone(),
            outbox: self.outbox.clone(),
            journal: self.journal.clone(),
            store: self.store.clone(),
            services: self.services.clone(),
            inquiries: self.inquiries.clone(),
            status: self.status.clone(),
        }
    }

    /// What was buried, oldest first.
    #[must_use]
    pub fn dead_letters(&self) -> Vec<DeadLetter> {
        let mut letters = self.commands.dead_letters();
        letters.extend(self.outbox.dead_letters());
        letters
    }
}
