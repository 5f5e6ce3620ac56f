//! What kinds of metrics there are, and who tells them.

/// How a metric behaves.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// Only rises; begins anew with the process.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Counts by size, with these upper bounds.
    Histogram(&'static [f64]),
}

impl Kind {
    /// The word for it in Prometheus' text form.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram(_) => "histogram",
        }
    }
}

/// The part of the program that tells a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Every process.
    Program,
    /// Every process, of its connections to the bus.
    Bus,
    /// Whoever decides by policy: workers and the API.
    Policy,
    /// Workers.
    Worker,
    /// Gateways of chat platforms.
    Gateway,
    /// The API.
    Api,
    /// Whoever sends itself canaries: gateways and the API.
    Canary,
}

impl Part {
    /// Every part, in the order of the documentation.
    pub const ALL: [Self; 7] =
        [Self::Program, Self::Bus, Self::Policy, Self::Worker, Self::Gateway, Self::Api, Self::Canary];

    /// Its name, for people.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Program => "Every process",
            Self::Bus => "The bus, in every process",
            Self::Policy => "Policy, in workers and the API",
            Self::Worker => "Workers",
            Self::Gateway => "Gateways of Slack and Discord",
            Self::Api => "The API",
            Self::Canary => "Canaries, in gateways and the API",
        }
    }
}

/// A decision of policy: tens of microseconds.
pub(crate) const DECISION: Kind =
    Kind::Histogram(&[0.000_01, 0.000_025, 0.000_05, 0.000_1, 0.000_25, 0.001, 0.005, 0.025, 0.1]);
/// What takes milliseconds, and people wait for.
pub(crate) const SHORT: Kind =
    Kind::Histogram(&[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0]);
/// What may take minutes.
pub(crate) const LONG: Kind =
    Kind::Histogram(&[0.005, 0.025, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 30.0, 60.0, 300.0, 900.0]);
/// A call of the API.
pub(crate) const CALL: Kind =
    Kind::Histogram(&[0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 2.5, 30.0]);
