//! From a reply to Slack messages: Block Kit within every limit. Text travels as rich text, in which nothing is a mention or
//! markup; what is too long is split into several messages, and what is longer still becomes a file. Nothing is cut silently.
//! Source of the limits: Slack, "Block Kit" reference and "Truncating messages".

mod blocks;
mod markdown;
mod plain;
mod split;
#[cfg(test)]
mod tests;

use adjutant_bus::{
    event::{Outcome, Progress},
    id::RunId,
    reply::{Reply, Tone},
};
use adjutant_gateway::Foot;
use serde_json::{Value, json};

use self::split::Part;

/// Most messages that one reply is split into; a longer one becomes a file.
const MOST_MESSAGES: usize = 4;
/// A title longer than this is text like any other.
const TITLE: usize = 1_000;
/// Most characters of a sender's name.
const SENDER: usize = 200;
/// Most characters of the text that notifications and old clients show.
const FALLBACK: usize = 3_000;

/// One message.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Message {
    /// What notifications and screen readers say; escaped.
    pub(crate) text: String,
    pub(crate) blocks: Vec<Value>,
}

/// A file that goes with a reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct File {
    pub(crate) name: String,
    pub(crate) content: String,
}

/// A reply as Slack takes it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Rendered {
    /// At least one, in order.
    pub(crate) messages: Vec<Message>,
    pub(crate) files: Vec<File>,
}

/// What stands below a final reply.
fn below(foot: &Foot) -> String {
    let asker =
        foot.asker.as_ref().map(|user| format!(" · asked by <@{}>", escape(user))).unwrap_or_default();
    format!("run `{}`{}{asker}", foot.run, foot.ending())
}

/// A final reply.
pub(crate) fn reply(reply: &Reply, foot: &Foot) -> Rendered {
    whole(reply, Some(&below(foot)))
}

/// A reply that no run stands behind.
pub(crate) fn bare(reply: &Reply) -> Rendered {
    whole(reply, None)
}

/// A notice, with who sends it below.
pub(crate) fn notice(reply: &Reply, from: &str) -> Rendered {
    whole(reply, Some(&format!("from {}", escape(&cut(from, SENDER)))))
}

fn whole(reply: &Reply, foot: Option<&str>) -> Rendered {
    let mut files = Vec::new();
    let mut parts = title(reply);
    for block in &reply.body {
        parts.extend(blocks::parts(block, &mut files));
    }
    let buttons = blocks::buttons(&reply.actions);
    let messages = split::messages(parts);
    let mut messages = if messages.len() > MOST_MESSAGES {
        files.clear();
        files.push(File { name: "answer.txt".to_owned(), content: plain::text(reply) });
        let told =
            json!({ "type": "text", "text": "The answer is too long for a message: it is in the file." });
        let short = title(&Reply { title: cut(&reply.title, TITLE), ..reply.clone() })
            .into_iter()
            .chain([Part::rich(vec![blocks::section(vec![told])])]);
        split::messages(short.collect())
    } else {
        messages
    };
    if let Some(attachment) = &reply.attachment {
        files.push(File { name: attachment.name.clone(), content: attachment.content.clone() });
    }
    if messages.is_empty() {
        messages.push(Vec::new());
    }
    if let Some(last) = messages.last_mut() {
        last.extend(buttons);
        last.extend(foot.map(context));
        if last.is_empty() {
            last.push(context("Done."));
        }
    }
    let fallback = cut(&escape(&plain::spoken(reply)), FALLBACK);
    let count = messages.len();
    let text =
        |index: usize| if index == 0 { fallback.clone() } else { format!("(part {} of {count})", index + 1) };
    let messages = messages.into_iter().enumerate();
    Rendered {
        messages: messages.map(|(index, blocks)| Message { text: text(index), blocks }).collect(),
        files,
    }
}

fn title(reply: &Reply) -> Vec<Part> {
    if reply.title.is_empty() {
        return Vec::new();
    }
    if reply.title.chars().count() > TITLE {
        return blocks::plain(&reply.title);
    }
    let mut elements: Vec<Value> = match reply.tone {
        Tone::Info => Vec::new(),
        Tone::Success => emoji("white_check_mark"),
        Tone::Warning => emoji("warning"),
        Tone::Failure => emoji("x"),
    };
    elements.extend(markdown::backticks(&reply.title));
    vec![Part::rich(vec![blocks::section(elements)])]
}

fn emoji(name: &str) -> Vec<Value> {
    vec![json!({ "type": "emoji", "name": name }), json!({ "type": "text", "text": " " })]
}

/// What is shown while a request is on its way.
pub(crate) fn working(command: &str, progress: Option<&Progress>, run: RunId) -> Message {
    let what = if command.is_empty() { "your command".to_owned() } else { command.to_owned() };
    let step = progress.map(|progress| {
        let percent = progress.percent.map(|percent| format!(" ({percent} %)")).unwrap_or_default();
        format!("{}{percent}", progress.text)
    });
    let mut elements = emoji("hourglass_flowing_sand");
    elements.push(json!({ "type": "text", "text": "Working on " }));
    elements.push(json!({ "type": "text", "text": cut(&what, 500), "style": { "code": true } }));
    if let Some(step) = &step {
        elements.push(json!({ "type": "text", "text": format!("\n{}", cut(step, 1_000)) }));
    }
    let text = format!("Working on {what}{}", step.map(|step| format!(": {step}")).unwrap_or_default());
    let block = json!({ "type": "rich_text", "elements": [blocks::section(elements)] });
    Message { text: cut(&escape(&text), FALLBACK), blocks: vec![block, context(&format!("run `{run}`"))] }
}

/// What a message that showed progress says when the result stands in a message of its own.
pub(crate) fn finished(command: &str, outcome: Outcome, run: RunId) -> Message {
    let how = outcome.as_str().replace('_', " ");
    let elements = vec![
        json!({ "type": "text", "text": cut(command, 500), "style": { "code": true } }),
        json!({ "type": "text", "text": format!(" {how}. The answer is below.") }),
    ];
    let elements = if command.is_empty() { elements.into_iter().skip(1).collect() } else { elements };
    let block = json!({ "type": "rich_text", "elements": [blocks::section(elements)] });
    let text = cut(&escape(&format!("{command} {how}. The answer is below.")), FALLBACK);
    Message { text, blocks: vec![block, context(&format!("run `{run}`"))] }
}

/// A line of small text. The text is mrkdwn.
fn context(text: &str) -> Value {
    json!({ "type": "context", "elements": [{ "type": "mrkdwn", "text": text, "verbatim": true }] })
}

/// The whole of a reply as plain text.
pub(crate) fn as_text(reply: &Reply) -> String {
    plain::text(reply)
}

/// Text in which nothing is markup or a mention (Slack: "Escaping text").
pub(crate) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// At most so many characters, with an ellipsis in place of what does not fit. For labels and fallbacks only.
pub(crate) fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most.saturating_sub(1)).chain(['…']).collect()
}
