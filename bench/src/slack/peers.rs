//! Slack's own frameworks, as processes, where they are installed: an echo in each, as their documentation begins.

use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result};

/// A framework.
#[derive(Clone, Copy, Debug)]
pub(super) enum Peer {
    /// Bolt for JavaScript, found by node in `bench/peers`.
    JavaScript,
    /// Bolt for Python, found by python3.
    Python,
}

/// Ends the process with the measurement.
pub(super) struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Those that are installed.
pub(super) fn installed() -> Vec<Peer> {
    let works = |program: &str, args: &[&str]| {
        let tried = Command::new(program)
            .args(args)
            .current_dir("bench/peers")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        tried.is_ok_and(|status| status.success())
    };
    let mut found = Vec::new();
    if works("node", &["-e", "require('@slack/bolt')"]) {
        found.push(Peer::JavaScript);
    }
    if works("python3", &["-c", "import slack_bolt, aiohttp"]) {
        found.push(Peer::Python);
    }
    found
}

impl Peer {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::JavaScript => "Bolt for JavaScript",
            Self::Python => "Bolt for Python",
        }
    }

    pub(super) fn start(self, api: &str) -> Result<Process> {
        let (program, file) = match self {
            Self::JavaScript => ("node", "bolt.js"),
            Self::Python => ("python3", "bolt.py"),
        };
        let child = Command::new(program)
            .arg(file)
            .current_dir("bench/peers")
            .env("SLACK_API", format!("{api}/"))
            .stdout(Stdio::null())
            .spawn();
        Ok(Process(child.with_context(|| format!("{program} cannot be started"))?))
    }
}
