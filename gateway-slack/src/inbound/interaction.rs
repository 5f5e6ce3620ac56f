//! Interactions: clicks on our buttons, submitted modals, the message shortcut, questions for options.

use adjutant_bus::place::AnswerAddress;

use super::{ARGUMENTS, Ask, By, Ignored, Inbound, Install, Person, RUN, SHORTCUT, is_direct, raw};
use crate::{
    modal::{self, Origin},
    payload::Interaction,
    words,
};

/// What an interaction asks for. `team` is the team of an install, to tell strangers from members.
pub(crate) fn interaction(payload: &Interaction, team: impl FnOnce(&Install) -> Option<String>) -> Inbound {
    let install = Install { team: payload.team.id.clone(), enterprise: payload.enterprise.id.clone() };
    let Some(user) = payload.user.id.clone() else { return Inbound::Ignored(Ignored::Nobody) };
    let home = team(&install).or_else(|| install.team.clone());
    let person = Person {
        id: user,
        label: payload.user.username.clone().or_else(|| payload.user.name.clone()).unwrap_or_default(),
        elsewhere: payload.user.team_id.as_ref().is_some_and(|own| Some(own) != home.as_ref()),
    };
    let asked = match payload.kind.as_deref() {
        Some("block_actions") => click(payload, install, person),
        Some("view_submission") => submission(payload, install, person),
        Some("message_action") => shortcut(payload, install, person),
        Some("block_suggestion") => options(payload),
        Some(_) => Err(Ignored::NotUsed),
        None => Err(Ignored::Unreadable),
    };
    asked.unwrap_or_else(Inbound::Ignored)
}

fn click(payload: &Interaction, install: Install, person: Person) -> Result<Inbound, Ignored> {
    let ours = |id: &Option<String>| id.as_ref().is_some_and(|id| id.starts_with(RUN));
    let action = payload.actions.iter().find(|action| ours(&action.action_id)).ok_or(Ignored::NotOurs)?;
    let (Some(line), Some(at)) = (action.value.clone(), action.action_ts.as_ref()) else {
        return Err(Ignored::Unreadable);
    };
    let container = &payload.container;
    // A button in the home tab has no channel: its answer goes to the direct conversation.
    let channel = payload.channel.id.clone().or_else(|| container.channel_id.clone());
    let home = channel.is_none();
    let channel = channel.unwrap_or_else(|| person.id.clone());
    let ts = container.message_ts.clone().or_else(|| payload.message.ts.clone()).unwrap_or_default();
    let direct = home || is_direct(&channel);
    let thread = container.thread_ts.clone().or_else(|| payload.message.thread_ts.clone());
    let under = thread.or_else(|| (!direct && !container.is_ephemeral && !ts.is_empty()).then(|| ts.clone()));
    Ok(Inbound::Ask(Box::new(Ask {
        event: format!("click:{channel}:{ts}:{at}:{}", person.id),
        install,
        by: By::Click(ts),
        thread: under,
        private: direct,
        answer: payload.response_url.clone().map(AnswerAddress::new),
        raw: None,
        text: line,
        trigger: payload.trigger_id.clone(),
        channel,
        person,
    })))
}

fn submission(payload: &Interaction, install: Install, person: Person) -> Result<Inbound, Ignored> {
    let view = &payload.view;
    if !matches!(view.callback_id.as_deref(), Some(ARGUMENTS | SHORTCUT)) {
        return Err(Ignored::NotOurs);
    }
    let (Some(id), Some(metadata)) = (view.id.as_ref(), view.private_metadata.as_deref()) else {
        return Err(Ignored::Unreadable);
    };
    let origin: Origin = serde_json::from_str(metadata).map_err(|_| Ignored::Unreadable)?;
    let line = modal::line(&origin, &view.state).ok_or(Ignored::Unreadable)?;
    Ok(Inbound::Ask(Box::new(Ask {
        event: format!("view:{id}:{}", view.hash.clone().unwrap_or_default()),
        install,
        by: By::View,
        private: is_direct(&origin.channel),
        channel: origin.channel,
        thread: origin.thread,
        answer: origin.answer.map(AnswerAddress::new),
        raw: None,
        text: line,
        trigger: None,
        person,
    })))
}

fn shortcut(payload: &Interaction, install: Install, person: Person) -> Result<Inbound, Ignored> {
    if payload.callback_id.as_deref() != Some(SHORTCUT) {
        return Err(Ignored::NotOurs);
    }
    let (Some(channel), Some(trigger)) = (payload.channel.id.clone(), payload.trigger_id.clone()) else {
        return Err(Ignored::Unreadable);
    };
    let typed = payload.message.text.clone().unwrap_or_default();
    let words = words::words(&typed);
    let ask = Ask {
        event: format!("shortcut:{trigger}"),
        install,
        person,
        by: By::View,
        private: is_direct(&channel),
        thread: payload.message.thread_ts.clone().or_else(|| payload.message.ts.clone()),
        channel,
        answer: payload.response_url.clone().map(AnswerAddress::new),
        raw: raw(&words, &typed),
        text: words,
        trigger: Some(trigger.clone()),
    };
    Ok(Inbound::Prefill { ask: Box::new(ask), trigger })
}

fn options(payload: &Interaction) -> Result<Inbound, Ignored> {
    let (Some(argument), Some(metadata)) = (&payload.action_id, payload.view.private_metadata.as_deref())
    else {
        return Err(Ignored::NotOurs);
    };
    let origin: Origin = serde_json::from_str(metadata).map_err(|_| Ignored::NotOurs)?;
    Ok(Inbound::Options {
        path: origin.command.unwrap_or_default(),
        argument: argument.clone(),
        typed: payload.value.clone().unwrap_or_default(),
    })
}
