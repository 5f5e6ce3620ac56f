//! Every key there is, what it holds and what it may be.

use std::ops::RangeInclusive;

/// What a key holds.
#[derive(Clone, Debug)]
pub(super) enum Kind {
    Text,
    Secret,
    Flag,
    Number(RangeInclusive<i128>),
    OneOf(&'static [&'static str]),
    Texts,
    /// `auto`, `bus`, `shipped`, or `dir:` and a folder.
    PolicySource,
    /// A list of ids, which are digits.
    Ids,
}

/// The keys with fixed names; `console.users.<name>.groups` is besides.
pub(super) const KEYS: &[(&str, Kind)] = &[
    ("data_dir", Kind::Text),
    ("bus.url", Kind::Text),
    ("bus.user", Kind::Text),
    ("bus.password", Kind::Secret),
    ("bus.password_file", Kind::Text),
    ("bus.credentials_file", Kind::Text),
    ("bus.nkey_file", Kind::Text),
    ("bus.ca_file", Kind::Text),
    ("bus.certificate_file", Kind::Text),
    ("bus.key_file", Kind::Text),
    ("bus.replicas", Kind::Number(1..=5)),
    ("bus.nats_server", Kind::Text),
    ("bus.lease_seconds", Kind::Number(1..=600)),
    ("worker.name", Kind::Text),
    ("worker.slots", Kind::Number(1..=1024)),
    ("worker.grace_seconds", Kind::Number(0..=3600)),
    ("policy.source", Kind::PolicySource),
    ("policy.poll_seconds", Kind::Number(1..=3600)),
    ("policy.own_model", Kind::Flag),
    ("policy.trusted_homes", Kind::Texts),
    ("console.tenant", Kind::Text),
    ("console.user", Kind::Text),
    ("http.listen", Kind::Text),
    ("metrics.listen", Kind::Text),
    ("canary.every_seconds", Kind::Number(0..=3600)),
    ("canary.patience_seconds", Kind::Number(1..=60)),
    ("traces.endpoint", Kind::Text),
    ("traces.sample_percent", Kind::Number(0..=100)),
    ("traces.headers", Kind::Secret),
    ("traces.headers_file", Kind::Text),
    ("api.enabled", Kind::Flag),
    ("api.listen", Kind::Text),
    ("api.database", Kind::Secret),
    ("api.database_file", Kind::Text),
    ("api.pepper", Kind::Secret),
    ("api.pepper_file", Kind::Text),
    ("api.previous_pepper", Kind::Secret),
    ("api.previous_pepper_file", Kind::Text),
    ("api.bootstrap_admin_key", Kind::Secret),
    ("api.bootstrap_admin_key_file", Kind::Text),
    ("api.trusted_proxies", Kind::Texts),
    ("api.key_cache_seconds", Kind::Number(0..=60)),
    ("api.key_days", Kind::Number(1..=3650)),
    ("api.longest_key_days", Kind::Number(1..=3650)),
    ("api.warn_destination", Kind::Text),
    ("api.grace_seconds", Kind::Number(0..=3600)),
    ("audit.signing_key", Kind::Secret),
    ("audit.signing_key_file", Kind::Text),
    ("audit.retention_days", Kind::Number(0..=36_500)),
    ("audit.refuse_after_seconds", Kind::Number(0..=86_400)),
    ("slack.bot_token", Kind::Secret),
    ("slack.bot_token_file", Kind::Text),
    ("slack.app_token", Kind::Secret),
    ("slack.app_token_file", Kind::Text),
    ("slack.signing_secret", Kind::Secret),
    ("slack.signing_secret_file", Kind::Text),
    ("slack.api_url", Kind::Text),
    ("slack.ingress", Kind::OneOf(&["socket", "http"])),
    ("slack.command", Kind::Text),
    ("discord.bot_token", Kind::Secret),
    ("discord.bot_token_file", Kind::Text),
    ("discord.application_id", Kind::Text),
    ("discord.public_key", Kind::Text),
    ("discord.api_url", Kind::Text),
    ("discord.ingress", Kind::OneOf(&["gateway", "http"])),
    ("discord.trusted_guilds", Kind::Ids),
    ("discord.commands", Kind::OneOf(&["everywhere", "guilds"])),
    ("discord.wait_milliseconds", Kind::Number(0..=1_000)),
    ("demo.enabled", Kind::Flag),
    ("demo.state_file", Kind::Text),
    ("demo.step_milliseconds", Kind::Number(0..=60_000)),
    ("log.filter", Kind::Text),
    ("log.format", Kind::OneOf(&["auto", "human", "json"])),
];

/// What `key` holds, if there is such a key.
pub(super) fn kind(key: &str) -> Option<Kind> {
    if let Some(user) = key.strip_prefix("console.users.") {
        return user.ends_with(".groups").then_some(Kind::Texts);
    }
    KEYS.iter().find(|(name, _)| *name == key).map(|(_, kind)| kind.clone())
}

/// Whether this key names a file that holds a secret.
pub(super) fn names_a_secret_file(key: &str) -> bool {
    let of = key.strip_suffix("_file").and_then(kind);
    matches!(of, Some(Kind::Secret))
        || ["bus.credentials_file", "bus.nkey_file", "bus.key_file"].contains(&key)
}

/// The key most like `key`, if any is close.
pub(super) fn nearest(key: &str) -> Option<&'static str> {
    KEYS.iter()
        .map(|(name, _)| (strsim::jaro_winkler(name, key), *name))
        .filter(|(likeness, _)| *likeness > 0.85)
        .max_by(|left, right| left.0.total_cmp(&right.0))
        .map(|(_, name)| name)
}
