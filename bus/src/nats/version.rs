//! Whether the server will do: older ones ignore settings that the bus relies on, without a word.

use semver::Version;

use super::{ack::PubAck, connect::Link};
use crate::ports::BusError;

/// The oldest server that does everything the bus relies on.
pub(crate) const OLDEST: Version = Version::new(2, 11, 0);
/// Where a newer one is to be had.
pub(crate) const WHERE: &str = "get one at https://nats.io/download";

/// Whether a server of this version will do.
pub(crate) fn is_new_enough(found: &str) -> bool {
    Version::parse(found).is_ok_and(|version| version >= OLDEST)
}

/// Refuses a server that is too old, or without JetStream.
pub(crate) async fn check(link: &Link) -> Result<(), BusError> {
    let found = link.client.server_info().version;
    if !is_new_enough(&found) {
        return Err(BusError::Refused(format!(
            "this nats-server is version {found}; {OLDEST} or newer is needed; {WHERE}"
        )));
    }
    let answer = link.request("$JS.API.INFO".to_owned(), None, "".into()).await.map_err(|error| match error {
        BusError::Unavailable(why) => BusError::Unavailable(format!(
            "JetStream does not answer ({why}); is it enabled on the server, and may this user ask $JS.API.INFO?"
        )),
        other => other,
    })?;
    match serde_json::from_slice::<PubAck>(&answer.payload) {
        Ok(PubAck { error: Some(error), .. }) => Err(BusError::Refused(format!(
            "this nats-server has no JetStream ({}); start it with -js or a jetstream block",
            error.description
        ))),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn older_servers_and_those_that_do_not_say_what_they_are_will_not_do() {
        assert!(is_new_enough("2.11.0") && is_new_enough("2.12.4") && is_new_enough("3.0.0"));
        assert!(!is_new_enough("2.10.29") && !is_new_enough("2.11.0-RC.1") && !is_new_enough(""));
    }
}
