//! The bus: whether the server lets us in and will do, and whether all is there that set-up makes, as it makes it.

mod consumers;
mod streams;

use adjutant_bus::{
    look::{Blind, Look, Room, Seen},
    open::{BusUrl, Found},
};
use adjutant_gateway::Finding;

use super::{disk::size, site::Site};
use crate::config::Config;

/// What is said where something is missing.
const SETUP: &str = "Run `adjutant bus setup` with admin credentials.";
/// What is said where something has other settings.
const CHANGE: &str = "Set bus.replicas and bus.lease_seconds to what is meant, everywhere alike; then run `adjutant bus setup` with admin credentials, which says what it cannot change.";
/// Share of a limit, in percent, from which on somebody should look.
const FULL: u64 = 80;

/// What is said of those at which this user may not look.
fn hidden(many: usize) -> String {
    if many == 0 {
        return String::new();
    }
    format!("; this user may not look at {many} more: run it as the user admin, too")
}

pub(super) async fn examine(site: &Site) -> Vec<Finding> {
    const WHAT: &str = "server";
    let opened = match site.found().await {
        Err(why) => return vec![Finding::bad(WHAT, true, why.clone(), "Correct bus.url.")],
        Ok(Found::Memory(why)) => return memory(why),
        Ok(Found::NotRunning(binary)) => return vec![not_running(site.config(), binary.as_ref())],
        Ok(Found::Server(opened)) => opened,
    };
    match site.look().await {
        Ok(Ok(look)) => judge(&opened.describe(), look),
        Ok(Err(blind)) => vec![unseen(site.config(), &opened.describe(), blind)],
        Err(no_bus) => vec![no_bus.finding(WHAT)],
    }
}

fn memory(why: &str) -> Vec<Finding> {
    let told = format!("in memory ({why}): nothing survives a restart, and there is nothing more to look at");
    vec![Finding::good("server", told)]
}

/// No server runs in the data folder.
fn not_running(config: &Config, binary: Result<&std::path::PathBuf, &String>) -> Finding {
    const WHAT: &str = "server";
    match binary {
        Ok(binary) => {
            let dir = config.data_dir.display();
            let told = format!("no Adjutant runs in {dir}; `adjutant up` starts {}", binary.display());
            Finding::good(WHAT, told)
        }
        Err(why) => {
            Finding::bad(WHAT, true, why.clone(), "Install a nats-server, or name one in bus.nats_server.")
        }
    }
}

/// The server does not let itself be looked at.
fn unseen(config: &Config, address: &str, blind: &Blind) -> Finding {
    let of_our_own = matches!(config.bus.url.parse(), Ok(BusUrl::Auto | BusUrl::Child));
    let (found, fix) = match blind {
        Blind::NotLetIn(why) if !config.bus.credentials_file.is_empty() => (
            format!("{address} does not let us in with bus.credentials_file: {why}"),
            "Have new credentials made, and name them in bus.credentials_file.".to_owned(),
        ),
        Blind::NotLetIn(why) => {
            let user = match config.bus.user.as_str() {
                "" => "without a user".to_owned(),
                user => format!("as user `{user}`"),
            };
            (
                format!("{address} does not let us in {user}: {why}"),
                "Correct bus.user and bus.password_file.".to_owned(),
            )
        }
        Blind::Unreachable(why) if of_our_own => (
            format!("{address} does not answer: {why}"),
            "Look at the log of the Adjutant that runs there; restart it.".to_owned(),
        ),
        Blind::Unreachable(why) => (
            format!("{address} cannot be reached: {why}"),
            "Start the server, or correct bus.url; look at firewalls and network policies.".to_owned(),
        ),
    };
    Finding::bad("server", true, found, fix)
}

fn judge(address: &str, look: &Look) -> Vec<Finding> {
    let mut findings = vec![Finding::good("server", format!("{address} lets us in"))];
    findings.push(if look.new_enough {
        Finding::good("server version", look.version.clone())
    } else {
        let told = format!("{}; {} or newer is needed", look.version, look.oldest);
        Finding::bad("server version", true, told, "Update it: https://nats.io/download.")
    });
    findings.push(jetstream(&look.room));
    if !matches!(look.room, Seen::There(_)) {
        return findings;
    }
    findings.extend(streams::judge(&look.streams));
    findings.extend(consumers::judge(&look.consumers));
    findings.push(consumers::untaken(&look.untaken));
    findings
}

fn jetstream(room: &Seen<Room>) -> Finding {
    const WHAT: &str = "JetStream";
    const MORE: &str = "Raise the limit of the account (max_file), or of the server (max_file_store).";
    match room {
        Seen::There(Room { used, most: Some(most), wanted }) => {
            let told = format!("{} of {} in use", size(*used), size(*most));
            if most < wanted {
                let told = format!("{told}; the streams may come to hold {}", size(*wanted));
                Finding::bad(WHAT, false, told, MORE)
            } else if used.saturating_mul(100) >= most.saturating_mul(FULL) {
                Finding::bad(WHAT, false, told, MORE)
            } else {
                Finding::good(WHAT, told)
            }
        }
        Seen::There(room) => Finding::good(WHAT, format!("{} in use, without a limit", size(room.used))),
        Seen::Forbidden => {
            let fix = "Give this user the rights of its role; docs/nats.md lists them.";
            Finding::bad(WHAT, true, "this user may not ask $JS.API.INFO", fix)
        }
        Seen::Missing => {
            Finding::bad(WHAT, true, "it is not there", "Start the server with a jetstream block.")
        }
        Seen::Unanswered(why) => {
            let fix = "Start the server with a jetstream block, and give this user's account JetStream; in a cluster, look whether there is a leader.";
            Finding::bad(WHAT, true, why.clone(), fix)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(version: &str, new_enough: bool, room: Seen<Room>) -> Look {
        Look {
            version: version.to_owned(),
            oldest: "2.11.0".to_owned(),
            new_enough,
            room,
            clock: None,
            streams: Vec::new(),
            consumers: Vec::new(),
            untaken: Vec::new(),
        }
    }

    #[test]
    fn an_old_server_fails_with_where_a_newer_one_is() {
        let found = judge("nats://here", &look("2.10.29", false, Seen::There(Room::default())));
        assert!(found[1].fatal && found[1].found == "2.10.29; 2.11.0 or newer is needed", "{found:?}");
        assert!(
            judge("nats://here", &look("2.12.1", true, Seen::There(Room::default())))
                .iter()
                .all(|one| one.ok)
        );
    }

    #[test]
    fn a_server_without_jetstream_fails_and_nothing_more_is_said_of_it() {
        let without = Seen::Unanswered("JetStream not enabled for account".to_owned());
        let found = judge("nats://here", &look("2.12.1", true, without));
        assert_eq!(found.len(), 3);
        assert!(found[2].fatal && found[2].fix.contains("jetstream block"), "{found:?}");
    }

    #[test]
    fn a_limit_that_is_nearly_reached_or_too_small_is_a_warning() {
        let of = |used, most| jetstream(&Seen::There(Room { used, most, wanted: 1_000 }));
        assert!(of(0, None).ok && of(100, Some(1_000)).ok);
        assert!(!of(900, Some(1_000)).ok && !of(0, Some(900)).ok);
    }
}
