//! What is said in the terminal's own channel.

use std::process::Stdio;

use adjutant_bus::{
    actor::{Platform, Tenant},
    destination::{self, Destination, Target},
    mode::{self, Pause},
    open::Role,
    wire::Version,
};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};

use super::world::{SOON, World};

#[tokio::test(flavor = "multi_thread")]
async fn who_is_at_a_console_sees_what_is_said_there_and_goes_on_asking() {
    let world = World::new(std::time::Duration::ZERO).await;
    let _worker = world.worker("w0");
    let terminal =
        Target { platform: Platform::Console, tenant: Tenant::new("local"), channel: "terminal".to_owned() };
    let here = Destination { v: Version, name: "here".to_owned(), targets: vec![terminal] };
    let api = world.opened.role(Role::Api).await.unwrap();
    destination::store(&api, &here).await.unwrap();
    let mut console = world.adjutant(&["console"]).stdin(Stdio::piped()).spawn().unwrap();
    let mut typed = console.stdin.take().unwrap();
    let mut shown = BufReader::new(console.stdout.take().unwrap()).lines();
    let asked = world.submit("say", "notify here dinner is *ready*").await;
    world.ended(&[asked]).await;
    let mut seen = Vec::new();
    let until = async |lines: &mut tokio::io::Lines<_>, seen: &mut Vec<String>, text: &str| {
        while !seen.iter().any(|line: &String| line.contains(text)) {
            let line = tokio::time::timeout(SOON, lines.next_line()).await;
            seen.push(line.unwrap_or_else(|_| panic!("`{text}` must come: {seen:?}")).unwrap().unwrap());
        }
    };
    until(&mut shown, &mut seen, "dinner is *ready*").await;
    assert_eq!(seen, ["[Ana]", "dinner is *ready*"]);
    typed.write_all(b"ping still here\n").await.unwrap();
    until(&mut shown, &mut seen, "pong still here").await;

    // What may be meant, and what a pause stops.
    typed.write_all(b"notify her dinner\n").await.unwrap();
    until(&mut shown, &mut seen, "Did you mean `here`?").await;
    let pause = Pause {
        v: Version,
        by: "Sam".to_owned(),
        reason: "incident 7".to_owned(),
        since: jiff::Timestamp::now(),
    };
    mode::pause(&api, &pause).await.unwrap();
    let paused = async || {
        let output = world.adjutant(&["run", "--", "notify", "here", "hello"]).output().await.unwrap();
        (output.status.code() == Some(3)).then(|| String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let told = world.eventually(paused).await;
    assert!(told.contains("Sam") && told.contains("incident 7"), "{told}");
    typed.write_all(b"ping meanwhile\n").await.unwrap();
    until(&mut shown, &mut seen, "pong meanwhile").await;
    mode::resume(&api).await.unwrap();
    let thawed = async || {
        let status =
            world.adjutant(&["run", "--", "notify", "here", "after the pause"]).status().await.unwrap();
        status.success().then_some(())
    };
    world.eventually(thawed).await;
    until(&mut shown, &mut seen, "after the pause").await;
    drop(typed);
    assert!(tokio::time::timeout(SOON, console.wait()).await.unwrap().unwrap().success());
    world.stop().await;
}
