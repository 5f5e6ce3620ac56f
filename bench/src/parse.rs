//! The latency of parsing one line.

use std::time::Instant;

use adjutant_bus::spec::{ArgKind, ArgSpec, CommandSpec};
use adjutant_workers::{
    catalogue::{Catalogue, Entry, Source},
    parse,
};

use crate::figures::Figures;

const LINES: usize = 20_000;

/// Measures a line with three positional arguments and a flag among 200 commands.
pub(crate) fn measure() -> Figures {
    let environment = |name: &str| {
        let choices = ["preview", "staging", "production"].map(str::to_owned).to_vec();
        ArgSpec::positional(name, ArgKind::Choice { choices }, "")
    };
    let specs = (0..200).filter_map(|n| {
        let path = if n == 0 { "deploy promote".to_owned() } else { format!("other{n} run") };
        Some(CommandSpec {
            args: vec![
                ArgSpec::positional("app", ArgKind::String, ""),
                environment("from"),
                environment("to"),
                ArgSpec::flag("reason", ArgKind::String, ""),
            ],
            ..CommandSpec::new(path.parse().ok()?, "")
        })
    });
    let (catalogue, _) = Catalogue::new(specs.map(|spec| Entry::new(spec, Source::BuiltIn)));
    let mut latencies = Vec::with_capacity(LINES);
    let begun = Instant::now();
    for _ in 0..LINES {
        let one = Instant::now();
        let line = "deploy promote web staging production —reason “it is due”";
        let _ = std::hint::black_box(parse::parse(&catalogue, line, &|_| true));
        latencies.push(one.elapsed());
    }
    Figures::new(latencies, begun.elapsed())
}
