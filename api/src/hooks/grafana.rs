//! Grafana's webhook contact point (unified alerting): Alertmanager's form with a title, a message and more links. Like there,
//! every notification is one message and has no id.

use super::{Delivery, HookError, alerts::Group, draft, node};

pub(super) fn read(body: &[u8]) -> Result<Delivery, HookError> {
    let value = node::parse(body)?;
    let group = Group::read(node::Node::root(&value)?)?;
    let title = match group.root.text("title")?.map(str::trim) {
        Some(title) if !title.is_empty() => title.to_owned(),
        _ => group.title()?,
    };
    let mut draft = group.draft(&title)?;
    // The default template's message repeats every label and link of every alert, which the fields and links say better.
    match group.root.text("message")?.map(str::trim) {
        Some(said) if !said.is_empty() && !said.starts_with("**") => draft.text(said),
        _ => draft.text(&group.text()?),
    }
    for alert in &group.alerts {
        for (name, value) in alert.members("values")? {
            draft.field(&format!("value {}", draft::line(name, 40)), &value);
        }
        let links = [
            ("dashboardURL", "Dashboard"),
            ("panelURL", "Panel"),
            ("silenceURL", "Silence"),
            ("generatorURL", "Rule"),
        ];
        for (name, label) in links {
            if let Some(url) = alert.text(name)? {
                draft.link(label, url);
            }
        }
    }
    if let Some(url) = group.root.text("externalURL")? {
        draft.link("Grafana", url);
    }
    Ok(Delivery { id: None, message: draft.finish() })
}
