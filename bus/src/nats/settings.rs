//! The settings of streams and consumers one by one: how each is compared, and what may be done where one differs.

use async_nats::jetstream::{
    consumer,
    stream::{self, RetentionPolicy},
};

/// One setting.
pub(crate) struct Setting<C> {
    pub(crate) name: &'static str,
    /// As people are told it. Equal texts are equal settings.
    pub(crate) told: fn(&C) -> String,
    /// Takes it over from the other.
    pub(crate) set: fn(&mut C, &C),
    /// Without it as it should be Adjutant's promises do not hold.
    pub(crate) vital: bool,
    /// How much it lets in, if more of it does no harm: what an operator has made larger stays, and nothing is dropped.
    pub(crate) room: fn(&C) -> Option<i128>,
}

/// What stands differently in one thing.
pub(crate) struct Difference<C: 'static> {
    pub(crate) setting: &'static Setting<C>,
    wanted: String,
    found: String,
    /// There is more room than is needed.
    pub(crate) roomy: bool,
}

impl<C> std::fmt::Display for Difference<C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} is {}, wanted {}", self.setting.name, self.found, self.wanted)
    }
}

impl<C> Difference<C> {
    /// From what to what.
    pub(crate) fn change(&self) -> String {
        format!("{} {} → {}", self.setting.name, self.found, self.wanted)
    }
}

/// Where these differ.
pub(crate) fn differences<C>(settings: &'static [Setting<C>], wanted: &C, found: &C) -> Vec<Difference<C>> {
    let told = settings.iter().map(|setting| (setting, (setting.told)(wanted), (setting.told)(found)));
    told.filter(|(_, wanted, found)| wanted != found)
        .map(|(setting, told, there)| {
            let roomy = (setting.room)(wanted).zip((setting.room)(found)).is_some_and(|(w, f)| f > w);
            Difference { setting, wanted: told, found: there, roomy }
        })
        .collect()
}

const fn exact<C>(_: &C) -> Option<i128> {
    None
}

/// No limit is written as 0 and answered as -1.
fn limit(number: i64) -> i128 {
    if number <= 0 { i128::MAX } else { number.into() }
}

fn told_limit(number: i64) -> String {
    if number <= 0 { "unlimited".to_owned() } else { number.to_string() }
}

fn is_bucket(config: &stream::Config) -> bool {
    config.name.starts_with("KV_")
}

/// A window that is not asked for is the server's own.
fn is_queue(config: &stream::Config) -> bool {
    config.retention == RetentionPolicy::WorkQueue
}

fn age(config: &stream::Config) -> i128 {
    if config.max_age.is_zero() {
        i128::MAX
    } else {
        i128::try_from(config.max_age.as_nanos()).unwrap_or(i128::MAX)
    }
}

macro_rules! exactly {
    ($name:literal, $vital:literal, $($field:ident),+) => {
        Setting {
            name: $name,
            told: |config| [$(format!("{:?}", config.$field)),+].join(" "),
            set: |config, wanted| { $(config.$field = wanted.$field.clone();)+ },
            vital: $vital,
            room: exact,
        }
    };
}

/// The settings of a stream.
pub(crate) static STREAM: [Setting<stream::Config>; 14] = [
    exactly!("subjects", true, subjects),
    exactly!("retention", true, retention),
    exactly!("storage", true, storage),
    Setting {
        name: "discard",
        told: |config| {
            let each = if config.discard_new_per_subject { " per subject" } else { "" };
            format!("{:?}{each}", config.discard)
        },
        set: |config, wanted| {
            config.discard = wanted.discard;
            config.discard_new_per_subject = wanted.discard_new_per_subject;
            // The server wants a limit that can be met.
            if config.max_messages_per_subject <= 0 {
                config.max_messages_per_subject = wanted.max_messages_per_subject;
            }
        },
        vital: true,
        room: exact,
    },
    Setting {
        name: "max_msgs_per_subject",
        told: |config| told_limit(config.max_messages_per_subject),
        set: |config, wanted| config.max_messages_per_subject = wanted.max_messages_per_subject,
        vital: false,
        // In a bucket it is the history, and one that is to have none must have none.
        room: |config| {
            let history = is_bucket(config) && config.max_messages_per_subject == 1;
            (!history).then(|| limit(config.max_messages_per_subject))
        },
    },
    Setting {
        name: "max_age",
        told: |config| format!("{:?}", config.max_age),
        set: |config, wanted| {
            config.max_age = wanted.max_age;
            if is_bucket(config) {
                // The server's own, which is not longer than the age.
                config.duplicate_window = std::time::Duration::ZERO;
            }
        },
        vital: false,
        // In a bucket it is the time after which an entry counts as gone.
        room: |config| (!is_bucket(config)).then(|| age(config)),
    },
    Setting {
        name: "max_bytes",
        told: |config| told_limit(config.max_bytes),
        set: |config, wanted| config.max_bytes = wanted.max_bytes,
        vital: false,
        room: |config| Some(limit(config.max_bytes)),
    },
    Setting {
        name: "duplicate_window",
        told: |config| {
            if is_queue(config) { format!("{:?}", config.duplicate_window) } else { String::new() }
        },
        set: |config, wanted| config.duplicate_window = wanted.duplicate_window,
        vital: false,
        room: exact,
    },
    Setting {
        name: "replicas",
        told: |config| config.num_replicas.to_string(),
        set: |config, wanted| config.num_replicas = wanted.num_replicas,
        vital: false,
        room: |config| i128::try_from(config.num_replicas).ok(),
    },
    exactly!("deny_delete", true, deny_delete),
    exactly!("deny_purge", true, deny_purge),
    exactly!("allow_direct", true, allow_direct),
    Setting {
        name: "compression",
        told: |config| format!("{:?}", config.compression.clone().unwrap_or(stream::Compression::None)),
        set: |config, wanted| config.compression.clone_from(&wanted.compression),
        vital: false,
        room: exact,
    },
    exactly!("markers", true, allow_rollup, allow_message_ttl, subject_delete_marker_ttl),
];

/// The settings of a consumer.
pub(crate) static CONSUMER: [Setting<consumer::Config>; 5] = [
    exactly!("filter_subject", true, filter_subject),
    exactly!("ack_policy", true, ack_policy),
    exactly!("ack_wait", false, ack_wait),
    exactly!("max_deliver", true, max_deliver),
    exactly!("max_ack_pending", false, max_ack_pending),
];
