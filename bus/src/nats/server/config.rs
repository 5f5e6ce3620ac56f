//! The configuration of a supervised server: loopback only, a user with a new password for each role, the shipped rights.

use std::path::Path;

use secrecy::{ExposeSecret, SecretString};

use super::super::users::{Proof, User, block, quoted};
use crate::role::Role;

/// A new password for each role.
pub(super) fn passwords() -> Vec<(Role, SecretString)> {
    let password = || format!("{:032x}{:032x}", rand::random::<u128>(), rand::random::<u128>());
    Role::ALL.into_iter().map(|role| (role, SecretString::from(password()))).collect()
}

/// The text of the configuration file. Port 0: one that is free, told in the ports file.
pub(super) fn text(dir: &Path, port: u16, passwords: &[(Role, SecretString)]) -> SecretString {
    let port = if port == 0 { -1 } else { i32::from(port) };
    let dir = quoted(&dir.display().to_string());
    let users: Vec<(User, Proof)> =
        passwords.iter().map(|(role, text)| (User::role(*role), Proof::Password(text.clone()))).collect();
    format!(
        "server_name: adjutant\nhost: \"127.0.0.1\"\nport: {port}\nports_file_dir: {dir}\nmax_payload: 1MB\n\
         jetstream {{ store_dir: {dir}, sync_interval: always }}\n{}",
        block(&users).expose_secret()
    )
    .into()
}
