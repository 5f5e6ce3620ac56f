//! Each call that is used, one function for each.

use adjutant_bus::{lease::Good, place::AnswerAddress};
use reqwest::Method;
use serde_json::{Map, Value, json};

use super::{Call, CallError, EPHEMERAL, Web};
use crate::{
    render::{File, Message},
    snowflake::Snowflake,
};

/// Members that one answer names, the most that Discord lets one ask for.
pub(crate) const MEMBERS: usize = 1_000;

impl Web {
    /// Answers an interaction (Discord: "Create Interaction Response").
    pub(crate) async fn callback(
        &self,
        id: Snowflake,
        token: &AnswerAddress,
        answer: &Value,
    ) -> Result<(), CallError> {
        let path = format!("/interactions/{id}/{}/callback", token.expose());
        let call = Call::new(Method::POST, "/interactions/{id}/{token}/callback", path, id);
        self.call(Call { exempt: true, ..call.body(answer.clone()).of_interaction().fast() }).await.map(drop)
    }

    /// Changes the first answer to an interaction.
    pub(crate) async fn edit_original(
        &self,
        token: &AnswerAddress,
        message: &Message,
        files: &[File],
        good: Option<&Good>,
    ) -> Result<Snowflake, CallError> {
        let path = format!("/webhooks/{}/{}/messages/@original", self.application, token.expose());
        let route = "/webhooks/{application}/{token}/messages/@original";
        let call = Call::new(Method::PATCH, route, path, token.expose()).of_interaction();
        let call = call.body(message.body.clone()).files(files);
        Ok(message_id(&self.call(Call { good, ..call }).await?))
    }

    /// The first answer to an interaction, as it is.
    pub(crate) async fn original(&self, token: &AnswerAddress) -> Result<Value, CallError> {
        let path = format!("/webhooks/{}/{}/messages/@original", self.application, token.expose());
        let route = "/webhooks/{application}/{token}/messages/@original";
        self.call(Call::new(Method::GET, route, path, token.expose()).of_interaction()).await
    }

    /// Takes the first answer to an interaction away.
    pub(crate) async fn delete_original(&self, token: &AnswerAddress, good: &Good) -> Result<(), CallError> {
        let path = format!("/webhooks/{}/{}/messages/@original", self.application, token.expose());
        let route = "/webhooks/{application}/{token}/messages/@original";
        let call = Call::new(Method::DELETE, route, path, token.expose()).of_interaction();
        self.call(call.while_good(good)).await.map(drop)
    }

    /// Says more in answer to an interaction.
    pub(crate) async fn follow_up(
        &self,
        token: &AnswerAddress,
        message: &Message,
        files: &[File],
        ephemeral: bool,
        good: &Good,
    ) -> Result<Snowflake, CallError> {
        let path = format!("/webhooks/{}/{}", self.application, token.expose());
        let mut body = message.body.clone();
        if ephemeral {
            body.insert("flags".to_owned(), EPHEMERAL.into());
        }
        let call = Call::new(Method::POST, "/webhooks/{application}/{token}", path, token.expose());
        let call = call.of_interaction().body(body).files(files).while_good(good);
        Ok(message_id(&self.call(call).await?))
    }

    /// Posts a message; what has the same nonce within some minutes is the same message (Discord: "Create Message").
    pub(crate) async fn post(
        &self,
        channel: Snowflake,
        body: Map<String, Value>,
        files: &[File],
        good: &Good,
    ) -> Result<Snowflake, CallError> {
        let path = format!("/channels/{channel}/messages");
        let call = Call::new(Method::POST, "/channels/{channel}/messages", path, channel);
        Ok(message_id(&self.call(call.body(body).files(files).while_good(good)).await?))
    }

    /// Posts one message without holding the lease.
    pub(crate) async fn say(
        &self,
        channel: Snowflake,
        mut body: Map<String, Value>,
        nonce: &str,
    ) -> Result<(), CallError> {
        body.insert("nonce".to_owned(), nonce.into());
        body.insert("enforce_nonce".to_owned(), true.into());
        let path = format!("/channels/{channel}/messages");
        let call = Call::new(Method::POST, "/channels/{channel}/messages", path, channel);
        self.call(call.body(body)).await.map(drop)
    }

    /// Changes a message of ours.
    pub(crate) async fn edit(
        &self,
        channel: Snowflake,
        message: Snowflake,
        body: Map<String, Value>,
        files: &[File],
        good: &Good,
    ) -> Result<(), CallError> {
        let path = format!("/channels/{channel}/messages/{message}");
        let call = Call::new(Method::PATCH, "/channels/{channel}/messages/{message}", path, channel);
        self.call(call.body(body).files(files).while_good(good)).await.map(drop)
    }

