//! `adjutant bus setup` and `adjutant bus status` on a server of one's own.

use adjutant_servers::Nats;

use super::{
    raw::Raw,
    world::{Installation, binary, text},
};

#[tokio::test(flavor = "multi_thread")]
async fn what_is_missing_is_named_made_once_and_missed_again() {
    let here = Installation::on(tokio::task::block_in_place(|| Nats::single(&binary())));
    // A daemon makes nothing, and says what to do.
    for (user, args) in
        [("worker", &["worker"][..]), ("api", &["api"]), ("gateway-console", &["run", "ping"])]
    {
        let told = here.adjutant(user, args).output().await.unwrap();
        assert!(!told.status.success());
        let said = String::from_utf8(told.stderr).unwrap();
        let lines: Vec<&str> = said.lines().filter(|line| line.contains("bus setup")).collect();
        assert_eq!(lines.len(), 1, "{said}");
        assert!(lines[0].contains("is not there; run `adjutant bus setup` with the user admin"), "{said}");
    }
    let (status, well) = here.status().await;
    assert!(!well && status["problems"].as_array().unwrap().len() >= 13, "{status}");

    let setup = async |word: &str| {
        let made = here.adjutant("admin", &["bus", word]).output().await.unwrap();
        assert!(made.status.success(), "{}", text(&made));
        String::from_utf8(made.stdout).unwrap()
    };
    let made = setup("setup").await;
    assert!(made.lines().count() > 15 && made.lines().all(|line| line.ends_with(": created")), "{made}");
    let again = setup("provision").await;
    assert!(again.lines().all(|line| line.ends_with(": as it should be")), "{again}");

    let (status, well) = here.status().await;
    assert!(well, "{status}");
    assert_eq!(status["servers"][0]["version"], "2.15.1");
    assert_eq!(status["streams"].as_array().unwrap().len(), 13);
    let shown = here.adjutant("admin", &["bus", "status"]).output().await.unwrap();
    assert!(shown.status.success(), "{}", text(&shown));
    let shown = String::from_utf8(shown.stdout).unwrap();
    assert!(shown.lines().all(|line| line.chars().count() <= 100), "{shown}");
    for part in ["stream JOURNAL", "COMMANDS/workers", "bucket policy", "Nothing is wrong."] {
        assert!(shown.contains(part), "{part}: {shown}");
    }

    // A consumer that is gone, and a message that nobody takes.
    let mut admin = Raw::connect(here.nats.port(), "admin", here.nats.password("admin")).await;
    admin.ask("$JS.API.CONSUMER.DELETE.JOURNAL.gateway-slack", "").await.unwrap();
    admin.ask("adjutant.v1.say.mail.acme", "hello").await.unwrap();
    let (status, well) = here.status().await;
    let problems = status["problems"].to_string();
    assert!(
        !well && problems.contains("consumer gateway-slack of the stream JOURNAL is not there"),
        "{status}"
    );
    assert!(
        problems.contains("1 messages on adjutant.v1.say.mail.acme, which no consumer takes"),
        "{status}"
    );
    let made = setup("setup").await;
    assert!(made.contains("consumer gateway-slack of JOURNAL: created"), "{made}");

    // What cannot be changed in place is told, and left as it is.
    admin.ask("$JS.API.STREAM.DELETE.DEAD", "").await.unwrap();
    let other =
        r#"{"name":"DEAD","subjects":["adjutant.v1.dead.>"],"storage":"memory","retention":"limits"}"#;
    admin.ask("$JS.API.STREAM.CREATE.DEAD", other).await.unwrap();
    let made = here.adjutant("admin", &["bus", "setup"]).output().await.unwrap();
    assert_eq!(made.status.code(), Some(1), "{}", text(&made));
    let told = String::from_utf8(made.stdout).unwrap();
    assert!(
        told.contains("DIFFERS, and cannot be changed in place: storage is Memory, wanted File"),
        "{told}"
    );
}
