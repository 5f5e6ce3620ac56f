//! What a service says of itself when it is asked (`$SRV.INFO`, ADR-32), as far as we care. Libraries differ in what they leave out,
//! and in what they write as null.

use std::collections::HashMap;

use serde::{Deserialize, Deserializer};
use tracing::warn;

use crate::{service::Offer, spec::CommandSpec, subject::Subject};

/// Key of an endpoint's metadata that holds its `CommandSpec` as JSON.
pub(super) const COMMAND: &str = "adjutant.command";

#[derive(Deserialize)]
struct Info {
    name: String,
    #[serde(default, deserialize_with = "or_default")]
    version: String,
    #[serde(default, deserialize_with = "or_default")]
    description: String,
    #[serde(default, deserialize_with = "or_default")]
    endpoints: Vec<Endpoint>,
}

#[derive(Deserialize)]
struct Endpoint {
    subject: String,
    #[serde(default, deserialize_with = "or_default")]
    metadata: HashMap<String, String>,
}

/// Null is as good as nothing.
fn or_default<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(value: D) -> Result<T, D::Error> {
    Option::<T>::deserialize(value).map(Option::unwrap_or_default)
}

/// The offer in a service's answer; one that offers no command is passed over.
pub(super) fn offer(payload: &[u8]) -> Option<Offer> {
    let info: Info = match serde_json::from_slice(payload) {
        Ok(info) => info,
        Err(error) => {
            // Others that speak the same protocol are none of our business.
            if String::from_utf8_lossy(payload).contains(COMMAND) {
                warn!(%error, "a service that offers commands says of itself what cannot be read");
            }
            return None;
        }
    };
    let commands: Vec<CommandSpec> =
        info.endpoints.iter().filter_map(|endpoint| command(&info.name, endpoint)).collect();
    let Info { name, version, description, .. } = info;
    (!commands.is_empty()).then_some(Offer { name, version, description, commands })
}

fn command(service: &str, endpoint: &Endpoint) -> Option<CommandSpec> {
    let text = endpoint.metadata.get(COMMAND)?;
    let spec: CommandSpec = match serde_json::from_str(text) {
        Ok(spec) => spec,
        Err(error) => {
            warn!(%error, service, "a service describes a command in a way that cannot be read");
            return None;
        }
    };
    if endpoint.subject == Subject::Run(spec.path.clone()).to_string() {
        return Some(spec);
    }
    warn!(service, subject = endpoint.subject, command = %spec.path, "a service offers a command on another command's subject");
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPEC: &str = r#"{\"path\": \"excuse\", \"summary\": \"Make an excuse\", \"effect\": \"read\"}"#;

    fn names(text: &str) -> Option<Vec<String>> {
        let offer = offer(text.as_bytes())?;
        Some(offer.commands.into_iter().map(|spec| spec.path.to_string()).collect())
    }

    #[test]
    fn what_libraries_leave_out_or_write_as_null_is_nothing() {
        // As nats-py 2.16 answers for a service without a description.
        let python = format!(
            r#"{{"type": "io.nats.micro.v1.info_response", "id": "sQTk", "name": "excuses", "version": "1.0.0",
            "description": null, "metadata": {{}}, "endpoints": [{{"name": "excuse", "subject": "adjutant.v1.run.excuse",
            "queue_group": "q", "metadata": {{"adjutant.command": "{SPEC}"}}}}]}}"#
        );
        assert_eq!(names(&python), Some(vec!["excuse".to_owned()]));
        let bare = format!(
            r#"{{"name": "excuses", "endpoints": [{{"subject": "adjutant.v1.run.excuse", "metadata": {{"adjutant.command": "{SPEC}"}}}},
            {{"subject": "other", "metadata": null}}]}}"#
        );
        assert_eq!(names(&bare), Some(vec!["excuse".to_owned()]));
    }

    #[test]
    fn one_that_offers_nothing_that_is_ours_is_passed_over() {
        assert_eq!(names(r#"{"name": "other", "endpoints": null}"#), None);
        assert_eq!(names("no JSON"), None);
        let elsewhere = format!(
            r#"{{"name": "x", "endpoints": [{{"subject": "adjutant.v1.run.ping", "metadata": {{"adjutant.command": "{SPEC}"}}}}]}}"#
        );
        assert_eq!(names(&elsewhere), None, "on another command's subject");
    }
}
