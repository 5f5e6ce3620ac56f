//! A server of three is sent away as docs/nats.md says (`nats-server --signal ldm`), while commands go through it.

use adjutant_bus::event::Outcome;

use super::{cluster::Cluster, raw::Raw};

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_sent_away_under_load_loses_nothing_and_doubles_nothing() {
    let mut cluster = Cluster::new().await;
    let _service = cluster.service().await;
    let workers = [cluster.worker("w0").await, cluster.worker("w1").await];
    let leader = cluster.leader("COMMANDS").await;
    let mut requests = cluster.submit_all("before", 20).await;
    // Clients choose their server: one at least is on this one.
    let nats = &cluster.here.nats;
    let _client = Raw::connect(nats.port_of(leader), "admin", nats.password("admin")).await;
    nats.order(leader, "ldm");
    // Until it has sent all its clients away, and ended by itself.
    let mut wave = 0;
    while !cluster.here.nats.has_ended(leader) {
        wave += 1;
        assert!(wave < 400, "it must end; {}", cluster.here.nats.log(leader));
        requests.extend(cluster.submit_all(&format!("during-{wave}-"), 5).await);
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
    // It waits for five seconds, and then sends one client away after another.
    assert!(wave >= 3, "commands are given meanwhile: {wave}");
    let log = cluster.here.nats.dir().join(format!("nats-{leader}.log"));
    let log = std::fs::read_to_string(log).unwrap();
    assert!(log.contains("Entering lame duck mode") && log.contains("Closing existing clients"), "{log}");
    requests.extend(cluster.submit_all("without", 20).await);
    tokio::task::block_in_place(|| {
        cluster.here.nats.start(leader);
        cluster.here.nats.settled();
    });
    requests.extend(cluster.submit_all("after", 20).await);
    let outcomes = cluster.assert_ended_once(&requests).await;
    let told = |wanted: Outcome| outcomes.iter().filter(|outcome| **outcome == wanted).count();
    // What is between two servers at the moment when a client goes may be unknown.
    let unknown = told(Outcome::TimedOut) + told(Outcome::Interrupted);
    assert_eq!(told(Outcome::Succeeded) + unknown, requests.len(), "{outcomes:?}");
    assert!(unknown * 10 < requests.len(), "{unknown} of {} are not known", requests.len());
    // As docs/nats.md says, `bus status` tells when the next one may go.
    cluster.here.until_success(|| cluster.here.adjutant("admin", &["bus", "status"])).await;
    for worker in workers {
        worker.stop().await;
    }
}
