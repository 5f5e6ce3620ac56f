//! The processor time of a process, by Linux's /proc.

use std::time::Duration;

use anyhow::{Context, Result};

/// Clock ticks a second in /proc (`sysconf(_SC_CLK_TCK)`, 100 on Linux).
const TICKS: u64 = 100;

/// What the process and those that it has started have used so far (proc(5), fields 14 and 15).
pub(crate) fn used(process: u32) -> Result<Duration> {
    let root = format!("/proc/{process}");
    let stat = std::fs::read_to_string(format!("{root}/stat")).context("it has ended")?;
    let after = stat.rsplit_once(')').map(|(_, rest)| rest).unwrap_or_default();
    let fields: Vec<&str> = after.split_whitespace().collect();
    let field = |at: usize| fields.get(at).and_then(|text| text.parse::<u64>().ok()).unwrap_or_default();
    let mut sum = Duration::from_millis((field(11) + field(12)) * 1000 / TICKS);
    for thread in std::fs::read_dir(format!("{root}/task"))? {
        // A thread may have ended in between.
        let children = std::fs::read_to_string(thread?.path().join("children")).unwrap_or_default();
        for child in children.split_whitespace() {
            sum += used(child.parse()?)?;
        }
    }
    Ok(sum)
}
