//! The final reply of a request as Discord takes it, the same whether it answers at once or later.

use adjutant_bus::{
    place::{AnswerAddress, Place},
    request::Request,
    spec::Visibility,
};
use adjutant_gateway::{Ended, Foot};

use crate::{
    render::{self, Rendered},
    snowflake::Snowflake,
};

/// How the answer address of a message begins; no token of an interaction has a slash.
const REPLY: &str = "message/";

/// The answer address of a message: it is replied to.
pub(crate) fn reply_to(message: Snowflake) -> AnswerAddress {
    AnswerAddress::new(format!("{REPLY}{message}"))
}

/// The message that a request came by.
pub(crate) fn message(request: &Request) -> Option<Snowflake> {
    Snowflake::parse(request.place.answer.as_ref()?.expose().strip_prefix(REPLY)?)
}

/// The token of the interaction that a request came by.
pub(crate) fn token(request: &Request) -> Option<&AnswerAddress> {
    request.place.answer.as_ref().filter(|answer| crate::inbound::is_token(answer.expose()))
}

/// The messages of a final reply.
pub(crate) fn rendered(request: &Request, ended: &Ended) -> Rendered {
    render::reply(&ended.reply, &foot(request, ended))
}

/// What stands below it.
pub(crate) fn foot(request: &Request, ended: &Ended) -> Foot {
    // A button or a modal leaves no trace in the channel: others could not know who asked.
    let unseen = token(request).is_some() && request.raw.is_none() && !request.place.private;
    let public = ended.reply.visibility == Visibility::Public;
    Foot {
        run: request.id.run(),
        outcome: ended.outcome,
        took: ended.took,
        asker: (unseen && public).then(|| request.actor.user.clone()),
    }
}

/// Whether an answer of this visibility is for the asker only. Where nobody else reads, it need not hide.
pub(crate) fn is_ephemeral(visibility: Visibility, place: &Place) -> bool {
    visibility == Visibility::Private && !place.private
}
