//! A reply as plain text: for notifications, screen readers, and the file that a reply too long for messages becomes.

use adjutant_bus::reply::{Block, Reply};
use pulldown_cmark::{Event, Parser, Tag, TagEnd};

/// What a reply says, without Markdown: for notifications and screen readers.
pub(super) fn spoken(reply: &Reply) -> String {
    let unmarked = |block: &Block| match block {
        Block::Text { text } => Block::Text { text: unmarked(text) },
        Block::List { items } => Block::List { items: items.iter().map(|item| unmarked(item)).collect() },
        other => other.clone(),
    };
    text(&Reply { body: reply.body.iter().map(unmarked).collect(), ..reply.clone() })
}

/// Markdown as the text that it shows. The address of a link stands behind it.
fn unmarked(markdown: &str) -> String {
    let mut out = String::with_capacity(markdown.len());
    let mut link = None;
    for event in Parser::new(markdown) {
        match event {
            Event::Text(text) | Event::Code(text) | Event::Html(text) | Event::InlineHtml(text) => {
                out.push_str(&text);
            }
            Event::Start(Tag::Item) => out.push_str("- "),
            Event::Start(Tag::Link { dest_url, .. }) => link = Some(dest_url),
            Event::End(TagEnd::Link) => {
                let target = link.take().filter(|target| !out.ends_with(target.as_ref()));
                out.extend(target.map(|target| format!(" ({target})")));
            }
            Event::SoftBreak => out.push(' '),
            Event::HardBreak | Event::End(TagEnd::Paragraph | TagEnd::Item | TagEnd::Heading(_)) => {
                out.push('\n')
            }
            _ => {}
        }
    }
    out.trim_end().to_owned()
}

/// The whole of a reply, its Markdown as it was written.
pub(super) fn text(reply: &Reply) -> String {
    let mut parts = Vec::new();
    if !reply.title.is_empty() {
        parts.push(reply.title.clone());
    }
    parts.extend(reply.body.iter().map(block));
    parts.extend(reply.actions.iter().map(|button| format!("{}: {}", button.label, button.command)));
    parts.join("\n")
}

fn block(block: &Block) -> String {
    match block {
        Block::Text { text } | Block::Code { text, .. } => text.clone(),
        Block::Fields { fields } => fields
            .iter()
            .map(|field| format!("{}: {}", field.label, field.value))
            .collect::<Vec<_>>()
            .join("\n"),
        Block::Table { columns, rows } => {
            std::iter::once(columns).chain(rows).map(|cells| cells.join("\t")).collect::<Vec<_>>().join("\n")
        }
        Block::List { items } => items.iter().map(|item| format!("- {item}")).collect::<Vec<_>>().join("\n"),
    }
}
