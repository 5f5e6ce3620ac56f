//! The users of a server as its configuration has them: the `authorization` block, made of the one table of rights.

use std::{fmt::Write, str::FromStr};

use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;

use super::permissions::{DEMO, Rights, rights, service};
use crate::{role::Role, spec::CommandPath};

/// Longest name of a service.
const MAX_NAME: usize = 48;

/// A service that gets a user: its name, and the commands that it may answer for, with all that stand under them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceUser {
    name: String,
    commands: Vec<CommandPath>,
}

/// Text that names no service.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no service: NAME or NAME=COMMAND,COMMAND…, the name of a-z, A-Z, 0-9, - and _ with {MAX_NAME} characters at most, such as ci=ci,deploy promote"
)]
pub struct ServiceUserError(String);

impl FromStr for ServiceUser {
    type Err = ServiceUserError;
    /// Reads `NAME=COMMAND,COMMAND…`; a name alone answers for the command of that name.
    fn from_str(text: &str) -> Result<Self, ServiceUserError> {
        let wrong = || ServiceUserError(text.chars().take(128).collect());
        let (name, commands) = text.split_once('=').unwrap_or((text, text));
        let good = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if name.is_empty() || name.len() > MAX_NAME || !name.chars().all(good) {
            return Err(wrong());
        }
        let commands = commands.split(',').map(|path| path.trim().parse().map_err(|_| wrong()));
        Ok(Self { name: name.to_owned(), commands: commands.collect::<Result<_, _>>()? })
    }
}

impl ServiceUser {
    /// The service of the demo.
    fn demo() -> Option<Self> {
        let (name, command) = DEMO;
        format!("{name}={command}").parse().ok()
    }
}

/// By what a user proves who it is.
#[derive(Clone, Debug)]
pub enum Proof {
    /// A password in clear text; for a server of our own, whose configuration nobody else can read.
    Password(SecretString),
    /// A password that the server takes from this environment variable.
    Variable(String),
    /// The bcrypt hash of a password.
    Hash(String),
    /// The public key of an nkey: the user signs, and the server knows no secret.
    Nkey(String),
}

/// A user of a server.
#[derive(Clone, Debug)]
pub struct User {
    /// The name, which is also that of its inboxes: `_INBOX_<name>`.
    pub name: String,
    rights: Rights,
}

/// A user as JSON tells it.
#[derive(Debug, Serialize)]
pub struct UserRights<'a> {
    /// The name.
    pub user: &'a str,
    /// Subjects that it may publish to.
    pub publish: &'a [String],
    /// Subjects that it may subscribe to, some with the one queue group that it must join.
    pub subscribe: &'a [String],
    /// Answers that it may send to each request that it receives.
    pub answers: u32,
}

impl User {
    /// The users of an installation: one for each role, one for each service. Without services: the one of the demo.
    #[must_use]
    pub fn all(services: &[ServiceUser]) -> Vec<Self> {
        let demo: Vec<ServiceUser> = ServiceUser::demo().into_iter().collect();
        let services = if services.is_empty() { &demo } else { services };
        let roles = Role::ALL.into_iter().filter(|role| *role != Role::Demo).map(Self::role);
        let of = |known: &ServiceUser| Self {
            name: format!("svc-{}", known.name),
            rights: service(&known.name, &known.commands),
        };
        roles.chain(services.iter().map(of)).collect()
    }

    /// The user of a role.
    pub(crate) fn role(role: Role) -> Self {
        Self { name: role.as_str().to_owned(), rights: rights(role) }
    }

    /// The environment variable in which the server finds the password: `NATS_GATEWAY_SLACK_PASSWORD`.
    #[must_use]
    pub fn variable(&self) -> String {
        format!("NATS_{}_PASSWORD", self.name.to_ascii_uppercase().replace('-', "_"))
    }

    /// What it may do, for a program to read.
    #[must_use]
    pub fn told(&self) -> UserRights<'_> {
        UserRights {
            user: &self.name,
            publish: &self.rights.publish,
            subscribe: &self.rights.subscribe,
            answers: self.rights.responses.map_or(0, |(most, _)| most),
        }
    }
}

