//! What admins ask of the program: configuration, catalogue. Exit status 0 clean, 1 findings, 2 could not run.

use std::process::ExitCode;

use adjutant_gateway_slack::manifest::{self, Manifest};
use anyhow::{Context, Result};
use comfy_table::{ContentArrangement, Table, presets};

use super::parts;
use crate::{
    cli::CommandsCommand,
    config::{Config, Loaded},
    output,
};

pub(super) fn could_not_run(why: &str) -> ExitCode {
    output::complain(&format!("adjutant: {why}"));
    ExitCode::from(2)
}

pub(super) fn status(clean: bool) -> ExitCode {
    if clean { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

pub(super) fn show(loaded: &Loaded) {
    let mut table = table(&["key", "value", "from"]);
    for (key, value, source) in &loaded.shown {
        table.add_row([key, value, source]);
    }
    print(&table);
}

pub(super) async fn commands(config: &Config, command: &CommandsCommand) -> Result<ExitCode> {
    let catalogue = parts::catalogue();
    let print_as = match command {
        CommandsCommand::List(print) => print,
        CommandsCommand::DiscordInvite => return invite(config).await,
        CommandsCommand::SlackManifest(options) => {
            let commands: Vec<_> = catalogue.iter().map(|entry| entry.spec.clone()).collect();
            let made = manifest::manifest(&Manifest {
                name: "Adjutant",
                command: &config.slack.command,
                request_url: options.request_url.as_deref(),
                commands: &commands,
            });
            output::say(manifest::yaml(&made).trim_end());
            return Ok(ExitCode::SUCCESS);
        }
    };
    if print_as.json {
        let specs: Vec<_> = catalogue.iter().map(|entry| &entry.spec).collect();
        output::say(&serde_json::to_string(&specs)?);
        return Ok(ExitCode::SUCCESS);
    }
    let mut table = table(&["command", "what it does"]);
    for entry in catalogue.iter() {
        table.add_row([adjutant_workers::usage::usage(&entry.spec), entry.spec.summary.clone()]);
    }
    print(&table);
    Ok(ExitCode::SUCCESS)
}

pub(super) fn table(columns: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(columns);
    table
}

pub(super) fn print(table: &Table) {
    let lines: Vec<String> = table.lines().map(|line| line.trim_end().to_owned()).collect();
    output::say(&lines.join("\n"));
}

/// The link by which the bot is invited: for the configured application, else for the one that the token belongs to.
async fn invite(config: &Config) -> Result<ExitCode> {
    let discord = parts::discord(config);
    let link = match discord.application_id.as_deref() {
        Some(id) => {
            adjutant_gateway_discord::invite(id).context("discord.application_id is no id: digits only")?
        }
        None => adjutant_gateway_discord::Gateway::invite(&discord).await.map_err(|findings| {
            let told: Vec<String> = findings
                .iter()
                .map(|finding| format!("{}: {}. {}", finding.what, finding.found, finding.fix))
                .collect();
            anyhow::anyhow!(
                "set discord.application_id, or a good discord.bot_token:\n  {}",
                told.join("\n  ")
            )
        })?,
    };
    output::say(&link);
    Ok(ExitCode::SUCCESS)
}
