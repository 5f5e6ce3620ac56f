//! What outlives a test process that ended without stopping its server (a shared one, a killed one), and stops it then.

use std::{
    os::unix::process::CommandExt,
    path::Path,
    process::{Child, Command, Stdio},
};

/// It reads a pipe that nothing is written to: its end is the end of the process that holds the other side, however that came about.
/// The server's own lock file says which process to end, also after a restart.
const SCRIPT: &str = r#"
trap '' INT TERM HUP
cat
pid=$(head -n 1 "$1/data/postmaster.pid")
if [ -n "$pid" ]; then
    kill -QUIT "$pid"
    kill -CONT "$pid"
    tries=0
    while kill -0 "$pid" && [ "$tries" -lt 200 ]; do tries=$((tries + 1)); sleep 0.05; done
    kill -KILL "$pid"
fi
rm -rf -- "$1"
"#;

pub(super) struct Watchdog(Child);

impl Watchdog {
    pub(super) fn over(dir: &Path) -> Self {
        let mut shell = Command::new("sh");
        shell.args(["-c", SCRIPT, "watchdog"]).arg(dir).current_dir("/").process_group(0);
        shell.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        Self(shell.spawn().expect("a shell must start"))
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        self.0.wait().expect("the watchdog ends with its pipe");
    }
}
