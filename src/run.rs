//! One command from a script: asked, waited for, printed, and its outcome as exit status.

use std::{io::IsTerminal, process::ExitCode, time::Duration};

use adjutant_bus::{actor::Tenant, event::Outcome, ports::Bus, request::Request};
use adjutant_workers::words;
use anyhow::Result;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use crate::{
    console::{self, Ended, Session, Style, Who},
    output,
};

/// What to run, and how to tell.
#[derive(Clone, Debug)]
pub(crate) struct RunOptions {
    /// Who asks.
    pub(crate) user: String,
    /// Their groups.
    pub(crate) groups: Vec<String>,
    /// Print JSON.
    pub(crate) json: bool,
    /// How long to wait.
    pub(crate) timeout: Duration,
    /// The line.
    pub(crate) words: Vec<String>,
}

/// Exit statuses of `run`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// It did what was asked.
    Succeeded = 0,
    /// It was refused.
    Refused = 3,
    /// It failed, was cancelled or rejected.
    Failed = 4,
    /// How it ended, or whether, is not known.
    Unknown = 5,
}

impl From<Outcome> for Exit {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Succeeded => Self::Succeeded,
            Outcome::Refused => Self::Refused,
            Outcome::Failed | Outcome::Rejected | Outcome::Cancelled => Self::Failed,
            Outcome::TimedOut | Outcome::Interrupted | Outcome::Expired => Self::Unknown,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Asks, waits, prints.
///
/// # Errors
/// When the bus cannot be followed at all.
pub(crate) async fn run(bus: Bus, tenant: &Tenant, options: &RunOptions) -> Result<Exit> {
    let who = Who { user: &options.user, groups: &options.groups };
    let until = Timestamp::now().saturating_add(SignedDuration::try_from(options.timeout)?)?;
    let request = console::request(tenant, &who, &line(&options.words), Some(until));
    let mut session = Session::open(bus, tenant.clone()).await?;
    let asked = tokio::time::timeout(options.timeout, ask(&mut session, &request)).await;
    Ok(match asked {
        Ok(Ok(ended)) => {
            print(&ended, &request, options.json);
            ended.outcome.into()
        }
        Ok(Err(error)) => {
            unanswered(&error.to_string(), &request, options.json);
            if error.nothing_was_done() { Exit::Refused } else { Exit::Unknown }
        }
        Err(_) => {
            let run = request.id.run();
            let told = format!(
                "No answer within {:?}. `status {run}` tells how it stands; it does not start any more if it has not.",
                options.timeout
            );
            unanswered(&told, &request, options.json);
            Exit::Unknown
        }
    })
}

async fn ask(session: &mut Session, request: &Request) -> Result<Ended, console::AskError> {
    let terminal = std::io::stderr().is_terminal();
    session
        .ask(request, |shown| match shown {
            console::Shown::Waiting(run) => {
                output::complain(&format!("Accepted as run {run}; no worker has taken it yet."));
            }
            console::Shown::Progress(run, progress) if terminal => {
                output::complain(&format!("run {run}: {}", console::safe(&progress.text)));
            }
            _ => {}
        })
        .await
}

/// There is no answer, and why.
fn unanswered(why: &str, request: &Request, as_json: bool) {
    if as_json {
        let run = request.id.run().to_string();
        output::say(&json!({ "run": run, "request": request.id, "outcome": null, "error": why }).to_string());
    } else {
        output::complain(why);
    }
}

fn print(ended: &Ended, request: &Request, as_json: bool) {
    if as_json {
        let result = json!({
            "run": ended.run.to_string(),
            "request": request.id,
            "outcome": ended.outcome,
            "duration_ms": u64::try_from(ended.took.as_millis()).unwrap_or(0),
            "reply": ended.reply,
        });
        output::say(&result.to_string());
    } else {
        output::say(&console::render(&ended.reply, Style::of_stdout()));
    }
}

/// One word is the whole line; of several, those are quoted that would not come through as one word.
fn line(given: &[String]) -> String {
    if let [only] = given {
        return only.clone();
    }
    let odd =
        |word: &str| word.is_empty() || word.contains(|c: char| c.is_whitespace() || c == '"' || c == '\'');
    let keep = |word: &String| match word.split_once('=') {
        // A flag or a named argument stays one: only its value is quoted.
        Some((name, value)) if odd(value) && !odd(name) => format!("{name}={}", words::quote(value)),
        _ if odd(word) => words::quote(word),
        _ => word.clone(),
    };
    given.iter().map(keep).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_come_through_the_shell_as_they_were_meant() {
        let line = |words: &[&str]| line(&words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>());
        assert_eq!(line(&["deploy list --env \"x\""]), "deploy list --env \"x\"");
        assert_eq!(
            line(&["deploy", "promote", "--reason=it is due", "a=b c"]),
            "deploy promote --reason=\"it is due\" a=\"b c\""
        );
        assert_eq!(line(&["ping", "two words", "--x"]), "ping \"two words\" --x");
    }

    #[test]
    fn each_outcome_has_its_exit_status() {
        let status = |outcome: Outcome| Exit::from(outcome) as u8;
        let all = [
            (Outcome::Succeeded, 0),
            (Outcome::Refused, 3),
            (Outcome::Failed, 4),
            (Outcome::Rejected, 4),
            (Outcome::Cancelled, 4),
            (Outcome::TimedOut, 5),
            (Outcome::Interrupted, 5),
            (Outcome::Expired, 5),
        ];
        assert!(all.into_iter().all(|(outcome, code)| status(outcome) == code));
    }
}
