//! A handle of what was delivered, to see how the app answers it.

use std::{
    fmt,
    time::{Duration, Instant},
};

use serde_json::Value;

use super::{Callback, FakeDiscord, Posted};

/// Something that was delivered, and how the app answers it.
#[derive(Clone)]
pub struct Asked {
    pub(super) fake: FakeDiscord,
    /// Of the message or of the interaction.
    pub id: String,
    /// The interaction's; empty for a message.
    pub token: String,
    pub user: String,
    pub channel: String,
    /// The event's name and data, as they were dispatched.
    pub event: &'static str,
    pub data: Value,
    pub at: Instant,
}

impl fmt::Debug for Asked {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} {} by {} in {}", self.event, self.id, self.user, self.channel)
    }
}

impl Asked {
    /// All first answers that came, good and refused.
    #[must_use]
    pub fn callbacks(&self) -> Vec<Callback> {
        let record = self.fake.record();
        record.callbacks.iter().filter(|one| one.interaction == self.id).cloned().collect()
    }

    /// The first answer that was taken.
    #[must_use]
    pub fn callback(&self) -> Option<Callback> {
        self.callbacks().into_iter().find(|one| one.refused.is_none())
    }

    /// The message that is the interaction's original answer.
    #[must_use]
    pub fn answer(&self) -> Option<Posted> {
        let original = self.fake.shared.interactions.lock().by_token.get(&self.token)?.original.clone();
        let record = self.fake.record();
        original.and_then(|original| record.message(&original).cloned())
    }

    /// Everything that was posted in answer to it, oldest first: answers and follow-ups, or replies.
    #[must_use]
    pub fn answers(&self) -> Vec<Posted> {
        let record = self.fake.record();
        let ours = |one: &&Posted| [&one.interaction, &one.reference].contains(&&Some(self.id.clone()));
        record.posted.iter().filter(ours).cloned().collect()
    }

    /// The bot's reactions to the message.
    #[must_use]
    pub fn reactions(&self) -> Vec<String> {
        let record = self.fake.record();
        let found = record.message(&self.id).map(|one| one.reactions.clone()).unwrap_or_default();
        found.into_iter().map(|(emoji, _)| emoji).collect()
    }

    /// Waits for the first answer that is taken.
    ///
    /// # Panics
    /// When none comes within some seconds.
    pub async fn acknowledged(&self) -> Callback {
        let what = format!("an answer to {self:?}");
        self.fake.until(&what, Duration::from_secs(10), |_| self.callback()).await
    }

    /// Makes the interaction older than it is, so that its times run out.
    pub fn age(&self, by: Duration) {
        if let Some(interaction) = self.fake.shared.interactions.lock().by_token.get_mut(&self.token) {
            interaction.aged += by;
        }
    }
}
