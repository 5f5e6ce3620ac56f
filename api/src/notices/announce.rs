//! What the API itself says at a destination, such as that commands are paused. Called by the relay until the bus has it.

use adjutant_bus::{announcement::Message, notice::Notice, ports::BusError, wire};
use jiff::Timestamp;
use tracing::warn;

use crate::{app::App, destinations};

/// Who says it.
const SELF: &str = "adjutant";

/// Says a message (JSON) in every channel behind the destination. The row's id makes it the same notice however often it is told.
///
/// # Errors
/// When the bus or the database does not answer, or the message cannot be read.
pub(crate) async fn relay_announce(app: &App, id: &str, target: &str, payload: &str) -> Result<(), BusError> {
    let message: Message = wire::decode("message", payload.as_bytes())?;
    let unavailable = |error: crate::store::StoreError| BusError::Unavailable(error.to_string());
    let Some(destination) = destinations::one(&app.db, target).await.map_err(unavailable)? else {
        warn!(destination = target, "there is no such destination any more; nothing is said there");
        return Ok(());
    };
    for target in destination.channels().map_err(unavailable)? {
        let notice = Notice {
            v: wire::Version,
            id: Notice::id(SELF, id, &target),
            from: SELF.to_owned(),
            to: target.place(),
            reply: message.reply(),
            matter: message.matter.clone(),
            sent_at: Timestamp::now(),
        };
        app.bus.tell(&notice).await?;
    }
    Ok(())
}
