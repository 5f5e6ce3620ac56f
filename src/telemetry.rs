//! Logging to stderr: human on a terminal, otherwise JSON.

use std::io::{self, IsTerminal};

use anyhow::Context;
use tracing_subscriber::EnvFilter;

use crate::config::{Format, Log};

/// What is never logged, whatever the filter says: these write addresses that are as good as passwords, and whole bodies.
const SILENT: [&str; 9] = [
    "slack_morphism=off",
    "serenity=off",
    "twilight_gateway=off",
    "tokio_websockets=off",
    "reqwest=off",
    "tungstenite=off",
    "tokio_tungstenite=off",
    "hyper_util=off",
    "async_nats=warn",
];

/// Starts logging; `quiet` is for a role whose terminal is also its prompt, `one_shot` for a command whose output is its answer.
///
/// # Errors
/// If the filter cannot be parsed or logging has been started before.
pub(crate) fn start(log: &Log, quiet: bool, one_shot: bool) -> anyhow::Result<()> {
    let terminal = io::stderr().is_terminal();
    let filter = EnvFilter::try_new(directives(&log.filter, quiet && terminal || one_shot))
        .context("log.filter is not a filter")?;
    let filter = SILENT.iter().try_fold(filter, |filter, target: &&str| {
        Ok::<_, anyhow::Error>(filter.add_directive(target.parse()?))
    })?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr);
    let started = if human(log.format, terminal) {
        builder.with_ansi(terminal).try_init()
    } else {
        builder.json().try_init()
    };
    started.map_err(|fault| anyhow::anyhow!("logging cannot start: {fault}"))
}

fn directives(filter: &str, quiet: bool) -> &str {
    match (filter, quiet) {
        ("", true) => "warn",
        ("", false) => "info",
        (given, _) => given,
    }
}

fn human(format: Format, terminal: bool) -> bool {
    match format {
        Format::Auto => terminal,
        Format::Human => true,
        Format::Json => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prompt_is_not_disturbed_unless_a_filter_is_given() {
        assert_eq!(directives("", true), "warn");
        assert_eq!(directives("", false), "info");
        assert_eq!(directives("debug", true), "debug");
    }

    #[test]
    fn a_pipe_gets_json_and_a_terminal_gets_people_s_lines() {
        assert!(human(Format::Auto, true));
        assert!(!human(Format::Auto, false));
        assert!(human(Format::Human, false));
    }
}
