//! What Alertmanager's and Grafana's groups of alerts have in common.

use adjutant_bus::announcement::{NoticeAction, Severity};

use super::{
    draft::{self, Draft},
    error::HookError,
    node::Node,
};

/// How many alerts are shown; the rest are counted.
const SHOWN: usize = 10;
const ALERT_CHARS: usize = 220;
/// How many labels go into a title.
const TITLE_LABELS: usize = 4;

/// A group of alerts.
pub(super) struct Group<'a> {
    pub(super) root: Node<'a>,
    pub(super) alerts: Vec<Node<'a>>,
    total: u64,
    pub(super) firing: bool,
    severity: Severity,
}

impl<'a> Group<'a> {
    pub(super) fn read(root: Node<'a>) -> Result<Self, HookError> {
        let status = root.needed_text("status")?;
        let firing = match status {
            "firing" => true,
            "resolved" => false,
            _ => return Err(unknown_status()),
        };
        let (alerts, sent) = root.needed_objects("alerts", SHOWN)?;
        let total = (sent as u64).saturating_add(root.number("truncatedAlerts")?.unwrap_or(0));
        let severity = severity_of(&root, &alerts)?;
        Ok(Self { root, alerts, total, firing, severity })
    }

    /// Such as `[FIRING:2] HighLatency (prod)`.
    pub(super) fn title(&self) -> Result<String, HookError> {
        let mut name = None;
        let mut others = Vec::new();
        for (label, value) in self.root.members("groupLabels")? {
            if label == "alertname" {
                name = Some(draft::line(&value, 80));
            } else if others.len() < TITLE_LABELS {
                others.push(draft::line(&value, 40));
            }
        }
        if name.is_none() {
            name = label(&self.root, "commonLabels", "alertname")?.map(|value| draft::line(&value, 80));
        }
        let state = if self.firing { "FIRING" } else { "RESOLVED" };
        let name = name.unwrap_or_else(|| "alerts".into());
        let others = if others.is_empty() { String::new() } else { format!(" ({})", others.join(", ")) };
        Ok(format!("[{state}:{}] {name}{others}", self.total))
    }

    /// The message so far: title, matter, fields, and the links that annotations hold.
    pub(super) fn draft(&self, title: &str) -> Result<Draft, HookError> {
        let mut draft = Draft::new(title, self.severity);
        let action = if self.firing { NoticeAction::Trigger } else { NoticeAction::Resolve };
        draft.matter(self.root.needed_text("groupKey")?, action);
        for (name, value) in self.root.members("commonLabels")? {
            if name != "alertname" && !name.starts_with("__") {
                draft.field(name, &value);
            }
        }
        for (name, value) in self.root.members("commonAnnotations")? {
            if is_link(name) {
                draft.link(&link_label(name), &value);
            } else if !matches!(name, "summary" | "description" | "message") && !name.starts_with("__") {
                draft.field(name, &value);
            }
        }
        for alert in &self.alerts {
            for (name, value) in alert.members("annotations")?.filter(|(name, _)| is_link(name)) {
                draft.link(&link_label(name), &value);
            }
        }
        Ok(draft)
    }

    /// What the alerts say: what they share, then one line each.
    pub(super) fn text(&self) -> Result<String, HookError> {
        let mut text = Vec::new();
        for name in ["summary", "description", "message"] {
            text.extend(label(&self.root, "commonAnnotations", name)?.map(|said| draft::lines(&said, 1000)));
        }
        if self.total > 1 || text.is_empty() {
            for alert in &self.alerts {
                text.push(alert_line(alert)?);
            }
        }
        let more = self.total.saturating_sub(self.alerts.len() as u64);
        if more > 0 {
            text.push(format!("… and {more} more"));
        }
        Ok(text.join("\n"))
    }
}

fn unknown_status() -> HookError {
    HookError::Unfit {
        pointer: "/status".into(),
        expected: "`firing` or `resolved`",
        found: Some(super::Kind::String),
    }
}

fn alert_line(alert: &Node<'_>) -> Result<String, HookError> {
    let mut said = None;
    for name in ["summary", "description", "message"] {
        if said.is_none() {
            said = label(alert, "annotations", name)?;
        }
    }
    let name = label(alert, "labels", "alertname")?.unwrap_or_else(|| "alert".into());
    let place = label(alert, "labels", "instance")?.map(|at| format!(" at {}", draft::line(&at, 60)));
    let said = said.map(|said| format!(": {said}")).unwrap_or_default();
    let state = alert.text("status")?.unwrap_or("firing");
    let told = format!("{state} {}{}{said}", draft::line(&name, 80), place.unwrap_or_default());
    Ok(format!("- {}", draft::line(&told, ALERT_CHARS)))
}

/// One member of a map.
fn label<'a>(node: &Node<'a>, map: &'static str, name: &str) -> Result<Option<String>, HookError> {
    let mut members: Box<dyn Iterator<Item = (&'a str, _)>> = Box::new(node.members(map)?);
    let found =
        members.find(|(key, value): &(&str, std::borrow::Cow<'a, str>)| *key == name && !value.is_empty());
    Ok(found.map(|(_, value)| value.into_owned()))
}

fn is_link(annotation: &str) -> bool {
    let name = annotation.to_ascii_lowercase();
    !name.starts_with("__")
        && (name.ends_with("_url")
            || name.ends_with("url")
            || matches!(name.as_str(), "runbook" | "dashboard" | "dashboards" | "link"))
}

/// `runbook_url` as `Runbook`.
fn link_label(annotation: &str) -> String {
    let name = annotation.trim_end_matches("_url").trim_end_matches("URL").trim_end_matches("Url");
    let mut chars = name.chars();
    chars.next().map_or_else(|| "Link".into(), |first| first.to_uppercase().chain(chars).collect())
}

/// The severity that all share, or the worst of those shown; a group that names none is a warning.
fn severity_of(root: &Node<'_>, alerts: &[Node<'_>]) -> Result<Severity, HookError> {
    if let Some(severity) = label(root, "commonLabels", "severity")? {
        return Ok(severity_named(&severity));
    }
    let mut named = Vec::new();
    for alert in alerts {
        named.extend(label(alert, "labels", "severity")?.map(|name| severity_named(&name)));
    }
    Ok(named.into_iter().max_by_key(|&severity| rank(severity)).unwrap_or(Severity::Warning))
}

/// The names that rules use; there is no standard, and an unknown one is a warning.
fn severity_named(name: &str) -> Severity {
    match name.trim().to_ascii_lowercase().as_str() {
        "critical" | "crit" | "page" | "fatal" | "emergency" | "alert" | "disaster" | "p1" => {
            Severity::Critical
        }
        "error" | "err" | "high" | "major" | "p2" => Severity::Error,
        "info" | "information" | "informational" | "notice" | "low" | "none" | "debug" | "p4" | "p5" => {
            Severity::Info
        }
        "ok" | "success" => Severity::Success,
        _ => Severity::Warning,
    }
}

fn rank(severity: Severity) -> u8 {
    match severity {
        Severity::Success => 0,
        Severity::Info => 1,
        Severity::Warning => 2,
        Severity::Error => 3,
        Severity::Critical => 4,
    }
}
