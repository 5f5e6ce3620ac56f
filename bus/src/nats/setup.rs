//! Makes streams, consumers and buckets as they should be, with admin rights: creates what is missing, changes in place what
//! loses nothing, reports the rest. Deletes nothing. Daemons only look.

use std::fmt;

use async_nats::jetstream::{
    ErrorCode,
    consumer::{self, IntoConsumerConfig, pull},
    context::{GetStreamError, GetStreamErrorKind},
    stream::{self, ConsumerErrorKind},
};
use serde::Serialize;
use tracing::warn;

use super::{
    connect::Link,
    permissions::Needs,
    settings::{CONSUMER, Difference, STREAM, differences},
    topology,
};
use crate::ports::{BusError, Limits};

/// What was done about one stream, consumer or bucket.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Made {
    /// Which one.
    pub what: String,
    /// It was not there.
    pub created: bool,
    /// What was changed, from what to what.
    pub changed: Vec<String>,
    /// What an operator has made larger than is needed, and stays.
    pub kept: Vec<String>,
    /// What is not as it should be and cannot be changed, and why.
    pub differs: Vec<String>,
}

impl Made {
    /// Whether it is as it should be now.
    #[must_use]
    pub const fn is_good(&self) -> bool {
        self.differs.is_empty()
    }
}

impl fmt::Display for Made {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut told = Vec::new();
        if self.created {
            told.push("created".to_owned());
        }
        if !self.changed.is_empty() {
            told.push(format!("changed: {}", self.changed.join("; ")));
        }
        if !self.kept.is_empty() {
            told.push(format!("left as it is: {}", self.kept.join("; ")));
        }
        if !self.differs.is_empty() {
            told.push(format!("DIFFERS, and cannot be changed in place: {}", self.differs.join("; ")));
        }
        if told.is_empty() {
            told.push("as it should be".to_owned());
        }
        write!(f, "{}: {}", self.what, told.join(". "))
    }
}

/// Makes everything as it should be.
pub(crate) async fn set_up(link: &Link, limits: &Limits, replicas: usize) -> Result<Vec<Made>, BusError> {
    let mut all = Vec::new();
    for (what, wanted) in topology::all(limits, replicas) {
        all.push(make_stream(link, what, wanted).await?);
    }
    for (on, wanted) in topology::consumers(limits) {
        all.push(make_consumer(link, on, wanted).await?);
    }
    Ok(all)
}

async fn make_stream(link: &Link, what: String, wanted: stream::Config) -> Result<Made, BusError> {
    let mut made = Made { what, ..Made::default() };
    let Some(mut config) = find(link, &wanted.name).await? else {
        link.jetstream.create_stream(&wanted).await.map_err(|error| cannot(&made.what, &error))?;
        made.created = true;
        return Ok(made);
    };
    for difference in differences(&STREAM, &wanted, &config) {
        if difference.roomy {
            made.kept.push(difference.to_string());
            continue;
        }
        let mut next = config.clone();
        (difference.setting.set)(&mut next, &wanted);
        match link.jetstream.update_stream(&next).await {
            Ok(_) => {
                made.changed.push(difference.change());
                config = next;
            }
            Err(error) => made.differs.push(format!("{difference} ({error})")),
        }
    }
    Ok(made)
}

async fn make_consumer(link: &Link, on: &str, wanted: pull::Config) -> Result<Made, BusError> {
    let name = wanted.durable_name.clone().unwrap_or_default();
    let mut made = Made { what: format!("consumer {name} of {on}"), ..Made::default() };
    let Some(found) = find_consumer(link, on, &name).await? else {
        let created = link.jetstream.create_consumer_strict_on_stream(wanted, on).await;
        created.map_err(|error| cannot(&made.what, &error))?;
        made.created = true;
        return Ok(made);
    };
    let differences = differences(&CONSUMER, &wanted.clone().into_consumer_config(), &found);
    if differences.is_empty() {
        return Ok(made);
    }
    match link.jetstream.update_consumer_on_stream(wanted, on).await {
        Ok(_) => made.changed = differences.iter().map(Difference::change).collect(),
        Err(error) => made.differs = differences.iter().map(|one| format!("{one} ({error})")).collect(),
    }
    Ok(made)
}

fn cannot(what: &str, error: &dyn fmt::Display) -> BusError {
    BusError::Refused(format!("the {what} is not there and cannot be created: {error}"))
}

fn is_missing(error: &GetStreamError) -> bool {
    matches!(&error.kind(), GetStreamErrorKind::JetStream(told) if told.error_code() == ErrorCode::STREAM_NOT_FOUND)
}

/// The settings of a stream; none if it is not there.
async fn find(link: &Link, name: &str) -> Result<Option<stream::Config>, BusError> {
    match link.jetstream.get_stream(name).await {
        Ok(found) => Ok(Some(found.cached_info().config.clone())),
        Err(error) if is_missing(&error) => Ok(None),
        Err(error) => Err(BusError::Unavailable(format!("{name}: {error}"))),
    }
}

/// The settings of a consumer; none if it is not there.
async fn find_consumer(link: &Link, on: &str, name: &str) -> Result<Option<consumer::Config>, BusError> {
    match link.jetstream.get_consumer_from_stream::<pull::Config, _, _>(name, on).await {
        Ok(found) => Ok(Some(found.cached_info().config.clone())),
        Err(error) => match error.kind() {
            ConsumerErrorKind::JetStream(told) if told.error_code() == ErrorCode::CONSUMER_NOT_FOUND => {
                Ok(None)
            }
            ConsumerErrorKind::InvalidConsumerType => Err(BusError::Refused(format!(
                "the consumer {name} of {on} is not one that is pulled; remove it, and run `adjutant bus setup`"
            ))),
            _ => Err(BusError::Unavailable(format!("consumer {name} of {on}: {error}"))),
        },
    }
}

/// Whether all that a daemon needs is there; it never makes anything.
pub(crate) async fn check(link: &Link, needs: &Needs, limits: &Limits) -> Result<(), BusError> {
    let streams = topology::streams(limits, 1)
        .into_iter()
        .filter(|config| needs.streams.contains(&config.name.as_str()));
    let streams = streams.map(|config| (format!("stream {}", config.name), config));
    let buckets = needs
        .buckets
        .iter()
        .map(|name| (format!("bucket {}", name.as_str()), topology::bucket(*name, limits, 1)));
    for (what, wanted) in streams.chain(buckets) {
        let found = find(link, &wanted.name).await?.ok_or_else(|| missing(&what))?;
        let (vital, other): (Vec<_>, Vec<_>) = differences(&STREAM, &wanted, &found)
            .into_iter()
            .filter(|difference| !difference.roomy)
            .partition(|difference| difference.setting.vital);
        if let Some(first) = vital.first() {
            return Err(BusError::Refused(format!(
                "the {what} is not as it should be: {first}; run `adjutant bus setup`"
            )));
        }
        for difference in other {
            warn!("the {what} has other settings: {difference}; `adjutant bus setup` changes them");
        }
    }
    for (on, name) in &needs.consumers {
        find_consumer(link, on, name).await?.ok_or_else(|| missing(&format!("consumer {name} of {on}")))?;
    }
    Ok(())
}

/// What is told of something that is not there: exactly one line, and what to do.
fn missing(what: &str) -> BusError {
    BusError::Refused(format!("the {what} is not there; run `adjutant bus setup` with the user admin"))
}
