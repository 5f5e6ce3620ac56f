//! Keys in bodies: to be made, changed, rotated.

use std::time::Duration;

use ipnet::IpNet;
use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

use crate::{key::Kind, keyring::State, problem::Problem, scope::Scopes};

/// How often a key may call.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct KeyRate {
    /// Calls a second.
    #[schema(minimum = 1, maximum = 10000)]
    pub(super) per_second: i64,
    /// Calls at once; twice as many as a second if not given.
    #[schema(minimum = 1, maximum = 20000)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) burst: Option<i64>,
}

impl KeyRate {
    pub(in crate::routes) fn checked(self) -> Result<(i64, Option<i64>), Problem> {
        if !(1..=10_000).contains(&self.per_second) {
            return Err(Problem::invalid("/rate/per_second", "1 to 10000"));
        }
        if self.burst.is_some_and(|burst| !(1..=20_000).contains(&burst)) {
            return Err(Problem::invalid("/rate/burst", "1 to 20000"));
        }
        Ok((self.per_second, self.burst))
    }
}

/// What a key is for.
#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum KindBody {
    /// A service's.
    #[default]
    Service,
    /// An administrator's.
    Admin,
}

impl From<KindBody> for Kind {
    fn from(kind: KindBody) -> Self {
        match kind {
            KindBody::Service => Self::Service,
            KindBody::Admin => Self::Admin,
        }
    }
}

/// Whether a key may be used.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum StateBody {
    /// It may.
    Active,
    /// Not for now.
    Disabled,
}

impl From<StateBody> for State {
    fn from(state: StateBody) -> Self {
        match state {
            StateBody::Active => Self::Active,
            StateBody::Disabled => Self::Disabled,
        }
    }
}

/// One scope, for the description only.
#[derive(ToSchema)]
#[schema(
    value_type = String,
    max_length = 150,
    pattern = r"^(keys:read|keys:write|keys:introspect|requests:submit|requests:read|requests:cancel|requests:decide|commands:read|notify:send|destinations:read|destinations:write|audit:read|policy:read|policy:explain|metrics:read|admin|(requests:submit|notify:send):([a-z0-9.-]{1,127}\*?|\*))$"
)]
#[expect(dead_code, reason = "only its description is used")]
pub(crate) struct ScopeText(String);

/// One network, for the description only.
#[derive(ToSchema)]
#[schema(
    value_type = String,
    example = "10.0.0.0/8",
    pattern = r"^(((25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])\.){3}(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])/(3[0-2]|[12]?[0-9])|([0-9a-f]{1,4}:){7}[0-9a-f]{1,4}/(12[0-8]|1[01][0-9]|[1-9]?[0-9]))$"
)]
#[expect(dead_code, reason = "only its description is used")]
pub(crate) struct NetworkText(String);

/// A key to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewKeyBody {
    /// By what people know it.
    #[schema(min_length = 1, max_length = 100, pattern = r"^[^\u0000-\u001F\u007F-\u009F]*$")]
    pub(crate) name: String,
    /// What it is for; `admin` only by an administrator.
    #[serde(default)]
    #[schema(inline)]
    pub(crate) kind: KindBody,
    /// What it may do at most; nobody grants what they do not hold.
    #[schema(value_type = Vec<ScopeText>, max_items = 64)]
    pub(crate) scopes: Scopes,
    /// When it ends: a time to come; `null`, never (only by an administrator); absent, after the usual time.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub(crate) expires_at: Option<Option<Timestamp>>,
    /// From which networks it may be used; absent or `null`, from anywhere.
    #[serde(default)]
    #[schema(value_type = Option<Vec<NetworkText>>, min_items = 1, max_items = 64)]
    pub(crate) allowed_cidrs: Option<Vec<IpNet>>,
    /// How often it may call; absent or `null`, as by default.
    #[serde(default)]
    pub(crate) rate: Option<KeyRate>,
}

/// What is to be changed of a key; what is absent stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct KeyChangeBody {
    /// By what people know it.
    #[schema(
        min_length = 1,
        max_length = 100,
        pattern = r"^[^\u0000-\u001F\u007F-\u009F]*$",
        nullable = false
    )]
    #[serde(default, deserialize_with = "some")]
    pub(crate) name: Option<String>,
    /// What it may do at most; nobody grants what they do not hold.
    #[schema(value_type = Option<Vec<ScopeText>>, max_items = 64, nullable = false)]
    #[serde(default, deserialize_with = "some")]
    pub(crate) scopes: Option<Scopes>,
    /// When it ends: a time to come; `null`, never (only by an administrator).
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub(crate) expires_at: Option<Option<Timestamp>>,
    /// From which networks it may be used; `null`, from anywhere.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<Vec<NetworkText>>, min_items = 1, max_items = 64)]
    pub(crate) allowed_cidrs: Option<Option<Vec<IpNet>>>,
    /// How often it may call; `null`, as by default.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<KeyRate>)]
    pub(crate) rate: Option<Option<KeyRate>>,
    /// Whether it may be used.
    #[schema(inline, nullable = false)]
    #[serde(default, deserialize_with = "some")]
    pub(crate) state: Option<StateBody>,
}

/// Tells `null` from absent.
fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(from).map(Some)
}

/// Absent, but not `null`.
pub(crate) fn some<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<Option<T>, D::Error> {
    T::deserialize(from).map(Some)
}

/// A list of networks in which there is one at least: from nowhere would be a key that is disabled.
pub(in crate::routes) fn networks(given: Option<&Vec<IpNet>>) -> Result<(), Problem> {
    match given {
        Some(list) if list.is_empty() => {
            Err(Problem::invalid("/allowed_cidrs", "one network at least; `null` for anywhere"))
        }
        _ => Ok(()),
    }
}

/// A rotation.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rotation {
    /// How long the old key stays good: `0s` to `30d`, in s, m, h or d.
    #[serde(default, deserialize_with = "some")]
    #[schema(
        value_type = Option<String>, nullable = false, default = "24h",
        pattern = r"^([0-9]{1,5}s|[0-9]{1,4}m|[0-6]?[0-9]{1,2}h|[0-2]?[0-9]d|30d)$"
    )]
    grace: Option<String>,
}

impl Rotation {
    pub(super) fn grace(&self) -> Result<Duration, Problem> {
        let read = |text: &str| {
            let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
            let unit = match unit {
                "s" => 1,
                "m" => 60,
                "h" => 3_600,
                "d" => 86_400,
                _ => return None,
            };
            let plain = (1..=7).contains(&number.len()) && number.bytes().all(|byte| byte.is_ascii_digit());
            let number: u64 = number.parse().ok().filter(|_| plain)?;
            let grace = Duration::from_secs(number * unit);
            (grace <= crate::keyring::LONGEST_GRACE).then_some(grace)
        };
        let misfit = || Problem::invalid("/grace", "a time from 0s to 30d, such as 24h");
        read(self.grace.as_deref().unwrap_or("24h")).ok_or_else(misfit)
    }
}
