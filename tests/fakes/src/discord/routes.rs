//! The paths that the fake serves, named as in Discord's OpenAPI.

/// Whether a route needs the bot's token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Auth {
    Bot,
    /// The token in the path is enough.
    Path,
}

/// Which bucket of requests a route counts for, over and above its channel, guild or webhook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bucket {
    Messages,
    Webhooks,
    Others,
    /// Not limited.
    None,
}

pub(super) struct Route {
    pub(super) method: &'static str,
    pub(super) template: &'static str,
    pub(super) auth: Auth,
    pub(super) bucket: Bucket,
}

const fn route(method: &'static str, template: &'static str, auth: Auth, bucket: Bucket) -> Route {
    Route { method, template, auth, bucket }
}

use Auth::{Bot, Path};
use Bucket::{Messages, Others, Webhooks};

pub(super) const ROUTES: &[Route] = &[
    route("GET", "/gateway", Path, Others),
    route("GET", "/gateway/bot", Bot, Others),
    route("GET", "/users/@me", Bot, Others),
    route("GET", "/users/@me/guilds", Bot, Others),
    route("POST", "/users/@me/channels", Bot, Others),
    route("GET", "/applications/@me", Bot, Others),
    route("GET", "/guilds/{guild_id}", Bot, Others),
    route("GET", "/guilds/{guild_id}/members", Bot, Others),
    route("GET", "/guilds/{guild_id}/members/{user_id}", Bot, Others),
    route("GET", "/channels/{channel_id}", Bot, Others),
    route("GET", "/channels/{channel_id}/messages", Bot, Others),
    route("POST", "/channels/{channel_id}/messages", Bot, Messages),
    route("GET", "/channels/{channel_id}/messages/{message_id}", Bot, Others),
    route("PATCH", "/channels/{channel_id}/messages/{message_id}", Bot, Messages),
    route("DELETE", "/channels/{channel_id}/messages/{message_id}", Bot, Others),
    route("PUT", "/channels/{channel_id}/messages/{message_id}/reactions/{emoji_name}/@me", Bot, Others),
    route("DELETE", "/channels/{channel_id}/messages/{message_id}/reactions/{emoji_name}/@me", Bot, Others),
    route("POST", "/channels/{channel_id}/messages/{message_id}/threads", Bot, Others),
    route("POST", "/channels/{channel_id}/threads", Bot, Others),
    route("POST", "/channels/{channel_id}/typing", Bot, Others),
    route("GET", "/applications/{application_id}/commands", Bot, Others),
    route("PUT", "/applications/{application_id}/commands", Bot, Others),
    route("GET", "/applications/{application_id}/guilds/{guild_id}/commands", Bot, Others),
    route("PUT", "/applications/{application_id}/guilds/{guild_id}/commands", Bot, Others),
    route("POST", "/interactions/{interaction_id}/{interaction_token}/callback", Path, Bucket::None),
    route("POST", "/webhooks/{webhook_id}/{webhook_token}", Path, Webhooks),
    route("GET", "/webhooks/{webhook_id}/{webhook_token}/messages/{message_id}", Path, Webhooks),
    route("PATCH", "/webhooks/{webhook_id}/{webhook_token}/messages/{message_id}", Path, Webhooks),
    route("DELETE", "/webhooks/{webhook_id}/{webhook_token}/messages/{message_id}", Path, Webhooks),
];

impl Route {
    /// Method and template, as tests name it.
    pub(super) fn name(&self) -> String {
        format!("{} {}", self.method, self.template)
    }
}

/// The route of a path, and what its names stand for, in order.
pub(super) fn find(method: &str, path: &str) -> Option<(&'static Route, Vec<String>)> {
    let given: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    ROUTES.iter().filter(|route| route.method == method).find_map(|route| {
        let wanted: Vec<&str> = route.template.trim_start_matches('/').split('/').collect();
        if wanted.len() != given.len() {
            return None;
        }
        let mut parameters = Vec::new();
        for (wanted, given) in wanted.iter().zip(&given) {
            if wanted.starts_with('{') {
                if given.is_empty() {
                    return None;
                }
                parameters.push(unescape(given));
            } else if wanted != given {
                return None;
            }
        }
        Some((route, parameters))
    })
}

fn unescape(segment: &str) -> String {
    let mut out = Vec::new();
    let mut bytes = segment.bytes();
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let digits = [bytes.next(), bytes.next()]
                .map(|digit| digit.and_then(|digit| char::from(digit).to_digit(16)));
            if let [Some(high), Some(low)] = digits {
                out.push(u8::try_from(high * 16 + low).unwrap());
            }
        } else {
            out.push(byte);
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}
