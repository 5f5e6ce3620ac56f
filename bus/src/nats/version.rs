//! Whether the server will do: older ones ignore settings that the bus relies on, without a word.

use semver::Version;

use super::connect::Link;
use crate::ports::BusError;

/// The oldest server that does everything the bus relies on.
pub(crate) const OLDEST: Version = Version::new(2, 11, 0);
/// Where a newer one is to be had.
pub(crate) const WHERE: &str = "get one at https://nats.io/download";

/// Refuses a server that is too old, or without JetStream.
pub(crate) async fn check(link: &Link) -> Result<(), BusError> {
    let found = link.client.server_info().version;
    let new_enough = Version::parse(&found).is_ok_and(|version| version >= OLDEST);
    if !new_enough {
        return Err(BusError::Refused(format!(
            "this nats-server is version {found}; {OLDEST} or newer is needed; {WHERE}"
        )));
    }
    link.request("$JS.API.INFO".to_owned(), None, "".into()).await.map(|_| ()).map_err(|_| {
        BusError::Refused(
            "this nats-server has no JetStream; start it with -js or a jetstream block".to_owned(),
        )
    })
}
