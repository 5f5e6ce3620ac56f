//! From a reply to Discord messages: one embed each, within every limit. Text is escaped, so that nothing in it is a mention
//! or markup; what is too long is split into several messages, and what is longer still becomes a file. Nothing is cut
//! silently. Source of the limits: Discord, "Message" and "Component" reference.

mod blocks;
mod buttons;
mod escape;
mod markdown;
mod message;
mod plain;
mod split;
mod table;
#[cfg(test)]
mod tests;

use adjutant_bus::{
    event::{Outcome, Progress},
    id::RunId,
    reply::{Block, Reply, Tone},
};
use adjutant_gateway::Foot;

use self::{
    escape::{backticks, code, units},
    message::Embed,
    split::Part,
};
pub(crate) use self::{
    escape::{cut, escape},
    message::Message,
};

/// Prefix of a button's `custom_id`; the whole command line follows.
pub(crate) const RUN: &str = "run:";

/// Most messages that one reply is split into; a longer one becomes a file.
const MOST_MESSAGES: usize = 4;
/// Most files of a message (Discord: 10), with room for the reply's own.
const MOST_FILES: usize = 9;
/// Most of an embed's title (Discord); a longer one is text like any other.
const TITLE: usize = 256;
/// Most of a sender's name.
const SENDER: usize = 200;
/// Most of an asker that is not a user's id.
const ASKER: usize = 20;
/// Most of a command and of a step in a message that shows progress.
const COMMAND: usize = 500;
const STEP: usize = 1_000;
/// Most of a sentence of our own, before it is escaped.
const SENTENCE: usize = 900;

/// A file that goes with a reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct File {
    pub(crate) name: String,
    pub(crate) content: String,
}

/// A reply as Discord takes it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Rendered {
    /// At least one, in order.
    pub(crate) messages: Vec<Message>,
    /// They go with the last message.
    pub(crate) files: Vec<File>,
}

/// What stands below a final reply.
fn below(foot: &Foot) -> String {
    format!("{}{}", begins(foot.run), foot.ending())
}

fn begins(run: RunId) -> String {
    format!("run {run}")
}

/// Whether this stands below the final reply of a run. What shows that it is on its way ends with its id.
pub(crate) fn is_below_answer(text: &str, run: RunId) -> bool {
    text.strip_prefix(&begins(run)).is_some_and(|ending| !ending.is_empty())
}

/// Footers show no mentions, so this stands above.
fn asked(foot: &Foot) -> Option<String> {
    let id = |asker: &str| asker.len() <= 20 && asker.bytes().all(|c| c.is_ascii_digit());
    foot.asker.as_deref().filter(|asker| !asker.is_empty()).map(|asker| {
        let who = if id(asker) { format!("<@{asker}>") } else { escape(&cut(asker, ASKER)) };
        format!("asked by {who}")
    })
}

/// A final reply.
pub(crate) fn reply(reply: &Reply, foot: &Foot) -> Rendered {
    whole(reply, Some(below(foot)), asked(foot))
}

/// A reply that no run stands behind.
pub(crate) fn bare(reply: &Reply) -> Rendered {
    whole(reply, None, None)
}

/// A notice, with who sends it below.
pub(crate) fn notice(reply: &Reply, from: &str) -> Rendered {
    whole(reply, Some(format!("from {}", escape::visible(&cut(from, SENDER)))), None)
}

