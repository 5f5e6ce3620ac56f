//! Delivering the answer of a conversation: by another way where the first is closed, and
//! never a part of it twice.

use adjutant_bus::reply::Reply;
use adjutant_gateway::{Ended, Failed, Foot, Talk};

use super::{Conversation, is_fresh};
use crate::{
    outbound,
    render::{self, File, Rendered},
    web::CallError,
};

impl From<CallError> for Failed {
    fn from(error: CallError) -> Self {
        match error {
            CallError::Limited(rest) => Self::Wait(rest),
            CallError::Unknown(why) => Self::Uncertain(why),
            CallError::Refused { code, .. } if is_about_the_form(code) => Self::Form(error.to_string()),
            CallError::Refused { .. } => Self::Final(error.to_string()),
        }
    }
}

impl Conversation {
    /// The answer, as far as it is not there yet.
    pub(super) async fn answer_once(
        &mut self,
        talk: &mut Talk,
        ended: &Ended,
        plainly: bool,
    ) -> Result<(), Failed> {
        let request = talk.request().await.map_err(Failed::Bus)?;
        let foot = outbound::foot(&request, ended);
        let rendered =
            if plainly { in_a_file(&ended.reply, &foot) } else { outbound::rendered(&request, ended) };
        match outbound::token(&request).cloned().filter(|_| is_fresh(&request)) {
            Some(token) => self.by_interaction(talk, &request, &token, ended, &rendered).await,
            None => self.by_message(talk, &request, ended, &rendered).await,
        }
    }
}

/// Codes about what is in a body (Discord: "JSON Error Codes").
const fn is_about_the_form(code: u64) -> bool {
    matches!(code, 50_035 | 50_006 | 40_005 | 50_109)
}

/// Codes about the place: unknown, not accessible, no right, no direct messages, archived, locked.
pub(super) const fn is_about_the_place(code: u64) -> bool {
    matches!(code, 10_003 | 50_001 | 50_013 | 50_007 | 50_083 | 160_005 | 50_278)
}

/// The whole answer as a file, for the case that Discord does not take it as messages.
fn in_a_file(reply: &Reply, foot: &Foot) -> Rendered {
    let mut rendered = render::reply(&Reply::new(reply.tone, "The answer is in the file."), foot);
    rendered.files.push(File { name: "answer.txt".to_owned(), content: render::as_text(reply) });
    rendered
}
