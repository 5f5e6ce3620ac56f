//! The examples in `docs/services.md` do what the page says: in Python, with a NATS client and nothing of ours, on the servers that
//! ship, with the rights that a service has there.

use std::{path::Path, process::Stdio, time::Duration};

use adjutant_servers::Nats;
use serde_json::Value;
use tokio::process::{Child, Command};

use super::{
    nats::world::{Installation, binary, text},
    world::SOON,
};

/// The blocks of the page that are in Python, in their order.
fn blocks() -> Vec<String> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/services.md");
    let page = std::fs::read_to_string(page).unwrap();
    let blocks = page.split("```python\n").skip(1);
    blocks.map(|block| block.split_once("```").unwrap().0.to_owned()).collect()
}

/// A server whose user of the example service of the demo is the one of the page.
async fn installation() -> Installation {
    let nats = tokio::task::block_in_place(|| {
        Nats::edited(
            &binary(),
            "nats",
            Box::new(|folder| {
                let file = folder.join("permissions.conf");
                let rights = std::fs::read_to_string(&file).unwrap();
                let rights = rights.replace("deployments", "excuses").replace("run.deploy", "run.excuse");
                std::fs::write(file, rights).unwrap();
            }),
        )
    });
    let installation = Installation::on(nats);
    installation.set_up().await;
    installation
}

fn python(here: &Installation, name: &str, script: &str) -> Child {
    let file = here.path().join(format!("{name}.py"));
    std::fs::write(&file, script).unwrap();
    let log = std::fs::File::create(here.path().join(format!("{name}.log"))).unwrap();
    let mut command = Command::new("python3");
    command
        .arg(file)
        .env("PYTHONPATH", Path::new(env!("CARGO_MANIFEST_DIR")).join(".tools/nats-py"))
        .env("NATS_URL", here.nats.url())
        .env("NATS_PASSWORD", here.nats.password("svc-deployments"))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(log)
        .kill_on_drop(true);
    command.spawn().expect("python3: run ./dev setup")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_service_of_the_page_is_a_command_and_what_it_announces_is_taken() {
    let (here, blocks) = (installation().await, blocks());
    let _worker = here.start("worker", "w0", &["worker"]);
    let mut service = python(&here, "service", &blocks[0]);
    let asked = async || {
        let asked =
            here.adjutant("gateway-console", &["run", "--json", "--", "excuse"]).output().await.unwrap();
        serde_json::from_slice::<Value>(&asked.stdout).unwrap_or_else(|_| panic!("{}", text(&asked)))
    };
    let end = tokio::time::Instant::now() + SOON;
    let answer = loop {
        let answer = asked().await;
        if answer["outcome"] == "succeeded" || tokio::time::Instant::now() > end {
            break answer;
        }
        assert!(service.try_wait().unwrap().is_none(), "{}", here.logs());
        tokio::time::sleep(Duration::from_millis(200)).await;
    };
    assert_eq!(answer["reply"]["title"], "It worked on my machine", "{answer:#} {}", here.logs());

    // An announcement, under the service's own name: the page's is called monitor.
    let announce: String = blocks.last().unwrap().replace("say.service.monitor", "say.service.excuses");
    let indented: String = announce.lines().map(|line| format!("    {line}\n")).collect();
    let script = format!(
        "import asyncio, json, os, nats\nasync def main():\n    connection = await nats.connect(os.environ[\"NATS_URL\"], \
         user=\"svc-excuses\", password=os.environ[\"NATS_PASSWORD\"], inbox_prefix=\"_INBOX_svc-excuses\")\n    \
         jetstream = connection.jetstream()\n{indented}    await connection.close()\nasyncio.run(main())\n"
    );
    let said = python(&here, "announce", &script).wait_with_output();
    let said = tokio::time::timeout(SOON, said).await.expect("it must end").unwrap();
    assert!(said.status.success(), "{}", here.logs());
    // Nobody has made the destination: it is kept whole, with the reason.
    let dead = here
        .until_success(|| {
            let mut dead = here.adjutant("admin", &["bus", "dead"]);
            dead.env("NO_COLOR", "1");
            dead
        })
        .await;
    let end = tokio::time::Instant::now() + SOON;
    let mut dead = dead;
    while !dead.contains("alerts") && tokio::time::Instant::now() < end {
        tokio::time::sleep(Duration::from_millis(200)).await;
        dead = here.until_success(|| here.adjutant("admin", &["bus", "dead"])).await;
    }
    assert!(dead.contains("alerts") && dead.contains("Disk nearly full on db-1"), "{dead} {}", here.logs());
}
