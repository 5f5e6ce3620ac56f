//! Which channel a thread belongs to: policy names channels, and messages do not say that theirs is in a thread. Asked once.

use std::{sync::Arc, time::Duration};

use moka::future::Cache;

use crate::{
    payload::Channel,
    snowflake::Snowflake,
    web::{CallError, Web},
};

/// Channels remembered, and for how long.
const REMEMBERED: (u64, Duration) = (50_000, Duration::from_secs(3_600));

/// What is known of channels.
pub(crate) struct Channels {
    web: Arc<Web>,
    parents: Cache<Snowflake, Option<Snowflake>>,
}

impl Channels {
    pub(crate) fn new(web: Arc<Web>) -> Self {
        let parents = Cache::builder().max_capacity(REMEMBERED.0).time_to_live(REMEMBERED.1).build();
        Self { web, parents }
    }

    /// The channel that a thread belongs to; none for a channel.
    pub(crate) async fn parent(&self, channel: Snowflake) -> Result<Option<Snowflake>, CallError> {
        let look = async {
            let found: Channel = serde_json::from_value(self.web.channel(channel).await?).unwrap_or_default();
            if found.is_thread() && found.parent_id.is_none() {
                return Err(CallError::Unknown("a thread without a channel".to_owned()));
            }
            Ok(found.parent_id.filter(|_| found.is_thread()))
        };
        self.parents
            .try_get_with(channel, look)
            .await
            .map_err(|error: Arc<CallError>| CallError::clone(&error))
    }
}
