//! A reply as plain text: for the file that a reply too long for messages becomes.

use adjutant_bus::reply::{Block, Reply};

/// The whole of a reply, its Markdown as it was written.
pub(super) fn text(reply: &Reply) -> String {
    let title = Some(reply.title.clone()).filter(|title| !title.is_empty());
    let actions = reply.actions.iter().map(|button| format!("{}: {}", button.label, button.command));
    title.into_iter().chain(reply.body.iter().map(block)).chain(actions).collect::<Vec<_>>().join("\n")
}

fn block(block: &Block) -> String {
    let lines = |lines: Vec<String>| lines.join("\n");
    match block {
        Block::Text { text } | Block::Code { text, .. } => text.clone(),
        Block::Fields { fields } => {
            lines(fields.iter().map(|field| format!("{}: {}", field.label, field.value)).collect())
        }
        Block::Table { columns, rows } => {
            lines(std::iter::once(columns).chain(rows).map(|cells| cells.join("\t")).collect())
        }
        Block::List { items } => lines(items.iter().map(|item| format!("- {item}")).collect()),
    }
}