    /// Up to a hundred messages of a channel after this one.
    pub(crate) async fn messages(
        &self,
        channel: Snowflake,
        after: Snowflake,
    ) -> Result<Vec<Value>, CallError> {
        let path = format!("/channels/{channel}/messages?limit=100&after={after}");
        let call = Call::new(Method::GET, "/channels/{channel}/messages", path, channel);
        Ok(array(self.call(call).await?))
    }

    /// The channel of direct messages with a user.
    pub(crate) async fn direct(&self, user: Snowflake) -> Result<Snowflake, CallError> {
        let call = Call::new(Method::POST, "/users/@me/channels", "/users/@me/channels".to_owned(), "");
        let channel = self.call(call.body(json!({ "recipient_id": user.to_string() }))).await?;
        channel
            .get("id")
            .and_then(Snowflake::read)
            .ok_or_else(|| CallError::Unknown("a channel without an id".to_owned()))
    }

    /// What a channel is.
    pub(crate) async fn channel(&self, channel: Snowflake) -> Result<Value, CallError> {
        let path = format!("/channels/{channel}");
        self.call(Call::new(Method::GET, "/channels/{channel}", path, channel).fast()).await
    }

    /// The application commands of a guild, or, without one, for everywhere.
    pub(crate) async fn commands(&self, guild: Option<Snowflake>) -> Result<Vec<Value>, CallError> {
        Ok(array(self.call(self.commands_call(Method::GET, guild)).await?))
    }

    /// Replaces the application commands of a guild or for everywhere: what is not in the list is deleted.
    pub(crate) async fn put_commands(
        &self,
        guild: Option<Snowflake>,
        commands: &[Value],
        good: &Good,
    ) -> Result<(), CallError> {
        let call = self.commands_call(Method::PUT, guild).body(commands.to_vec()).while_good(good);
        self.call(call).await.map(drop)
    }

    fn commands_call(&self, method: Method, guild: Option<Snowflake>) -> Call<'static> {
        let application = self.application;
        match guild {
            None => {
                let path = format!("/applications/{application}/commands");
                Call::new(method, "/applications/{application}/commands", path, "")
            }
            Some(guild) => {
                let path = format!("/applications/{application}/guilds/{guild}/commands");
                Call::new(method, "/applications/{application}/guilds/{guild}/commands", path, guild)
            }
        }
    }

    /// Where the gateway is, and how many sessions may be begun.
    pub(crate) async fn gateway(&self) -> Result<Value, CallError> {
        self.call(Call::get("/gateway/bot", "/gateway/bot".to_owned())).await
    }

    /// The bot's user.
    pub(crate) async fn me(&self) -> Result<Value, CallError> {
        self.call(Call::get("/users/@me", "/users/@me".to_owned())).await
    }

    /// The application.
    pub(crate) async fn application(&self) -> Result<Value, CallError> {
        self.call(Call::get("/applications/@me", "/applications/@me".to_owned())).await
    }

    /// The guilds that the bot is in, two hundred at most.
    pub(crate) async fn guilds(&self) -> Result<Vec<Value>, CallError> {
        Ok(array(self.call(Call::get("/users/@me/guilds", "/users/@me/guilds".to_owned())).await?))
    }

    /// A guild, with its owner and its roles.
    pub(crate) async fn guild(&self, guild: Snowflake) -> Result<Value, CallError> {
        self.call(Call::new(Method::GET, "/guilds/{guild}", format!("/guilds/{guild}"), guild)).await
    }

    /// Up to a thousand members of a guild after this user, in the order of ids (Discord: "List Guild Members").
    pub(crate) async fn members(&self, guild: Snowflake, after: Snowflake) -> Result<Vec<Value>, CallError> {
        let path = format!("/guilds/{guild}/members?limit={MEMBERS}&after={after}");
        Ok(array(self.call(Call::new(Method::GET, "/guilds/{guild}/members", path, guild)).await?))
    }

    /// One member of a guild.
    pub(crate) async fn member(&self, guild: Snowflake, user: Snowflake) -> Result<Value, CallError> {
        let path = format!("/guilds/{guild}/members/{user}");
        self.call(Call::new(Method::GET, "/guilds/{guild}/members/{user}", path, guild)).await
    }
}

/// What was taken was done, whatever else the answer says.
fn message_id(answer: &Value) -> Snowflake {
    answer.get("id").and_then(Snowflake::read).unwrap_or(Snowflake(0))
}

fn array(answer: Value) -> Vec<Value> {
    match answer {
        Value::Array(all) => all,
        _ => Vec::new(),
    }
}
