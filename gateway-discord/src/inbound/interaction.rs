//! Interactions: application commands, clicks on our buttons, submitted modals, questions for choices.

use adjutant_bus::{place::AnswerAddress, spec::CommandSpec};
use serde_json::Value;

use super::{Ask, By, Ignored, Inbound, by_whom, or_help};
use crate::{
    commands::{self, Data, Invoked},
    modal,
    payload::Interaction,
    people::{Home, Trusted},
    render::RUN,
    words,
};

/// Most characters that are kept of a command as Discord shows it.
const RAW: usize = 2_000;

/// What an interaction asks for.
pub(crate) fn interaction(interaction: &Interaction, trusted: &Trusted, specs: &[CommandSpec]) -> Inbound {
    let asked = match interaction.kind {
        Some(1) => Ok(Inbound::Ping),
        Some(2) => command(interaction, trusted, specs),
        Some(3) => click(interaction, trusted),
        Some(4) => Ok(Inbound::Autocomplete(commands::autocomplete(&Data::read(&interaction.data), specs))),
        Some(5) => submission(interaction, trusted, specs),
        Some(_) => Err(Ignored::NotUsed),
        None => Err(Ignored::Unreadable),
    };
    asked.unwrap_or_else(Inbound::Ignored)
}

/// Whether a token can go into a path.
pub(crate) fn is_token(text: &str) -> bool {
    let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    !text.is_empty() && text.len() <= 512 && text.chars().all(good) && !text.starts_with('.')
}

fn command(interaction: &Interaction, trusted: &Trusted, specs: &[CommandSpec]) -> Result<Inbound, Ignored> {
    let data = Data::read(&interaction.data);
    match commands::invoked(&data, specs) {
        Invoked::Line(line) => {
            // A line that was typed as one holds mentions as Discord writes them.
            let line = if data.name == commands::ROOT { words::words(&line) } else { line };
            let raw = Some(format!("/{line}").chars().take(RAW).collect());
            ask(interaction, trusted, or_help(line), raw, true)
        }
        Invoked::Menu { text } => Ok(Inbound::Prefill(words::words(&text))),
        Invoked::Unknown => Err(Ignored::NotOurs),
    }
}

fn click(interaction: &Interaction, trusted: &Trusted) -> Result<Inbound, Ignored> {
    let line = custom_id(interaction)?.strip_prefix(RUN).ok_or(Ignored::NotOurs)?;
    ask(interaction, trusted, line.to_owned(), None, true)
}

fn submission(
    interaction: &Interaction,
    trusted: &Trusted,
    specs: &[CommandSpec],
) -> Result<Inbound, Ignored> {
    let components = interaction.data.get("components").unwrap_or(&Value::Null);
    let line = modal::line(custom_id(interaction)?, components, specs).ok_or(Ignored::NotOurs)?;
    ask(interaction, trusted, line, None, false)
}

fn custom_id(interaction: &Interaction) -> Result<&str, Ignored> {
    interaction.data.get("custom_id").and_then(Value::as_str).ok_or(Ignored::Unreadable)
}

fn ask(
    interaction: &Interaction,
    trusted: &Trusted,
    text: String,
    raw: Option<String>,
    modal: bool,
) -> Result<Inbound, Ignored> {
    let token = interaction.token.as_ref().filter(|token| is_token(token)).ok_or(Ignored::Unreadable)?;
    let (Some(id), Some(channel)) = (interaction.id, interaction.channel_id.or(interaction.channel.id))
    else {
        return Err(Ignored::Unreadable);
    };
    let guild = interaction.guild_id;
    // Without the guild's own installation the roles are not of a guild that let us in.
    let by_user = guild.is_some() && interaction.authorizing_integration_owners.guild != guild;
    let home = Home { guild, by_user };
    let member = interaction.member.as_ref();
    let user = member.and_then(|member| member.user.as_ref()).or(interaction.user.as_ref());
    let who = by_whom(user.ok_or(Ignored::Nobody)?, member, home, trusted)?;
    let parent = interaction.channel.parent_id.filter(|_| interaction.channel.is_thread());
    Ok(Inbound::Ask(Box::new(Ask {
        home,
        who,
        by: By::Interaction { id, token: AnswerAddress::new(token), modal },
        channel: parent.unwrap_or(channel),
        thread: parent.map(|_| channel),
        // Not in conversations of several people.
        private: guild.is_none() && matches!(interaction.channel.kind, None | Some(1)),
        text,
        raw,
    })))
}
