//! A reply as plain text: for notifications, screen readers, and the file that a reply too long for messages becomes.

use adjutant_bus::reply::{Block, Reply};

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
