//! A pepper: 32 random bytes, kept apart from the database, without which a stolen database is useless.

use std::{
    fmt,
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use secrecy::{ExposeSecret, SecretBox};

/// Bytes of a pepper.
const LENGTH: usize = 32;

/// 32 secret bytes.
pub struct Pepper(SecretBox<[u8; LENGTH]>);

impl fmt::Debug for Pepper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pepper(redacted)")
    }
}

/// Why there is no pepper.
#[derive(Debug, thiserror::Error)]
pub enum PepperError {
    /// The file cannot be read or made.
    #[error("the pepper file {0} cannot be used: {1}")]
    File(PathBuf, std::io::Error),
    /// It does not hold what it should.
    #[error("the pepper is not 64 hexadecimal digits (32 bytes); make one with `openssl rand -hex 32`")]
    Malformed,
}

impl Pepper {
    /// These bytes.
    #[must_use]
    pub fn new(bytes: [u8; LENGTH]) -> Self {
        Self(SecretBox::new(Box::new(bytes)))
    }

    /// Reads 64 hexadecimal digits.
    ///
    /// # Errors
    /// `Malformed`, without the text.
    pub fn parse(text: &str) -> Result<Self, PepperError> {
        let digits = text.trim();
        let mut bytes = [0u8; LENGTH];
        if digits.len() != 2 * LENGTH || !digits.is_ascii() {
            return Err(PepperError::Malformed);
        }
        for (at, byte) in bytes.iter_mut().enumerate() {
            let pair = digits.get(2 * at..2 * at + 2).unwrap_or_default();
            *byte = u8::from_str_radix(pair, 16).map_err(|_| PepperError::Malformed)?;
        }
        Ok(Self::new(bytes))
    }

    /// The pepper in this file; a new one, readable by its owner only, when there is no such file.
    ///
    /// # Errors
    /// When the file cannot be read or made, or holds something else.
    pub fn load_or_make(file: &Path) -> Result<Self, PepperError> {
        let told = |error| PepperError::File(file.to_owned(), error);
        match std::fs::read_to_string(file) {
            Ok(text) => Self::parse(&text),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let made = Self::new(rand::random());
                let mut text = String::with_capacity(2 * LENGTH + 1);
                for byte in made.expose() {
                    text.push_str(&format!("{byte:02x}"));
                }
                text.push('\n');
                match write_new(file, &text) {
                    // Another process was faster.
                    Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
                        std::fs::read_to_string(file).map_err(told).and_then(|text| Self::parse(&text))
                    }
                    written => written.map(|()| made).map_err(told),
                }
            }
            Err(error) => Err(told(error)),
        }
    }

    /// The pepper in this file, if there is such a file.
    ///
    /// # Errors
    /// When it cannot be read, or holds something else.
    pub fn load(file: &Path) -> Result<Option<Self>, PepperError> {
        match std::fs::read_to_string(file) {
            Ok(text) => Self::parse(&text).map(Some),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(PepperError::File(file.to_owned(), error)),
        }
    }

    pub(super) fn expose(&self) -> &[u8; LENGTH] {
        self.0.expose_secret()
    }
}

/// Writes a file that must not be there yet, readable by its owner only, and whole or not at all.
pub(crate) fn write_new(file: &Path, text: &str) -> std::io::Result<()> {
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let aside = file.with_extension(format!("new-{:016x}", rand::random::<u64>()));
    let written = (|| {
        let mut out = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&aside)?;
        out.write_all(text.as_bytes())?;
        out.sync_all()?;
        std::fs::hard_link(&aside, file)
    })();
    let removed = std::fs::remove_file(&aside);
    written.and(removed)
}
