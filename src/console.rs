//! The console gateway: the terminal as a chat, and the pattern for every other gateway. Receive a line, make a request of
//! it, deliver it, follow its journal, render what it says.

mod deliver;
mod inbound;
mod markdown;
mod notices;
mod outbound;
mod prompt;
mod render;
mod session;
mod slash;

use std::{
    collections::BTreeMap,
    io::{IsTerminal, Write},
    path::PathBuf,
    sync::Arc,
};

use adjutant_bus::{actor::Tenant, notice::Notice, ports::Bus};
use anyhow::Result;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, BufReader},
    sync::mpsc,
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;

use crate::output;

pub(crate) use self::{
    inbound::{Who, request},
    notices::{Reader, follow as follow_notices},
    outbound::{Ended, Shown},
    render::{Style, render, safe},
    session::{AskError, Session},
};
use self::{
    prompt::{Input, Prompter},
    slash::Slash,
};

/// Most bytes of one line that is piped in.
const LONGEST_LINE: u64 = 64 * 1024;

/// Notices that wait while a command runs.
const WAITING: usize = 64;

/// The names that can be completed, asked for at each completion.
pub(crate) type Completions = Arc<dyn Fn() -> Vec<String> + Send + Sync>;

/// Who may be at the terminal.
#[derive(Clone, Debug)]
pub(crate) struct ConsoleConfig {
    /// Name of this console among others on the same bus.
    pub(crate) tenant: Tenant,
    /// Policy groups of each user by name.
    pub(crate) users: BTreeMap<String, Vec<String>>,
    /// Who types at first.
    pub(crate) user: String,
    /// File that remembers the lines typed.
    pub(crate) history: Option<PathBuf>,
}

impl ConsoleConfig {
    /// The groups of a user; none for one who is not configured.
    pub(crate) fn groups(&self, user: &str) -> Vec<String> {
        self.users.get(user).cloned().unwrap_or_default()
    }

    /// `ana (Engineering)`.
    fn shown(&self, user: &str) -> String {
        let groups = self.groups(user);
        if groups.is_empty() { user.to_owned() } else { format!("{user} ({})", groups.join(", ")) }
    }
}

/// Reads lines until their end or until `stop`, and answers each. On a terminal with editing, history and completion.
pub(crate) async fn run(
    config: ConsoleConfig,
    bus: Bus,
    completions: Completions,
    stop: CancellationToken,
) -> Result<()> {
    let session = Session::open(bus.clone(), config.tenant.clone()).await?;
    let (reader, notices) = mpsc::channel(WAITING);
    let over = stop.child_token();
    let mut following = JoinSet::new();
    following.spawn(notices::follow(bus, config.tenant.clone(), Reader::Terminal(reader), over.clone()));
    let terminal = std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
    let style = Style::of_stdout();
    let mut console = Console { user: config.user.clone(), config, session, style, notices };
    let ended = if terminal { console.prompt(completions, stop).await } else { console.lines(stop).await };
    over.cancel();
    following.join_next().await;
    ended
}

/// Waits for what is read, and shows the notices that come meanwhile.
async fn meanwhile<T>(
    notices: &mut mpsc::Receiver<Notice>,
    style: Style,
    show: impl Fn(&str),
    read: impl Future<Output = T>,
) -> T {
    tokio::pin!(read);
    loop {
        tokio::select! {
            biased;
            Some(notice) = notices.recv() => show(&render::notice(&notice, style)),
            read = &mut read => return read,
        }
    }
}

struct Console {
    config: ConsoleConfig,
    user: String,
    session: Session,
    style: Style,
    notices: mpsc::Receiver<Notice>,
}

impl Console {
    async fn prompt(&mut self, completions: Completions, stop: CancellationToken) -> Result<()> {
        let mut prompter = Prompter::start(self.config.history.clone(), completions)?;
        loop {
            let shown = self.config.shown(&self.user);
            let above = prompter.above();
            let show = |text: &str| above.print(text);
            let read = meanwhile(&mut self.notices, self.style, show, prompter.read(shown));
            let Some(input) = stop.run_until_cancelled(read).await else { return Ok(()) };
            match input {
                Input::Line(line) => {
                    if stop.run_until_cancelled(self.line(&line)).await != Some(true) {
                        return Ok(());
                    }
                }
                Input::Cleared => {}
                Input::End => return Ok(()),
            }
        }
    }

    async fn lines(&mut self, stop: CancellationToken) -> Result<()> {
        let mut input = BufReader::new(tokio::io::stdin());
        loop {
            let mut line = Vec::new();
            // A line beyond the limit is cut there, and refused for its length as the rest would be.
            let mut limited = (&mut input).take(LONGEST_LINE);
            let read =
                meanwhile(&mut self.notices, self.style, output::say, limited.read_until(b'\n', &mut line));
            match stop.run_until_cancelled(read).await {
                Some(Ok(0)) | None => return Ok(()),
                Some(Ok(_)) => {
                    let line = String::from_utf8_lossy(&line).into_owned();
                    if stop.run_until_cancelled(self.line(&line)).await != Some(true) {
                        return Ok(());
                    }
                }
                Some(Err(error)) => return Err(error.into()),
            }
        }
    }

    /// Answers one line; says whether to go on.
    async fn line(&mut self, line: &str) -> bool {
        let line = line.trim();
        if line.is_empty() {
            return true;
        }
        if let Some(slash) = Slash::read(line, &self.config) {
            return match slash {
                Slash::As(user) => {
                    self.user = user;
                    true
                }
                Slash::Say(text) => {
                    self.say(&text);
                    true
                }
                Slash::Quit => false,
            };
        }
        let who = inbound::Who { user: &self.user, groups: &self.config.groups(&self.user) };
        let request = inbound::request(&self.config.tenant, &who, line, None);
        let progress = self.style.live;
        let asked = self.session.ask(&request, |shown| match shown {
            shown if progress => render::progress(&shown),
            Shown::Waiting(run) => {
                output::complain(&format!("Accepted as run {run}; no worker has taken it yet."))
            }
            _ => {}
        });
        let text = match asked.await {
            Ok(ended) => render::ended(&ended, self.style),
            Err(error) => format!("{error}\n"),
        };
        if progress {
            render::clear_progress();
        }
        self.say(&text);
        true
    }

    fn say(&self, text: &str) {
        let mut out = anstream::stdout();
        // A terminal that is gone is noticed when the next line is read.
        let _ = out.write_all(text.as_bytes());
        let _ = if text.ends_with('\n') { Ok(()) } else { out.write_all(b"\n") };
        let _ = out.flush();
    }
}
