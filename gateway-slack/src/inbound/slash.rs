//! Slash commands: the configured one takes any words, every other one names the first word of a command itself.

use adjutant_bus::place::AnswerAddress;

use super::{Ask, By, Ignored, Inbound, Install, Person, event::or_help, is_direct, raw};
use crate::{payload::Slash, words};

/// What a slash command asks for. `command` is the one that takes any words, such as `/adjutant`.
pub(crate) fn slash(slash: &Slash, command: &str) -> Inbound {
    if slash.ssl_check.as_deref() == Some("1") {
        return Inbound::Ignored(Ignored::CertificateCheck);
    }
    let (Some(user), Some(channel), Some(name)) = (&slash.user_id, &slash.channel_id, &slash.command) else {
        return Inbound::Ignored(Ignored::Unreadable);
    };
    let Some(trigger) = slash.trigger_id.clone() else { return Inbound::Ignored(Ignored::Unreadable) };
    let typed = slash.text.clone().unwrap_or_default();
    let words = words::words(&typed);
    let text = if name == command {
        or_help(words)
    } else {
        format!("{} {words}", name.trim_start_matches('/')).trim_end().to_owned()
    };
    Inbound::Ask(Box::new(Ask {
        event: format!("slash:{trigger}"),
        install: Install { team: slash.team_id.clone(), enterprise: slash.enterprise_id.clone() },
        person: Person {
            id: user.clone(),
            label: slash.user_name.clone().unwrap_or_default(),
            elsewhere: false,
        },
        by: By::Slash,
        channel: channel.clone(),
        thread: None,
        private: is_direct(channel),
        answer: slash.response_url.clone().map(AnswerAddress::new),
        raw: raw(&text, &format!("{name} {typed}")),
        text,
        trigger: Some(trigger),
    }))
}
