//! What the gateways of all chat platforms do alike, on either side of the platform's own forms: putting a request on the bus
//! before it is acknowledged (`deliver`), following the journal with one conversation for each request (`lead`, `talk`, `fold`),
//! posting what services have to say (`notices`, `matter`), and seeing by a command of one's own that all of it works (`canary`).
//! Knows no platform.

mod backoff;
pub mod canary;
pub mod clock;
mod deliver;
mod finding;
mod fold;
mod foot;
mod lead;
pub mod marks;
pub mod matter;
pub mod notices;
mod talk;

use std::sync::Arc;

use adjutant_bus::spec::CommandSpec;
use tokio::sync::watch;

pub use self::{
    deliver::{Deliver, Delivered},
    finding::Finding,
    fold::{Ended, Fold},
    foot::Foot,
    lead::{Chats, Lead},
    talk::{Chat, Failed, Talk},
};

/// The commands that there are now.
pub type Specs = watch::Receiver<Arc<Vec<CommandSpec>>>;
