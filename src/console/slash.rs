//! What a terminal understands by itself: lines that begin with `/`. They never reach the bus.

use super::ConsoleConfig;

/// A line for the terminal itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Slash {
    /// Type as somebody else from now on.
    As(String),
    /// Say this.
    Say(String),
    /// End.
    Quit,
}

impl Slash {
    /// Reads a line; none if it is a command for the bus. What follows `#` is a comment.
    pub(super) fn read(line: &str, config: &ConsoleConfig) -> Option<Self> {
        let line = line.strip_prefix('/')?;
        let line = line.split_once('#').map_or(line, |(line, _)| line);
        let words: Vec<&str> = line.split_whitespace().collect();
        Some(match words.as_slice() {
            ["as", user] if config.users.contains_key(*user) => Self::As((*user).to_owned()),
            ["as", user] => Self::Say(format!("There is no user {user} here.\n{}", users(config))),
            ["as"] | ["users"] => Self::Say(users(config)),
            ["quit" | "exit" | "q"] => Self::Quit,
            _ => Self::Say("/as USER types as somebody else, /users lists who there is, /quit ends. All else is a command: try help.".to_owned()),
        })
    }
}

fn users(config: &ConsoleConfig) -> String {
    let names: Vec<String> = config.users.keys().map(|user| format!("  {}", config.shown(user))).collect();
    format!("Users here:\n{}", names.join("\n"))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use adjutant_bus::actor::Tenant;

    use super::*;

    #[test]
    fn the_terminal_s_own_lines_are_told_from_commands() {
        let users =
            BTreeMap::from([("pat".to_owned(), vec!["Product".to_owned()]), ("sam".to_owned(), vec![])]);
        let config =
            ConsoleConfig { tenant: Tenant::new("local"), users, user: "sam".to_owned(), history: None };
        let read = |line| Slash::read(line, &config);
        assert_eq!(read("/as pat          # Product"), Some(Slash::As("pat".to_owned())));
        assert_eq!(read("/quit"), Some(Slash::Quit));
        assert_eq!(read("help"), None);
        assert!(
            matches!(read("/as eve"), Some(Slash::Say(text)) if text.contains("no user eve") && text.contains("pat (Product)"))
        );
        assert!(matches!(read("/nonsense"), Some(Slash::Say(text)) if text.contains("/users")));
    }
}
