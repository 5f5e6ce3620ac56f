//! IDENTIFY and RESUME: when they are taken, and what follows.

use std::time::Instant;

use serde_json::{Value, json};

use super::{
    Identify, Resume, ResumeUrl,
    faults::Refusal,
    gateway::Socket,
    sessions::{Out, Session, refusal},
};

/// Bits that are intents.
const INTENTS: u64 = ((1 << 26) - 1) & !(1 << 17 | 1 << 18 | 1 << 19 | 1 << 22 | 1 << 23);

impl Socket {
    pub(super) fn identify(&self, data: &Value) {
        let shard = match &data["shard"] {
            Value::Null => Some((0, 1)),
            given => given[0].as_u64().zip(given[1].as_u64()),
        };
        let mut entry = Identify {
            at: Instant::now(),
            intents: data["intents"].as_u64().unwrap_or_default(),
            shard: shard.unwrap_or_default(),
            properties: data["properties"].clone(),
            refused: None,
        };
        let fault = self.fake.faults().identify.take();
        let (out, refused) = match fault {
            Some(fault) => {
                self.fake.fault(format!("IDENTIFY: {fault:?}"));
                refusal(&fault)
            }
            None => match self.check_identify(data, &entry, shard.is_some()) {
                Ok(()) => (None, None),
                Err((how, why)) => {
                    self.fake.violation(format!("IDENTIFY with {why}"));
                    refusal(&how)
                }
            },
        };
        entry.refused = refused;
        let (intents, shard) = (entry.intents, entry.shard);
        self.fake.record().identifies.push(entry);
        match (out, refused) {
            (Some(out), _) => drop(self.writer.send(out)),
            (None, Some(_)) => {}
            (None, None) => self.welcome(intents, shard),
        }
    }

    fn check_identify(
        &self,
        data: &Value,
        entry: &Identify,
        shard_fits: bool,
    ) -> Result<(), (Refusal, &'static str)> {
        let close = |code, why| Err((Refusal::Close(code), why));
        let mut world = self.fake.world();
        if token(data) != world.bot_token {
            return close(4004, "a wrong token (4004)");
        }
        if !data["properties"].is_object() {
            return close(4002, "no properties (4002)");
        }
        if data["compress"] == true {
            return close(4002, "compression, which this fake does not have (4002)");
        }
        if data["intents"].as_u64().is_none_or(|intents| intents & !INTENTS != 0) {
            return close(4013, "intents that are none (4013)");
        }
        if entry.intents & world.disallowed_intents != 0 {
            return close(4014, "intents that are not switched on (4014)");
        }
        if !shard_fits || entry.shard.0 >= entry.shard.1 {
            return close(4010, "a bad shard (4010)");
        }
        if entry.shard.1 < world.least_shards {
            return close(4011, "too few shards (4011)");
        }
        if world.start_limit.remaining == 0 {
            // Discord resets the token, and nothing that had it goes on.
            world.bot_token = format!("reset-{}", self.fake.id());
            drop(world);
            self.fake.end_sessions();
            return close(4004, "no IDENTIFYs left for the day (4004)");
        }
        world.start_limit.remaining -= 1;
        let most = world.start_limit.max_concurrency;
        drop(world);
        match self.fake.shared.sessions.lock().may_identify(entry.shard.0, most) {
            true => Ok(()),
            false => Err((Refusal::Invalid(false), "another within five seconds (op 9)")),
        }
    }

    /// READY, and the guilds of the shard.
    fn welcome(&self, intents: u64, shard: (u64, u64)) {
        let session_id = format!("session-{}", self.fake.id());
        let resume_url = match self.fake.faults().resume_url.clone() {
            ResumeUrl::Path => Some(format!("ws://{}/gateway/resume", self.fake.shared.address)),
            ResumeUrl::Port => Some(format!("ws://{}", self.fake.shared.resume_address)),
            ResumeUrl::Foreign(url) => Some(url),
            ResumeUrl::Missing => None,
        };
        let (ready, guilds) = {
            let world = self.fake.world();
            let ours = |id: &&String| (id.parse::<u64>().unwrap_or_default() >> 22) % shard.1 == shard.0;
            let ids: Vec<&String> = world.guilds.keys().filter(ours).collect();
            let mut ready = json!({
                "v": 10, "user": world.user_json(&world.bot), "session_id": session_id, "shard": [shard.0, shard.1],
                "guilds": ids.iter().map(|id| json!({ "id": id, "unavailable": true })).collect::<Vec<_>>(),
                "application": { "id": world.application, "flags": 0 }, "session_type": "normal",
                "private_channels": [], "relationships": [], "presences": [], "_trace": ["fake"],
            });
            if let Some(url) = resume_url {
                ready["resume_gateway_url"] = url.into();
            }
            (ready, ids.iter().filter_map(|id| world.guild_json(id, true)).collect::<Vec<_>>())
        };
        let mut session = Session::new(shard, intents, (self.id, self.writer.clone()));
        let mut sessions = self.fake.shared.sessions.lock();
        session.push("READY", &ready);
        if intents & 1 != 0 {
            guilds.iter().for_each(|guild| session.push("GUILD_CREATE", guild));
        }
        sessions.by_id.insert(session_id, session);
    }

    pub(super) fn resume(&self, data: &Value) {
        let mut entry = Resume {
            at: Instant::now(),
            session: data["session_id"].as_str().unwrap_or_default().to_owned(),
            seq: data["seq"].as_u64().unwrap_or_default(),
            path: self.path.clone(),
            refused: None,
            replayed: 0,
        };
        let fault = self.fake.faults().resume.take();
        let taken = match fault {
            Some(fault) => {
                self.fake.fault(format!("RESUME: {fault:?}"));
                Err(fault)
            }
            None => self.take_up(data, &entry),
        };
        match taken {
            Ok(replayed) => {
                entry.replayed = replayed;
            }
            Err(how) => {
                let (out, refused) = refusal(&how);
                entry.refused = refused;
                if let Some(out) = out {
                    let _ = self.writer.send(out);
                }
            }
        }
        self.fake.record().resumes.push(entry);
    }

    /// Gives the session to this socket and replays what it missed.
    fn take_up(&self, data: &Value, entry: &Resume) -> Result<usize, Refusal> {
        if token(data) != self.fake.world().bot_token {
            self.fake.violation("RESUME with a wrong token (4004)");
            return Err(Refusal::Close(4004));
        }
        let mut sessions = self.fake.shared.sessions.lock();
        let session = sessions.by_id.get_mut(&entry.session).ok_or(Refusal::Invalid(false))?;
        if entry.seq > session.seq {
            drop(sessions);
            self.fake.violation("RESUME with a sequence from the future (4007)");
            return Err(Refusal::Close(4007));
        }
        if let Some((_, other)) = session.socket.replace((self.id, self.writer.clone())) {
            let _ = other.send(Out::Close(4000));
        }
        let replayed = session.replay(entry.seq);
        session.push("RESUMED", &json!({ "_trace": ["fake"] }));
        Ok(replayed)
    }
}

fn token(data: &Value) -> &str {
    let token = data["token"].as_str().unwrap_or_default();
    token.strip_prefix("Bot ").unwrap_or(token)
}