fn whole(reply: &Reply, foot: Option<String>, asked: Option<String>) -> Rendered {
    let buttons = buttons::buttons(&reply.actions);
    let (title, mut parts) = title(reply);
    let mut files = Vec::new();
    parts.extend(body(reply, buttons.typed, &mut files));
    let mut drafts = split::messages(parts);
    let mut title = title;
    if drafts.len() > MOST_MESSAGES || files.len() > MOST_FILES {
        files = vec![File { name: "answer.txt".to_owned(), content: plain::text(reply) }];
        let told = "The answer is too long for a message: it is in the file.".to_owned();
        drafts = split::messages(vec![Part::text(told)]);
        title = title.or_else(|| heading(&Reply { title: cut(&reply.title, TITLE / 4), ..reply.clone() }));
    }
    files.extend(
        reply
            .attachment
            .as_ref()
            .map(|attachment| File { name: attachment.name.clone(), content: attachment.content.clone() }),
    );
    if drafts.is_empty() {
        drafts.push(split::Draft::default());
    }
    let count = drafts.len();
    let mut rows = Some(buttons.rows);
    let embed = |(index, draft): (usize, split::Draft)| {
        let last = index + 1 == count;
        let part = (count > 1).then(|| format!("part {} of {count}", index + 1));
        let below: Vec<String> = foot.clone().filter(|_| last).into_iter().chain(part).collect();
        let mut text = draft.text;
        if let Some(asked) = asked.as_ref().filter(|_| last) {
            split::append(&mut text, "\n\n", asked);
        }
        let embed = Embed {
            tone: reply.tone,
            title: title.clone().filter(|_| index == 0),
            text,
            fields: draft.fields,
            foot: Some(below.join(" · ")).filter(|foot| !foot.is_empty()),
        };
        Message::embed(embed, if last { rows.take().unwrap_or_default() } else { Vec::new() })
    };
    Rendered { messages: drafts.into_iter().enumerate().map(embed).collect(), files }
}

/// Labelled values that end a reply become fields of the embed, which Discord shows below everything else; others stand
/// where they are.
fn body(reply: &Reply, typed: Vec<Part>, files: &mut Vec<File>) -> Vec<Part> {
    let fields = |block: &&Block| matches!(block, Block::Fields { .. });
    let ending = reply.body.iter().rev().take_while(fields).count();
    let (before, ending) =
        reply.body.split_at_checked(reply.body.len().saturating_sub(ending)).unwrap_or_default();
    let mut parts: Vec<Part> = before.iter().flat_map(|block| blocks::parts(block, files)).collect();
    match blocks::fields(ending).filter(|_| typed.is_empty()) {
        Some(fields) => parts.push(fields),
        None => parts.extend(ending.iter().flat_map(|block| blocks::parts(block, files))),
    }
    parts.extend(typed);
    parts
}

/// The title, or what stands in its place where it is too long to be one.
fn title(reply: &Reply) -> (Option<String>, Vec<Part>) {
    let heading = heading(reply);
    let long = heading.is_none() && !reply.title.trim().is_empty();
    (heading, if long { blocks::long_title(&reply.title) } else { Vec::new() })
}

/// A colour is not all that tells how it went, as not everybody sees it.
fn heading(reply: &Reply) -> Option<String> {
    let sign = match reply.tone {
        Tone::Info => "",
        Tone::Success => "✅ ",
        Tone::Warning => "⚠️ ",
        Tone::Failure => "❌ ",
    };
    let line = reply.title.split_whitespace().collect::<Vec<_>>().join(" ");
    let title = format!("{sign}{}", backticks(&line));
    (!line.is_empty() && units(&title) <= TITLE).then_some(title)
}

/// A sentence of our own, in which backticks set code apart.
pub(crate) fn plain(text: &str) -> Message {
    Message::content(backticks(&cut(text, SENTENCE)))
}

/// What is shown while a request is on its way.
pub(crate) fn working(command: &str, progress: Option<&Progress>, run: RunId) -> Message {
    let what =
        if command.trim().is_empty() { "your command".to_owned() } else { code(&cut(command, COMMAND)) };
    let mut text = format!("⏳ Working on {what}");
    if let Some(progress) = progress {
        let percent = progress.percent.map(|percent| format!(" ({percent} %)")).unwrap_or_default();
        text.push_str(&format!("\n{}{percent}", escape(&cut(&progress.text, STEP))));
    }
    state(text, run)
}

/// What a message that showed progress says when the result stands in a message of its own.
pub(crate) fn finished(command: &str, outcome: Outcome, run: RunId) -> Message {
    let how = outcome.as_str().replace('_', " ");
    let what = if command.trim().is_empty() { String::new() } else { code(&cut(command, COMMAND)) + " " };
    state(format!("{what}{how}. The answer is below."), run)
}

fn state(text: String, run: RunId) -> Message {
    let embed =
        Embed { tone: Tone::Info, title: None, text, fields: Vec::new(), foot: Some(format!("run {run}")) };
    Message::embed(embed, Vec::new())
}

/// The whole of a reply as plain text.
pub(crate) fn as_text(reply: &Reply) -> String {
    plain::text(reply)
}
