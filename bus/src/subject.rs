//! Subjects of the bus, built and parsed here and nowhere else. What comes from outside passes an injective escape.

use std::{fmt, str::FromStr};

use sha2::{Digest, Sha256};

use crate::{
    actor::{Actor, Platform, Tenant},
    id::{RequestId, RunId},
    spec::CommandPath,
};

/// The version is the second token, so that streams and permissions can be split per version.
const ROOT: &str = "adjutant.v1";
/// Longest token after escaping; longer ones are replaced by a digest.
const MAX_TOKEN: usize = 64;

/// One escaped token, good as a part of a subject and of a key in a bucket.
///
/// Bytes outside `[A-Za-z0-9_-]` become `=XX` (upper-case hexadecimal), the empty string is `=`, and what is longer than
/// 64 characters after that is `=h` and 32 hexadecimal digits of its SHA-256. The escape never yields a lone `=` or `=h`,
/// so different texts have different tokens.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Token(String);

impl Token {
    /// Escapes a text from outside.
    #[must_use]
    pub fn escape(text: &str) -> Self {
        if text.is_empty() {
            return Self("=".to_owned());
        }
        let mut token = String::with_capacity(text.len());
        for byte in text.bytes() {
            if byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-' {
                token.push(char::from(byte));
            } else {
                token.push_str(&format!("={byte:02X}"));
            }
        }
        if token.len() > MAX_TOKEN {
            let digest = Sha256::digest(text.as_bytes());
            token = digest.iter().take(16).fold("=h".to_owned(), |hash, byte| format!("{hash}{byte:02x}"));
        }
        Self(token)
    }

    /// The text that was escaped; none if it was too long and only its digest is here.
    #[must_use]
    pub fn unescape(&self) -> Option<String> {
        if self.0 == "=" {
            return Some(String::new());
        }
        let mut bytes = Vec::with_capacity(self.0.len());
        let mut rest = self.0.bytes();
        while let Some(byte) = rest.next() {
            if byte == b'=' {
                let (high, low) = (hex(rest.next()?)?, hex(rest.next()?)?);
                bytes.push(high << 4 | low);
            } else {
                bytes.push(byte);
            }
        }
        String::from_utf8(bytes).ok()
    }

    /// The escaped form.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Value of an upper-case hexadecimal digit.
fn hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Token {
    type Err = SubjectError;
    /// Reads a token that some escape has made; refuses every other text.
    fn from_str(text: &str) -> Result<Self, SubjectError> {
        let token = Self(text.to_owned());
        let hashed = text.strip_prefix("=h").is_some_and(|digits| {
            digits.len() == 32 && digits.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
        });
        let plain = || token.unescape().is_some_and(|original| Self::escape(&original) == token);
        if hashed || plain() { Ok(token) } else { Err(SubjectError(text.chars().take(256).collect())) }
    }
}

/// Text that is no subject of ours.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a subject of the Adjutant bus")]
pub struct SubjectError(String);

/// Platform and tenant as they stand in a subject. It says who may have published the message, whatever its payload says.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin {
    /// The platform.
    pub platform: Platform,
    /// The tenant, escaped.
    pub tenant: Token,
}

impl Origin {
    /// The origin of this platform and tenant.
    #[must_use]
    pub fn new(platform: Platform, tenant: &Tenant) -> Self {
        Self { platform, tenant: Token::escape(tenant.as_str()) }
    }

    /// The origin from which this actor's messages come.
    #[must_use]
    pub fn of(actor: &Actor) -> Self {
        Self::new(actor.platform, &actor.tenant)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.platform, self.tenant)
    }
}

/// Names one request's journal.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JournalKey {
    /// Where the request came from.
    pub origin: Origin,
    /// The request.
    pub request: RequestId,
}

/// What can be asked of Adjutant itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Topic {
    /// Whether a key is good, and whose it is.
    Introspect,
}

impl Topic {
    /// Every topic.
    pub const ALL: [Self; 1] = [Self::Introspect];

    /// As it stands in the subject.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Introspect => "keys.introspect",
        }
    }

    /// The name of its endpoint in a list of services.
    #[must_use]
    pub const fn endpoint(self) -> &'static str {
        match self {
            Self::Introspect => "introspect",
        }
    }
}

