//! `policy show`: a policy as people read it.

use std::{io::IsTerminal, process::ExitCode};

use adjutant_policies::Stated;
use anyhow::Result;
use serde_json::json;

use super::source::Source;
use crate::{
    cli::PolicyShow,
    config::Config,
    output,
    roles::admin::{could_not_run, print, table},
};

/// Characters of a line where no terminal tells its width.
const USUAL: u16 = 80;

pub(super) async fn show(config: &Config, asked: PolicyShow) -> Result<ExitCode> {
    let source = asked.version.map_or_else(|| Source::in_use(config, asked.dir), Source::Version);
    let opened = match source.read(config).await {
        Ok(looked) => looked.gate(config).map(|gate| (looked, gate)),
        Err(why) => Err(why),
    };
    let (looked, gate) = match opened {
        Ok(opened) => opened,
        Err(why) => return Ok(could_not_run(&format!("{why:#}"))),
    };
    let stated = gate.stated(&looked.files);
    let (groups, rules) = (gate.known_groups(), gate.rules());
    let files: Vec<(&str, usize)> = looked
        .files
        .named()
        .into_iter()
        .filter(|(_, bytes)| !bytes.is_empty())
        .map(|(name, b)| (name, b.len()))
        .collect();
    if asked.json {
        let published = looked.bundle.as_ref().map(|bundle| {
            json!({ "author": bundle.author, "at": bundle.at, "reason": bundle.reason, "previous": bundle.previous })
        });
        let files: serde_json::Map<_, _> =
            files.into_iter().map(|(name, bytes)| (name.to_owned(), bytes.into())).collect();
        let shown = json!({
            "policy": looked.name, "sha256": looked.files.sha256(), "published": published, "files": files,
            "groups": groups, "rows": rules, "settings": stated,
        });
        output::say(&shown.to_string());
        return Ok(ExitCode::SUCCESS);
    }
    output::say(&format!("policy  {}", looked.shown()));
    if let Some(bundle) = &looked.bundle {
        let at = bundle.at.strftime("%Y-%m-%d %H:%M UTC");
        output::say(&format!("by      {}, {at}: {}", bundle.author, bundle.reason));
    }
    let files: Vec<&str> = files.into_iter().map(|(name, _)| name).collect();
    output::say(&format!("files   {}\n\n{}\n", files.join(", "), settings(&stated)));
    output::say("");
    let mut shown = table(&["group", "stands for", "within"]);
    for group in groups {
        shown.add_row([group.name, group.ids.join(", "), group.within.join(", ")]);
    }
    print(&shown);
    output::say("");
    let mut shown = table(&["command", "right", "group", "place", "when", "effect", "line"]);
    for rule in rules {
        let line = rule.row.rsplit(':').next().unwrap_or_default().to_owned();
        shown.add_row([
            rule.command,
            rule.action,
            rule.group,
            rule.place,
            rule.when,
            rule.effect.to_owned(),
            line,
        ]);
    }
    // Where no terminal tells its width, the usual one.
    if !std::io::stdout().is_terminal() {
        shown.set_width(USUAL);
    }
    print(&shown);
    Ok(ExitCode::SUCCESS)
}

/// What is not in rows: production, windows, contacts.
fn settings(stated: &Stated) -> String {
    let values = |(key, values): (&String, &Vec<String>)| format!("{key}={}", values.join("|"));
    let production: Vec<String> = stated.production.iter().map(values).collect();
    let production = if production.is_empty() { "nothing".to_owned() } else { production.join(" or ") };
    let mut lines = vec![format!("production  {production}"), format!("time zone   {}", stated.timezone)];
    for window in &stated.windows {
        lines.push(format!("window      {}: {}", window.name, window.spans.join(", ")));
    }
    for (group, contact) in &stated.contacts {
        lines.push(format!("contact     {contact} for {group}"));
    }
    lines.extend(stated.contact.iter().map(|contact| format!("contact     {contact}")));
    lines.join("\n")
}
