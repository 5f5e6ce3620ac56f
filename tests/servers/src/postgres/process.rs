//! Who runs the server's programs, and signals to its processes.

use std::{
    os::unix::{
        fs::{MetadataExt, chown},
        process::CommandExt,
    },
    path::Path,
    process::{Command, Stdio},
};

use nix::{
    errno::Errno,
    sys::signal::{Signal, kill},
    unistd::{Pid, User},
};

/// Who runs them. PostgreSQL refuses root, who therefore hands the folder to `nobody`.
pub(super) struct Account(Option<(u32, u32)>);

impl Account {
    pub(super) fn for_folder(dir: &Path) -> Self {
        if std::fs::metadata(dir).expect("the folder is there").uid() != 0 {
            return Self(None);
        }
        let nobody = User::from_name("nobody").expect("accounts can be read").expect("an account 'nobody'");
        let (uid, gid) = (nobody.uid.as_raw(), nobody.gid.as_raw());
        chown(dir, Some(uid), Some(gid)).expect("root can hand over a folder");
        Self(Some((uid, gid)))
    }

    /// A program, silent, in a process group of its own: what is typed at the terminal does not reach it.
    pub(super) fn command(&self, program: &Path, dir: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir(dir).process_group(0).env("LC_ALL", "C");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("PG")) {
            command.env_remove(name);
        }
        if let Some((uid, gid)) = self.0 {
            command.uid(uid).gid(gid);
        }
        command
    }
}

/// A process that has ended meanwhile needs no signal.
pub(super) fn signal(pid: u32, signal: Signal) {
    match kill(Pid::from_raw(pid.try_into().expect("a process id")), signal) {
        Ok(()) | Err(Errno::ESRCH) => {}
        Err(error) => panic!("no {signal} to {pid}: {error}"),
    }
}

/// The processes that this one started (proc(5): the field after the state is the parent).
pub(super) fn children(parent: u32) -> Vec<u32> {
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter(|pid| parent_of(*pid) == Some(parent)).collect()
}

fn parent_of(pid: u32) -> Option<u32> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
}