/// A subject of the bus.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Subject {
    /// `adjutant.v1.cmd.<platform>.<tenant>`: requests and decisions.
    Command(Origin),
    /// `adjutant.v1.log.<platform>.<tenant>.<run>.<request-id>`: events. The run id stands before the request id so that
    /// any worker finds a journal by the short id that people type.
    Journal(JournalKey),
    /// `adjutant.v1.say.<platform>.<tenant>`: notices.
    Notice(Origin),
    /// `adjutant.v1.run.<command path>`: calls to services.
    Run(CommandPath),
    /// `adjutant.v1.dead.<platform>.<tenant>`: what could not be handled.
    Dead(Origin),
    /// `adjutant.v1.adm.<topic>`: questions that Adjutant itself answers.
    Inquiry(Topic),
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Command(origin) => write!(f, "{ROOT}.cmd.{origin}"),
            Self::Journal(key) => {
                write!(f, "{ROOT}.log.{}.{}.{}", key.origin, key.request.run(), key.request)
            }
            Self::Notice(origin) => write!(f, "{ROOT}.say.{origin}"),
            Self::Run(path) => write!(f, "{ROOT}.run.{}", path.dotted()),
            Self::Dead(origin) => write!(f, "{ROOT}.dead.{origin}"),
            Self::Inquiry(topic) => write!(f, "{ROOT}.adm.{}", topic.as_str()),
        }
    }
}

impl FromStr for Subject {
    type Err = SubjectError;
    fn from_str(text: &str) -> Result<Self, SubjectError> {
        parse(text).ok_or_else(|| SubjectError(text.chars().take(256).collect()))
    }
}

fn parse(text: &str) -> Option<Subject> {
    let rest = text.strip_prefix(ROOT)?.strip_prefix('.')?;
    let (kind, rest) = rest.split_once('.')?;
    if kind == "run" {
        return rest.replace('.', " ").parse().ok().filter(|_| !rest.contains(' ')).map(Subject::Run);
    }
    if kind == "adm" {
        return Topic::ALL.into_iter().find(|topic| topic.as_str() == rest).map(Subject::Inquiry);
    }
    let mut tokens = rest.split('.');
    let origin = Origin { platform: tokens.next()?.parse().ok()?, tenant: tokens.next()?.parse().ok()? };
    let tail: Vec<&str> = tokens.collect();
    match (kind, tail.as_slice()) {
        ("cmd", []) => Some(Subject::Command(origin)),
        ("say", []) => Some(Subject::Notice(origin)),
        ("dead", []) => Some(Subject::Dead(origin)),
        ("log", [run, id]) => {
            let request: RequestId = id.parse().ok()?;
            let exact = request.run().to_string() == *run && request.to_string() == *id;
            exact.then_some(Subject::Journal(JournalKey { origin, request }))
        }
        _ => None,
    }
}

/// Which journals are meant.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Journals {
    /// All.
    All,
    /// All of a platform.
    Platform(Platform),
    /// All of a tenant.
    Origin(Origin),
    /// That of one request.
    Request(JournalKey),
    /// Those whose request has this short id.
    Run(RunId),
}

impl Journals {
    /// The one platform that they are of, if it is one.
    #[must_use]
    pub const fn platform(&self) -> Option<Platform> {
        match self {
            Self::Platform(platform) => Some(*platform),
            Self::Origin(origin) => Some(origin.platform),
            Self::Request(key) => Some(key.origin.platform),
            Self::All | Self::Run(_) => None,
        }
    }

    /// Whether this journal is among those meant.
    #[must_use]
    pub fn contain(&self, key: &JournalKey) -> bool {
        match self {
            Self::All => true,
            Self::Platform(platform) => key.origin.platform == *platform,
            Self::Origin(origin) => key.origin == *origin,
            Self::Request(request) => key == request,
            Self::Run(run) => key.request.run() == *run,
        }
    }
}

impl fmt::Display for Journals {
    /// The subject filter.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => write!(f, "{ROOT}.log.>"),
            Self::Platform(platform) => write!(f, "{ROOT}.log.{platform}.>"),
            Self::Origin(origin) => write!(f, "{ROOT}.log.{origin}.>"),
            Self::Request(key) => Subject::Journal(key.clone()).fmt(f),
            Self::Run(run) => write!(f, "{ROOT}.log.*.*.{run}.*"),
        }
    }
}

/// The filter of everything of one kind: `adjutant.v1.cmd.>` for `cmd`.
pub(crate) fn all_of(kind: &str) -> String {
    format!("{ROOT}.{kind}.>")
}

/// The filter of all notices to a platform: `adjutant.v1.say.slack.>`.
pub(crate) fn notices(platform: Platform) -> String {
    format!("{ROOT}.say.{platform}.>")
}

/// The filter of all commands from a platform: `adjutant.v1.cmd.slack.*`.
pub(crate) fn commands(platform: Platform) -> String {
    format!("{ROOT}.cmd.{platform}.*")
}
