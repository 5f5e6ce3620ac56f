//! Prometheus Alertmanager's webhook, version 4 (prometheus.io/docs/alerting/latest/configuration/#webhook_config). Every
//! notification is one message: the group is the matter. It has no id, for a repeated notification is meant to be one.

use super::{Delivery, HookError, alerts::Group, node};

pub(super) fn read(body: &[u8]) -> Result<Delivery, HookError> {
    let value = node::parse(body)?;
    let group = Group::read(node::Node::root(&value)?)?;
    let mut draft = group.draft(&group.title()?)?;
    draft.text(&group.text()?);
    if let Some(url) = group.root.text("externalURL")? {
        draft.link("Alertmanager", url);
    }
    for alert in &group.alerts {
        if let Some(url) = alert.text("generatorURL")? {
            draft.link("Source", url);
        }
    }
    Ok(Delivery { id: None, message: draft.finish() })
}
