//! The link by which an admin invites the bot, with exactly the scopes and permissions that it needs (Discord: "OAuth2", "Permissions").

use crate::snowflake::Snowflake;

/// Scopes: a bot, and application commands.
const SCOPES: &str = "bot%20applications.commands";
/// See channels, send messages, send them in threads, embed, attach files, read what was said (to find its own answers again).
const PERMISSIONS: u64 = (1 << 10) | (1 << 11) | (1 << 14) | (1 << 15) | (1 << 16) | (1 << 38);

/// The link for an application; none if that is no id.
#[must_use]
pub fn invite(application: &str) -> Option<String> {
    let application = Snowflake::parse(application)?;
    Some(format!(
        "https://discord.com/oauth2/authorize?client_id={application}&scope={SCOPES}&permissions={PERMISSIONS}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_link_asks_for_what_is_needed_and_no_more() {
        let link = invite("1000").unwrap();
        assert_eq!(
            link,
            "https://discord.com/oauth2/authorize?client_id=1000&scope=bot%20applications.commands&permissions=274878024704"
        );
        // Never administrator.
        assert_eq!(PERMISSIONS & (1 << 3), 0);
        assert_eq!(invite("1000&permissions=8"), None);
    }
}
