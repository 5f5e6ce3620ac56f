//! Finding the programs of a PostgreSQL server.

use std::path::{Path, PathBuf};

/// The folder that has them.
pub(super) struct Binaries(PathBuf);

impl Binaries {
    /// The project's own, those on `PATH`, then the newest where Debian puts them, which is not on `PATH`.
    pub(super) fn find() -> Self {
        let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.tools/postgres/bin");
        let path = std::env::var_os("PATH").unwrap_or_default();
        let mut folders = vec![own];
        folders.extend(std::env::split_paths(&path));
        folders.extend(debian());
        let found = folders
            .into_iter()
            .find(|folder| ["initdb", "postgres", "createdb"].iter().all(|name| folder.join(name).is_file()));
        Self(found.expect("there is no PostgreSQL server: run ./dev setup"))
    }

    pub(super) fn initdb(&self) -> PathBuf {
        self.0.join("initdb")
    }

    pub(super) fn postgres(&self) -> PathBuf {
        self.0.join("postgres")
    }

    pub(super) fn createdb(&self) -> PathBuf {
        self.0.join("createdb")
    }
}

fn debian() -> Vec<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut versions: Vec<(u32, PathBuf)> = versions
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
        .collect();
    versions.sort_by(|one, other| other.cmp(one));
    versions.into_iter().map(|(_, folder)| folder).collect()
}
