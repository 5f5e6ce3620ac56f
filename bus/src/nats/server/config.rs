//! The configuration of a supervised server: loopback only, a user with a new password for each role, the shipped rights.

use std::{fmt::Write, path::Path};

use secrecy::{ExposeSecret, SecretString};

use super::super::permissions::rights;
use crate::role::Role;

/// A new password for each role.
pub(super) fn passwords() -> Vec<(Role, SecretString)> {
    let password = || format!("{:032x}{:032x}", rand::random::<u128>(), rand::random::<u128>());
    Role::ALL.into_iter().map(|role| (role, SecretString::from(password()))).collect()
}

/// The text of the configuration file. Port 0: one that is free, told in the ports file.
pub(super) fn text(dir: &Path, port: u16, passwords: &[(Role, SecretString)]) -> String {
    let port = if port == 0 { -1 } else { i32::from(port) };
    let dir = quoted(&dir.display().to_string());
    let mut text = format!(
        "server_name: adjutant\nhost: \"127.0.0.1\"\nport: {port}\nports_file_dir: {dir}\nmax_payload: 1MB\n\
         jetstream {{ store_dir: {dir}, sync_interval: always }}\nauthorization {{\n  users = [\n"
    );
    for (role, password) in passwords {
        user(&mut text, *role, password);
    }
    text.push_str("  ]\n}\n");
    text
}

fn user(text: &mut String, role: Role, password: &SecretString) {
    let rights = rights(role);
    let list = |subjects: &[String]| subjects.iter().map(|s| quoted(s)).collect::<Vec<_>>().join(", ");
    let responses = rights.responses.map_or_else(String::new, |(max, expires)| {
        format!(", allow_responses: {{ max: {max}, expires: \"{expires}\" }}")
    });
    // Writing to a text cannot fail.
    let _ = writeln!(
        text,
        "    {{ user: {}, password: {}, permissions: {{ publish: [{}], subscribe: [{}]{responses} }} }}",
        quoted(role.as_str()),
        quoted(password.expose_secret()),
        list(&rights.publish),
        list(&rights.subscribe),
    );
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}
