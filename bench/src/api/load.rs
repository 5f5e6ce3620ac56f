//! One turn of `wrk` at one server, with the processor time that the server took meanwhile.

use std::{path::Path, process::Command, time::Duration};

use anyhow::{Context, Result, bail};

use super::servers::Server;

/// Takes a key after another from a file; the first line of the result is for programs.
const SCRIPT: &str = r#"
local keys = {}
for line in io.lines(os.getenv("KEYS_FILE")) do keys[#keys + 1] = line end
local at = 0
request = function()
  at = at % #keys + 1
  return wrk.format("GET", nil, { ["Authorization"] = "Bearer " .. keys[at] })
end
done = function(summary, latency)
  io.write(string.format("RESULT %d %d %d %d %d\n", summary.requests, summary.duration,
    latency:percentile(50), latency:percentile(99), summary.errors.status))
end
"#;

/// What a turn gave.
#[derive(Clone, Debug)]
pub(super) struct Turn {
    pub(super) rate: f64,
    pub(super) cpu_per_request: Duration,
    pub(super) p50: Duration,
    pub(super) p99: Duration,
}

/// Whether there is a `wrk`.
pub(super) fn installed() -> Result<()> {
    Command::new("wrk").arg("--version").output().map(drop).context("wrk cannot be started")
}

/// One turn.
pub(super) fn turn(server: &Server, keys: &Path, connections: usize, seconds: u64) -> Result<Turn> {
    let script = keys.with_extension("lua");
    std::fs::write(&script, SCRIPT)?;
    let before = server.cpu()?;
    let output = Command::new("wrk")
        .args(["-t1", &format!("-c{connections}"), &format!("-d{seconds}s"), "-s"])
        .arg(&script)
        .arg(&server.url)
        .env("KEYS_FILE", keys)
        .output()
        .context("wrk cannot be started")?;
    let used = server.cpu()?.saturating_sub(before);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let result = text.lines().find_map(|line| line.strip_prefix("RESULT "));
    let numbers: Vec<f64> =
        result.context("wrk gave no result")?.split(' ').filter_map(|number| number.parse().ok()).collect();
    let [requests, micros, p50, p99, wrong] = numbers.as_slice() else {
        bail!("wrk's result cannot be read")
    };
    if *wrong > 0.0 {
        bail!("{}: {wrong} calls were refused", server.name);
    }
    Ok(Turn {
        rate: requests / micros * 1e6,
        cpu_per_request: used.div_f64(requests.max(1.0)),
        p50: Duration::from_secs_f64(p50 / 1e6),
        p99: Duration::from_secs_f64(p99 / 1e6),
    })
}
