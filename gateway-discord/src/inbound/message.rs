//! Messages: those that mention the bot first, and direct ones.

use super::{Ask, By, Ignored, Inbound, Us, by_whom, or_help, raw};
use crate::{
    payload::Message,
    people::{Home, Trusted},
    words::{self, Said},
};

/// What a new message asks for. Edits are no new messages, and come under another name.
pub(crate) fn message(message: &Message, us: Us, trusted: &Trusted) -> Inbound {
    asked(message, us, trusted).map_or_else(Inbound::Ignored, |ask| Inbound::Ask(Box::new(ask)))
}

fn asked(message: &Message, us: Us, trusted: &Trusted) -> Result<Ask, Ignored> {
    if message.author.id == Some(us.bot) || message.application_id == Some(us.application) {
        return Err(Ignored::Ourselves);
    }
    if message.author.bot || message.author.system || message.webhook_id.is_some() {
        return Err(Ignored::Bot);
    }
    // A plain message, or a reply (Discord: "Message types").
    if !matches!(message.kind, None | Some(0 | 19)) {
        return Err(Ignored::NotWords);
    }
    let (Some(id), Some(channel)) = (message.id, message.channel_id) else { return Err(Ignored::Unreadable) };
    let direct = message.guild_id.is_none();
    let text = &message.content;
    let said = if direct { words::direct(text, us.bot) } else { words::mentioned(text, us.bot) };
    let Said::Words(words) = said else { return Err(Ignored::NotToUs) };
    if direct && words.is_empty() {
        return Err(Ignored::NotToUs);
    }
    let home = Home { guild: message.guild_id, by_user: false };
    Ok(Ask {
        home,
        who: by_whom(&message.author, message.member.as_ref(), home, trusted)?,
        by: By::Message(id),
        channel,
        thread: None,
        private: direct,
        raw: raw(&words, text),
        text: or_help(words),
    })
}