/// What stands at the top of a file with users.
const HEAD: &str = "\
# The users of the bus and their rights, included by single.conf and cluster.conf.
# Made by `adjutant bus users` from the table in the program: change it by making it anew, with a --service for each service.
";

/// A file that the configuration of a server includes.
#[must_use]
pub fn file(users: &[(User, Proof)]) -> SecretString {
    format!("{HEAD}{}", block(users).expose_secret()).into()
}

/// The `authorization` block of a server's configuration.
#[must_use]
pub(crate) fn block(users: &[(User, Proof)]) -> SecretString {
    let mut text = "authorization {\n  timeout: 5\n  users = [\n".to_owned();
    for (user, proof) in users {
        write_user(&mut text, user, proof);
    }
    text.push_str("  ]\n}\n");
    text.into()
}

fn write_user(text: &mut String, user: &User, proof: &Proof) {
    let name = quoted(&user.name);
    let who = match proof {
        Proof::Password(password) => {
            format!("user: {name}, password: {}", quoted(password.expose_secret()))
        }
        Proof::Variable(variable) => format!("user: {name}, password: ${variable}"),
        Proof::Hash(hash) => format!("user: {name}, password: {}", quoted(hash)),
        Proof::Nkey(public) => format!("nkey: {public}"),
    };
    // Writing to a text cannot fail.
    let _ = writeln!(text, "    # {}\n    {{\n      {who}\n      permissions: {{", user.name);
    for (kind, subjects) in [("publish", &user.rights.publish), ("subscribe", &user.rights.subscribe)] {
        let _ = writeln!(text, "        {kind}: [");
        for subject in subjects {
            let _ = writeln!(text, "          {}", quoted(subject));
        }
        text.push_str("        ]\n");
    }
    if let Some((max, expires)) = user.rights.responses {
        let _ = writeln!(text, "        allow_responses: {{ max: {max}, expires: \"{expires}\" }}");
    }
    text.push_str("      }\n    }\n");
}

/// A text as the configuration of a server has it.
pub(crate) fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_is_read_with_the_commands_it_answers_for() {
        let ci: ServiceUser = "ci=ci,deploy promote".parse().unwrap();
        assert_eq!(ci.commands.iter().map(CommandPath::dotted).collect::<Vec<_>>(), ["ci", "deploy.promote"]);
        let alone: ServiceUser = "ci".parse().unwrap();
        assert_eq!(alone.commands.len(), 1);
        for wrong in ["", "=ci", "a.b=ci", "a*=ci", "ci=", "ci=>", "ci=a.*", "c i=ci", "ci=Deploy"] {
            assert!(wrong.parse::<ServiceUser>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_service_may_answer_for_its_own_commands_and_speak_under_its_own_name() {
        let users = User::all(&["ci=ci run".parse().unwrap()]);
        let ci = users.iter().find(|user| user.name == "svc-ci").unwrap();
        assert_eq!(ci.variable(), "NATS_SVC_CI_PASSWORD");
        let told = ci.told();
        assert_eq!(
            told.publish,
            ["adjutant.v1.cmd.service.ci", "adjutant.v1.say.service.ci", "adjutant.v1.adm.>", "$JS.API.INFO"]
        );
        assert!(told.subscribe.contains(&"adjutant.v1.run.ci.run q".to_owned()));
        assert!(told.subscribe.contains(&"_INBOX_svc-ci.>".to_owned()));
        assert!(!told.subscribe.iter().any(|subject| subject == "$SRV.>" || subject == ">"));
    }

    #[test]
    fn the_shipped_permissions_are_those_of_the_program() {
        let shipped =
            std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/nats/permissions.conf");
        let users = User::all(&[]).into_iter().map(|user| {
            let variable = user.variable();
            (user, Proof::Variable(variable))
        });
        let made = file(&users.collect::<Vec<_>>());
        let made = made.expose_secret();
        if std::env::var_os("ADJUTANT_BLESS").is_some() {
            std::fs::write(&shipped, made).unwrap();
        }
        let there = std::fs::read_to_string(&shipped).unwrap();
        assert!(
            there == made,
            "deploy/nats/permissions.conf differs: run the tests with ADJUTANT_BLESS=1 and look at the change"
        );
    }
}
