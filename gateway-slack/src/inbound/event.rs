//! Events: mentions, direct messages, and what changes what we know.

use super::{Ask, By, Ignored, Inbound, Install, Person, Us, is_direct, raw};
use crate::{
    payload::{Callback, Event},
    words::{self, Said},
};

/// What an event callback asks for. `us` finds who we are in an install.
pub(crate) fn event(callback: &Callback, us: impl FnOnce(&Install) -> Option<Us>) -> Inbound {
    match callback.kind.as_deref() {
        Some("url_verification") => {
            return Inbound::Challenge(callback.challenge.clone().unwrap_or_default());
        }
        Some("app_rate_limited") => return Inbound::Ignored(Ignored::RateLimited),
        Some("event_callback") => {}
        _ => return Inbound::Ignored(Ignored::Unreadable),
    }
    let install = install(callback);
    let event = &callback.event;
    match event.kind.as_deref() {
        Some("app_mention" | "message") => {
            let Some(us) = us(&install) else { return Inbound::Ignored(Ignored::UnknownWorkspace) };
            message(callback, install, &us).unwrap_or_else(Inbound::Ignored)
        }
        Some("app_home_opened") if event.tab.as_deref().is_none_or(|tab| tab == "home") => match event.user()
        {
            Some(user) => Inbound::Home {
                install,
                person: Person { id: user.to_owned(), ..Person::default() },
                // Opening it twice within one second is one look.
                event: format!("home:{user}:{}", event.ts.clone().unwrap_or_default()),
            },
            None => Inbound::Ignored(Ignored::Nobody),
        },
        Some("subteam_members_changed" | "subteam_updated" | "subteam_created") => {
            Inbound::GroupsChanged(install)
        }
        Some("user_change") => match event.user() {
            Some(user) => Inbound::UserChanged { install, user: user.to_owned() },
            None => Inbound::Ignored(Ignored::Nobody),
        },
        Some("app_uninstalled" | "tokens_revoked") => Inbound::Removed(install),
        Some(_) => Inbound::Ignored(Ignored::NotUsed),
        None => Inbound::Ignored(Ignored::Unreadable),
    }
}

/// For which install the event is: on shared channels `team_id` may be another's, `authorizations` never is.
fn install(callback: &Callback) -> Install {
    let authorized = callback.authorizations.first();
    Install {
        team: authorized.and_then(|one| one.team_id.clone()).or_else(|| callback.team_id.clone()),
        enterprise: authorized
            .and_then(|one| one.enterprise_id.clone())
            .or_else(|| callback.enterprise_id.clone()),
    }
}

fn message(callback: &Callback, install: Install, us: &Us) -> Result<Inbound, Ignored> {
    let event = &callback.event;
    if event.hidden || !event.edited.is_null() {
        return Err(Ignored::NotNew);
    }
    is_by_a_person(event, us)?;
    let user = event.user().ok_or(Ignored::Nobody)?;
    let (channel, ts) = (event.channel.as_ref(), event.ts.as_ref());
    let (Some(channel), Some(ts), Some(text)) = (channel, ts, event.text.as_ref()) else {
        return Err(Ignored::Unreadable);
    };
    let direct = is_direct(channel) || event.channel_type.as_deref() == Some("im");
    let said = if direct { words::direct(text, &us.user) } else { words::mentioned(text, &us.user) };
    let Said::Words(words) = said else { return Err(Ignored::NotToUs) };
    if direct && words.is_empty() {
        return Err(Ignored::NotToUs);
    }
    let of_another = |team: &Option<String>| team.as_ref().is_some_and(|team| *team != us.team);
    Ok(Inbound::Ask(Box::new(Ask {
        // One message subscribed to twice arrives as two events with different ids, but with one `ts`.
        event: format!("message:{channel}:{ts}"),
        person: Person {
            id: user.to_owned(),
            label: String::new(),
            elsewhere: of_another(&event.user_team) || of_another(&event.source_team),
        },
        by: By::Message(ts.clone()),
        channel: channel.clone(),
        // In a channel answers go to a thread; a direct conversation is one already.
        thread: event.thread_ts.clone().or_else(|| (!direct).then(|| ts.clone())),
        private: direct,
        answer: None,
        raw: raw(&words, text),
        text: or_help(words),
        trigger: None,
        install,
    })))
}

/// Messages of people have no subtype, or one of two (Slack: "message event").
fn is_by_a_person(event: &Event, us: &Us) -> Result<(), Ignored> {
    let ours = |app: &Option<String>| app.is_some() && *app == us.app;
    if event.user() == Some(us.user.as_str()) || ours(&event.app_id) || ours(&event.bot_profile.app_id) {
        return Err(Ignored::Ourselves);
    }
    if event.bot_id.is_some() || event.subtype.as_deref() == Some("bot_message") {
        return Err(Ignored::Bot);
    }
    match event.subtype.as_deref() {
        None | Some("file_share" | "thread_broadcast") => Ok(()),
        Some(_) => Err(Ignored::NotNew),
    }
}

/// Whoever only calls the bot is told what it can do.
pub(super) fn or_help(words: String) -> String {
    if words.is_empty() { "help".to_owned() } else { words }
}
