//! Delivering the answer of a conversation: again and again until Discord has it, by another way where the first is closed, and
//! never a part of it twice.

use std::time::Duration;

use adjutant_bus::{ports::BusError, reply::Reply};
use adjutant_gateway::{Backoff, Ended, Talk};
use tracing::{error, warn};

use super::{Conversation, age, is_fresh};
use crate::{
    outbound,
    render::{self, File, Foot, Rendered},
    web::CallError,
};

/// For how long an answer is tried at once; then the event is left, and comes again.
const LONGEST: Duration = Duration::from_secs(120);
/// After this time nobody waits for an answer that could not be posted, in seconds.
const OVER: i64 = 24 * 3_600;

/// Why an answer was not delivered.
pub(super) enum Failed {
    /// Discord.
    Call(CallError),
    /// The beginning of the journal cannot be read.
    Bus(BusError),
}

impl From<CallError> for Failed {
    fn from(error: CallError) -> Self {
        Self::Call(error)
    }
}

impl Conversation {
    /// Delivers the answer, again and again; says whether it is delivered, or whether nobody waits any more.
    pub(super) async fn answer_until_taken(&mut self, talk: &mut Talk, ended: &Ended) -> bool {
        let mut backoff = Backoff::default();
        let mut plainly = false;
        loop {
            let failed = match self.answer(talk, ended, plainly).await {
                Ok(()) => return true,
                Err(failed) => failed,
            };
            let run = talk.key.request.run();
            let pause = match failed {
                Failed::Call(CallError::Limited(rest)) => {
                    Some(rest + Duration::from_millis(rand::random_range(0..250)))
                }
                Failed::Call(CallError::Unknown(why)) => {
                    warn!(%run, why, "Discord did not say whether it took an answer");
                    talk.doubt = true;
                    backoff.next(LONGEST)
                }
                Failed::Call(CallError::Refused { code, .. }) if !plainly && is_about_the_form(code) => {
                    error!(%run, code, "Discord refuses the form of an answer; sending it as a file");
                    plainly = true;
                    Some(Duration::ZERO)
                }
                Failed::Call(error @ CallError::Refused { .. }) => {
                    error!(%run, %error, "an answer cannot be posted; the journal has it");
                    return true;
                }
                Failed::Bus(error) => {
                    warn!(%run, %error, "the request of an answer cannot be read just now");
                    backoff.next(LONGEST)
                }
            };
            match pause {
                Some(pause) => tokio::time::sleep(pause).await,
                None => return talk.fold.request.as_ref().is_some_and(|request| age(request) > OVER),
            }
        }
    }

    async fn answer(&mut self, talk: &mut Talk, ended: &Ended, plainly: bool) -> Result<(), Failed> {
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
