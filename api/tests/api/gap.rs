//! Events of a journal that cannot be had: the record says which, and goes on. On a real server, whose administrator lets them expire.

use adjutant_api::{
    audit::{Known, verify},
    store::Db,
};
use adjutant_bus::{
    open::{Opened, Role},
    subject::Subject,
};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufStream},
    net::TcpStream,
    time::Instant,
};

use super::{
    journal::{copied, key, lines, live, request},
    outage::nats,
    world::{SOON, World},
};

/// The server's administrator, who speaks its protocol (docs.nats.io: client protocol).
struct Admin {
    stream: BufStream<TcpStream>,
    inbox: String,
}

impl Admin {
    async fn connect(opened: &Opened) -> Self {
        let connection = opened.server().unwrap().connection();
        let (url, login) = (connection.url.clone(), connection.login(Role::Admin));
        let stream = TcpStream::connect(url.rsplit('/').next().unwrap()).await.unwrap();
        let inbox = format!("{}.test", login.inbox.unwrap());
        let mut admin = Self { stream: BufStream::new(stream), inbox };
        let user = json!({
            "verbose": false, "pedantic": false, "user": login.user, "pass": login.password.unwrap().expose_secret(),
        });
        let hello = format!("CONNECT {user}\r\nSUB {} 1\r\n", admin.inbox);
        admin.send(&hello).await;
        admin
    }

    async fn send(&mut self, text: &str) {
        self.stream.write_all(text.as_bytes()).await.unwrap();
        self.stream.flush().await.unwrap();
    }

    /// Publishes, and gives the answer.
    async fn ask(&mut self, subject: &str, payload: &str) -> Value {
        let inbox = self.inbox.clone();
        self.send(&format!("PUB {subject} {inbox} {}\r\n{payload}\r\n", payload.len())).await;
        loop {
            let mut line = String::new();
            assert!(self.stream.read_line(&mut line).await.unwrap() > 0, "the server hung up");
            if line.starts_with("PING") {
                self.send("PONG\r\n").await;
            }
            assert!(!line.starts_with("-ERR"), "{line}");
            if line.starts_with("MSG ") {
                let length: usize = line.trim().rsplit(' ').next().unwrap().parse().unwrap();
                let mut answer = vec![0; length + 2];
                self.stream.read_exact(&mut answer).await.unwrap();
                let answer: Value = serde_json::from_slice(&answer[..length]).unwrap();
                assert!(answer.get("error").is_none(), "{answer}");
                return answer;
            }
        }
    }

    async fn journal(&mut self) -> Value {
        self.ask("$JS.API.STREAM.INFO.JOURNAL", "").await
    }

    /// Lets all that is in the journal expire.
    async fn expire(&mut self) {
        let before = self.journal().await;
        let mut short = before["config"].clone();
        (short["max_age"], short["duplicate_window"]) = (json!(100_000_000), json!(100_000_000));
        self.ask("$JS.API.STREAM.UPDATE.JOURNAL", &short.to_string()).await;
        let deadline = Instant::now() + SOON;
        while self.journal().await["state"]["messages"] != 0 {
            assert!(Instant::now() < deadline, "it must expire");
        }
        self.ask("$JS.API.STREAM.UPDATE.JOURNAL", &before["config"].to_string()).await;
    }
}

/// What the record says about gaps.
async fn gaps(db: &Db) -> Vec<Value> {
    let lines = lines(db).await.into_iter().filter(|line| line.2 == "journal.gap");
    lines.map(|line| serde_json::from_str(&line.6).unwrap()).collect()
}

pub async fn what_cannot_be_had_of_a_journal_is_told(world: World) {
    let server = tempfile::tempdir().unwrap();
    let opened = nats(server.path()).await;
    let database = world.database.clone();
    let dir = world.stop_and_keep().await;
    let (api, worker) = (opened.role(Role::Api).await.unwrap(), opened.role(Role::Worker).await.unwrap());
    let mut admin = Admin::connect(&opened).await;

    let first = World::on(dir, database.clone(), api.clone()).await;
    let db = first.open().await;
    live(&worker, &request("Ev1")).await;
    first.eventually(async || (copied(&db).await == [1, 2, 3]).then_some(())).await;
    let dir = first.stop_and_keep().await;
    // While nothing is copied, events come and are removed.
    live(&worker, &request("Ev2")).await;
    live(&worker, &request("Ev3")).await;
    admin.expire().await;
    assert_eq!(live(&worker, &request("Ev4")).await, 12);

    let second = World::on(dir, database, api).await;
    second.eventually(async || copied(&db).await.contains(&12).then_some(())).await;
    assert_eq!(copied(&db).await, [1, 2, 3, 9, 10, 11, 12]);
    assert_eq!(gaps(&db).await, [json!({ "from": 4, "to": 9 })]);
    // What nobody can read is a gap, too.
    let asked = request("Ev5");
    let subject = Subject::Journal(key(&asked)).to_string();
    assert_eq!(admin.ask(&subject, "{ no event").await["seq"], 13);
    live(&worker, &request("Ev6")).await;
    second.eventually(async || copied(&db).await.contains(&16).then_some(())).await;
    assert_eq!(gaps(&db).await[1], json!({ "from": 13, "to": 13 }));
    let report = verify(&db, &Known::default(), |_, _| {}).await.unwrap();
    assert!(report.whole, "{report:?}");
    db.close().await;
    second.stop().await;
    opened.stop().await;
}
