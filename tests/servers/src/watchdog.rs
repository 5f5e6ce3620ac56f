//! What outlives a test process that ended without stopping its server (a shared one, a killed one), and stops it then.

use std::{
    os::unix::process::CommandExt,
    path::Path,
    process::{Child, Command, Stdio},
};

/// It reads a pipe that nothing is written to: its end is the end of the process that holds the other side, however that came about.
const WAIT: &str = "trap '' INT TERM HUP\ncat\n";
const CLEAN: &str = "\nrm -rf -- \"$1\"\n";

pub(crate) struct Watchdog(Child);

impl Watchdog {
    /// Does this to the folder `$1`, and removes it.
    pub(crate) fn over(dir: &Path, end: &str) -> Self {
        let mut shell = Command::new("sh");
        shell
            .args(["-c", &format!("{WAIT}{end}{CLEAN}"), "watchdog"])
            .arg(dir)
            .current_dir("/")
            .process_group(0);
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
