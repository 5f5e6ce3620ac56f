//! Makes the users of a server: their rights for its configuration, their secrets for files that only the owner can read.

use std::{
    fs::{self, DirBuilder, File},
    io::Write,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::Path,
    process::ExitCode,
};

use adjutant_bus::nats::users::{Proof, User, file};
use anyhow::{Context, Result, bail};
use nkeys::KeyPair;
use secrecy::{ExposeSecret, SecretString};

use crate::{
    cli::{BusUsers, Passwords, UsersFormat},
    output,
};

/// The file with all passwords as variables, for the server.
const ENVIRONMENT: &str = "nats.env";
/// Letters and digits of a password, the first of them a letter: a server reads a variable as it reads its configuration, where
/// a word that begins with a digit may be a number.
const PASSWORD: usize = 43;
/// The work that a hash costs. The passwords are random, so that more would only make connections slow.
const COST: u32 = 6;

/// Makes them as the command line asks.
pub(super) fn make(options: &BusUsers) -> Result<ExitCode> {
    let users = User::all(&options.services);
    let mut names: Vec<String> = users.iter().map(User::variable).collect();
    names.sort();
    if let Some([twice, _]) =
        names.windows(2).filter_map(|two| <&[String; 2]>::try_from(two).ok()).find(|[a, b]| a == b)
    {
        bail!("two users would have the variable {twice}: name the services differently");
    }
    if options.format == UsersFormat::Json {
        let told: Vec<_> = users.iter().map(User::told).collect();
        write(options.out.as_deref(), &serde_json::to_string_pretty(&told)?, 0o644)?;
        return Ok(ExitCode::SUCCESS);
    }
    let secrets = options.secrets.as_deref();
    if let Some(dir) = secrets {
        prepare(dir)?;
    }
    let mode = if options.passwords == Passwords::Bcrypt { 0o600 } else { 0o644 };
    let proofs = if options.nkeys {
        nkeys_of(users, secrets)?
    } else {
        passwords_of(users, secrets, options.passwords)?
    };
    write(options.out.as_deref(), file(&proofs).expose_secret(), mode)?;
    Ok(ExitCode::SUCCESS)
}

fn nkeys_of(users: Vec<User>, secrets: Option<&Path>) -> Result<Vec<(User, Proof)>> {
    let dir = secrets.context("--nkeys needs --secrets DIR: the seeds go there")?;
    let proof = |user: User| {
        let seed = || Ok(KeyPair::new_user().seed()?);
        let path = dir.join(format!("{}.nk", user.name));
        let seed = kept(&path, seed)?;
        let pair = KeyPair::from_seed(seed.expose_secret())
            .with_context(|| format!("{} holds no seed", path.display()))?;
        Ok((user, Proof::Nkey(pair.public_key())))
    };
    users.into_iter().map(proof).collect()
}

fn passwords_of(users: Vec<User>, secrets: Option<&Path>, from: Passwords) -> Result<Vec<(User, Proof)>> {
    let Some(dir) = secrets else {
        if from == Passwords::Bcrypt {
            bail!("--passwords bcrypt needs --secrets DIR: the passwords go there");
        }
        let named = |user: User| {
            let variable = user.variable();
            (user, Proof::Variable(variable))
        };
        return Ok(users.into_iter().map(named).collect());
    };
    let mut proofs = Vec::new();
    let mut environment = String::new();
    for user in users {
        let password = kept(&dir.join(format!("{}.password", user.name)), || Ok(password()))?;
        let proof = match from {
            Passwords::Env => {
                environment.push_str(&format!("{}={}\n", user.variable(), password.expose_secret()));
                Proof::Variable(user.variable())
            }
            Passwords::Bcrypt => {
                let hash = bcrypt::hash_with_result(password.expose_secret(), COST)?;
                Proof::Hash(hash.format_for_version(bcrypt::Version::TwoA))
            }
        };
        proofs.push((user, proof));
    }
    // What servers of a cluster say to each other.
    let route = kept(&dir.join("route.password"), || Ok(password()))?;
    environment.push_str(&format!("NATS_ROUTE_PASSWORD={}\n", route.expose_secret()));
    write(Some(&dir.join(ENVIRONMENT)), &environment, 0o600)?;
    Ok(proofs)
}

fn password() -> String {
    const LETTERS: &[u8] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    const ALL: &[u8] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    let one = |of: &[u8]| of.get(rand::random_range(0..of.len())).copied().map_or('x', char::from);
    std::iter::once(one(LETTERS)).chain((1..PASSWORD).map(|_| one(ALL))).collect()
}

/// The secret that is in a file already, else a new one, which is there from now on.
fn kept(path: &Path, new: impl FnOnce() -> Result<String>) -> Result<SecretString> {
    match fs::read_to_string(path) {
        Ok(text) if !text.trim().is_empty() => Ok(text.trim().to_owned().into()),
        Ok(_) => bail!("{} is empty: remove it, or put the secret there", path.display()),
        Err(fault) if fault.kind() == std::io::ErrorKind::NotFound => {
            let secret = new()?;
            write(Some(path), &secret, 0o600)?;
            Ok(secret.into())
        }
        Err(fault) => Err(fault).with_context(|| format!("{} cannot be read", path.display())),
    }
}

fn prepare(dir: &Path) -> Result<()> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(dir);
    made.with_context(|| format!("{} cannot be made", dir.display()))
}

/// Writes a file whole with these rights, or to standard output.
fn write(path: Option<&Path>, text: &str, mode: u32) -> Result<()> {
    let Some(path) = path else {
        output::say(text);
        return Ok(());
    };
    let told = || format!("{} cannot be written", path.display());
    let mut out =
        File::options().write(true).create(true).truncate(true).mode(mode).open(path).with_context(told)?;
    // One that was there keeps the rights that it had. What is no file, such as a terminal, is not ours to change.
    if out.metadata().with_context(told)?.is_file() {
        out.set_permissions(fs::Permissions::from_mode(mode)).with_context(told)?;
    }
    out.write_all(text.as_bytes()).with_context(told)
}
