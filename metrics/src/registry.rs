//! The registry of this process. It knows the metrics of the table and no others, and lets no value of a label in that is not bounded.

use std::{
    collections::{HashMap, HashSet},
    sync::LazyLock,
};

use parking_lot::RwLock;
use prometheus::{
    Counter, CounterVec, Encoder, Gauge, GaugeVec, Histogram, HistogramOpts, HistogramVec, Opts, Registry,
    TextEncoder,
    core::{Collector, MetricVec, MetricVecBuilder},
};

use crate::{
    clock,
    kind::{Kind, Part},
    label::{Label, MOST_VALUES, OTHER, Values},
    name::{Described, Name},
};

/// The media type of [`text`].
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";
/// Most labels of a metric.
const MOST_LABELS: usize = 3;

/// A metric with all its series.
enum Family {
    Counter(CounterVec),
    Gauge(GaugeVec),
    Histogram(HistogramVec),
}

struct Metrics {
    registry: Registry,
    /// In the order of [`Name::ALL`].
    families: Vec<Family>,
    /// Values of configured labels that were let in.
    known: RwLock<HashMap<Label, HashSet<String>>>,
}

static METRICS: LazyLock<Metrics> = LazyLock::new(|| {
    let registry = Registry::new();
    let families = Name::ALL.iter().map(|name| family(&registry, &name.describe())).collect();
    Metrics { registry, families, known: RwLock::default() }
});

#[expect(clippy::expect_used, reason = "the table is constant, and a test makes every metric of it")]
fn family(registry: &Registry, described: &Described) -> Family {
    let labels: Vec<&str> = described.labels.iter().map(|label| label.as_str()).collect();
    let options = Opts::new(described.name, described.help);
    let (family, collector): (Family, Box<dyn Collector>) = match described.kind {
        Kind::Counter => {
            let family = CounterVec::new(options, &labels).expect("a counter of the table");
            (Family::Counter(family.clone()), Box::new(family))
        }
        Kind::Gauge => {
            let family = GaugeVec::new(options, &labels).expect("a gauge of the table");
            (Family::Gauge(family.clone()), Box::new(family))
        }
        Kind::Histogram(bounds) => {
            let options = HistogramOpts::from(options).buckets(bounds.to_vec());
            let family = HistogramVec::new(options, &labels).expect("a histogram of the table");
            (Family::Histogram(family.clone()), Box::new(family))
        }
    };
    registry.register(collector).expect("each name is there once");
    family
}

/// The value as it may stand in a series.
fn bounded(label: Label, value: &str) -> &str {
    match label.values() {
        Values::Fixed(values) if values.contains(&value) => value,
        Values::Fixed(_) => OTHER,
        Values::Configured(_) if is_known(label, value) => value,
        Values::Configured(_) => OTHER,
    }
}

/// Whether a configured value is let in: it was before, or there is room.
fn is_known(label: Label, value: &str) -> bool {
    if METRICS.known.read().get(&label).is_some_and(|known| known.contains(value)) {
        return true;
    }
    let mut known = METRICS.known.write();
    let known = known.entry(label).or_default();
    known.contains(value) || known.len() < MOST_VALUES && known.insert(value.to_owned())
}

/// One series of a family, its labels bounded.
fn child<T: MetricVecBuilder>(family: &MetricVec<T>, name: Name, values: &[&str]) -> Option<T::M> {
    let labels = name.describe().labels;
    let mut all = [OTHER; MOST_LABELS];
    for ((label, value), place) in labels.iter().zip(values).zip(&mut all) {
        *place = bounded(*label, value);
    }
    family.get_metric_with_label_values(all.get(..labels.len())?).ok()
}

pub(crate) fn counter(name: Name, values: &[&str]) -> Option<Counter> {
    match METRICS.families.get(name as usize) {
        Some(Family::Counter(family)) => child(family, name, values),
        _ => None,
    }
}

pub(crate) fn gauge(name: Name, values: &[&str]) -> Option<Gauge> {
    match METRICS.families.get(name as usize) {
        Some(Family::Gauge(family)) => child(family, name, values),
        _ => None,
    }
}

pub(crate) fn histogram(name: Name, values: &[&str]) -> Option<Histogram> {
    match METRICS.families.get(name as usize) {
        Some(Family::Histogram(family)) => child(family, name, values),
        _ => None,
    }
}

/// Counts one.
pub(crate) fn count(name: Name, values: &[&str]) {
    if let Some(counter) = counter(name, values) {
        counter.inc();
    }
}

/// Sets a gauge.
pub(crate) fn set(name: Name, values: &[&str], to: f64) {
    if let Some(gauge) = gauge(name, values) {
        gauge.set(to);
    }
}

/// Puts one more into a histogram.
pub(crate) fn observe(name: Name, values: &[&str], what: f64) {
    if let Some(histogram) = histogram(name, values) {
        histogram.observe(what);
    }
}

/// Tells nothing more of a gauge.
pub(crate) fn remove(name: Name, values: &[&str]) {
    if let Some(Family::Gauge(family)) = METRICS.families.get(name as usize) {
        // That it is not there is as good.
        let _ = family.remove_label_values(values);
    }
}

/// Lets the counters and histograms of a part begin at zero where their labels are a list, so that the first event is a rise. `only`
/// says which values of a label this process will tell.
pub(crate) fn begin(part: Part, only: &[(Label, &[&str])]) {
    for name in Name::ALL {
        let described = name.describe();
        if described.part == part && described.kind != Kind::Gauge {
            begin_all(*name, described.labels, only, &mut Vec::new());
        }
    }
}

/// The same for one metric and one value of a label that is not a list.
pub(crate) fn begin_for(name: Name, label: Label, value: &str) {
    begin_all(name, name.describe().labels, &[(label, &[value])], &mut Vec::new());
}

fn begin_all<'a>(name: Name, rest: &[Label], only: &'a [(Label, &'a [&'a str])], values: &mut Vec<&'a str>) {
    let Some((label, rest)) = rest.split_first() else {
        let _ = (counter(name, values), histogram(name, values));
        return;
    };
    let told = only.iter().find(|(other, _)| other == label).map(|(_, told)| *told);
    let fixed = match label.values() {
        Values::Fixed(fixed) => fixed,
        Values::Configured(_) => &[],
    };
    for value in told.unwrap_or(fixed) {
        values.push(value);
        begin_all(name, rest, only, values);
        values.pop();
    }
}

/// Everything that is known here, in Prometheus' text form, version 0.0.4.
#[must_use]
pub fn text() -> String {
    clock::refresh();
    let mut text = Vec::new();
    // Writing to memory does not fail.
    let _ = TextEncoder::new().encode(&METRICS.registry.gather(), &mut text);
    String::from_utf8(text).unwrap_or_default()
}
