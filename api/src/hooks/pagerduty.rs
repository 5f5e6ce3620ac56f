//! PagerDuty's Events API v2, as input: whoever can page PagerDuty can post here. The `routing_key` is a secret of the sender's
//! and is never looked at. A trigger without `dedup_key` opens no matter, for nothing could refer to it later.

use adjutant_bus::announcement::{NoticeAction, Severity};

use super::{
    Delivery, HookError,
    draft::Draft,
    node::{self, Node},
};

/// How many links and images are looked at.
const LINKS: usize = 20;

pub(super) fn read(body: &[u8]) -> Result<Delivery, HookError> {
    let value = node::parse(body)?;
    let root = Node::root(&value)?;
    let action = match root.needed_text("event_action")? {
        "trigger" => NoticeAction::Trigger,
        "acknowledge" => NoticeAction::Acknowledge,
        "resolve" => NoticeAction::Resolve,
        _ => return Err(unfit(&root, "event_action", "`trigger`, `acknowledge` or `resolve`")),
    };
    let payload = match action {
        NoticeAction::Trigger => Some(root.needed_object("payload")?),
        _ => root.object("payload")?,
    };
    let mut draft = match &payload {
        Some(payload) => described(payload, action)?,
        None => Draft::new(said_of(action), Severity::Info),
    };
    match (root.text("dedup_key")?, action) {
        (Some(key), _) if !key.is_empty() => draft.matter(key, action),
        (_, NoticeAction::Trigger) => {}
        _ => {
            root.needed_text("dedup_key")?;
        }
    }
    link_all(&root, &mut draft)?;
    Ok(Delivery { id: None, message: draft.finish() })
}

fn described(payload: &Node<'_>, action: NoticeAction) -> Result<Draft, HookError> {
    let (summary, severity) = match action {
        NoticeAction::Trigger => (payload.needed_text("summary")?, payload.needed_text("severity")?),
        _ => {
            (payload.text("summary")?.unwrap_or(said_of(action)), payload.text("severity")?.unwrap_or("info"))
        }
    };
    let severity = match severity {
        "critical" => Severity::Critical,
        "error" => Severity::Error,
        "warning" => Severity::Warning,
        "info" => Severity::Info,
        _ => return Err(unfit(payload, "severity", "`critical`, `error`, `warning` or `info`")),
    };
    let mut draft = Draft::new(summary, severity);
    draft.text(summary);
    for (name, label) in
        [("source", "Source"), ("component", "Component"), ("group", "Group"), ("class", "Class")]
    {
        if let Some(value) = payload.text(name)? {
            draft.field(label, value);
        }
    }
    match payload.get("custom_details") {
        // The form says an object; senders are known to send text.
        Some(details) if details.value().is_object() => {
            for (name, value) in payload.members("custom_details")? {
                draft.field(name, &value);
            }
        }
        Some(details) => {
            if let Some(value) = node::scalar(details.value()) {
                draft.field("Details", &value);
            }
        }
        None => {}
    }
    Ok(draft)
}

fn link_all(root: &Node<'_>, draft: &mut Draft) -> Result<(), HookError> {
    if let (Some(client), Some(url)) = (root.text("client")?, root.text("client_url")?) {
        draft.link(client, url);
    }
    for link in root.objects("links", LINKS)?.0 {
        if let Some(url) = link.text("href")? {
            draft.link(link.text("text")?.unwrap_or("Link"), url);
        }
    }
    for image in root.objects("images", LINKS)?.0 {
        if let Some(url) = image.text("href")?.or(image.text("src")?) {
            draft.link(image.text("alt")?.unwrap_or("Image"), url);
        }
    }
    Ok(())
}

fn said_of(action: NoticeAction) -> &'static str {
    if action == NoticeAction::Acknowledge { "Acknowledged" } else { "Resolved" }
}

fn unfit(node: &Node<'_>, name: &'static str, expected: &'static str) -> HookError {
    node.get(name).map_or_else(|| node.unfit(expected), |member| member.unfit(expected))
}
