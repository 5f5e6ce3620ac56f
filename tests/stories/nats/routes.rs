//! TLS between the servers of a cluster, with `tls-routes.conf` as shipped: it forms, a role works on it, and nobody joins it
//! without a certificate of its authority.

use std::{path::Path, time::Duration};

use adjutant_servers::Nats;
use serde_json::Value;

use super::{
    super::world::SOON,
    login::{certificates, uncomment},
    world::{Installation, binary},
};

/// The names of the servers to which one has routes.
fn routes(nats: &Nats, n: usize) -> Vec<String> {
    let told: Value = serde_json::from_str(&nats.monitored(n, "/routez")).unwrap();
    let all = told["routes"].as_array().cloned().unwrap_or_default();
    let mut names: Vec<String> =
        all.iter().map(|one| one["remote_name"].as_str().unwrap_or_default().to_owned()).collect();
    names.sort();
    names.dedup();
    names
}

/// Waits until what a server has written contains one of these.
async fn until_said(nats: &Nats, n: usize, wanted: &[&str]) {
    let deadline = tokio::time::Instant::now() + SOON;
    while !wanted.iter().any(|one| nats.log(n).contains(one)) {
        assert!(tokio::time::Instant::now() < deadline, "{wanted:?}: {}", nats.log(n));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn servers_know_each_other_by_certificates_and_nobody_joins_without_one() {
    let edit = |dir: &Path| {
        certificates(dir);
        std::fs::create_dir(dir.join("stranger")).unwrap();
        certificates(&dir.join("stranger"));
        uncomment(&dir.join("cluster.conf"), "include ./tls-routes.conf");
        let tls = std::fs::read_to_string(dir.join("tls-routes.conf")).unwrap();
        let here = tls.replace("/etc/nats/tls", dir.to_str().unwrap());
        assert!(here != tls);
        // A stranger believes the authority, and shows a certificate of another one.
        let other = here.replace("/tls.", "/stranger/tls.");
        std::fs::write(dir.join("tls-routes.conf"), here).unwrap();
        std::fs::write(dir.join("tls-stranger.conf"), other).unwrap();
    };
    let nats = tokio::task::block_in_place(|| Nats::edited_cluster(&binary(), Box::new(edit)));
    let mut here = Installation::on_cluster(nats).await;
    for (n, others) in [["nats-1", "nats-2"], ["nats-0", "nats-2"], ["nats-0", "nats-1"]].iter().enumerate() {
        assert_eq!(routes(&here.nats, n), *others);
    }
    let worker = here.start("worker", "w0", &["worker"]);
    here.until_success(|| here.adjutant("gateway-console", &["run", "ping"])).await;
    let (status, well) = here.status().await;
    assert!(well, "{status}");
    worker.stop().await;

    // The password between servers is not enough: not in the clear, and not with a certificate of somebody else.
    let include = "include ./tls-routes.conf";
    let clear = |text: String| text.replace(include, "");
    let strange = |text: String| text.replace(include, "include ./tls-stranger.conf");
    let newcomer = here.nats.newcomer(clear);
    until_said(&here.nats, 0, &["TLS route handshake error"]).await;
    until_said(&here.nats, newcomer, &["Waiting for routing to be established"]).await;
    assert!(routes(&here.nats, 0).len() == 2 && routes(&here.nats, newcomer).is_empty());
    tokio::task::block_in_place(|| here.nats.kill(newcomer));
    here.nats.change(newcomer, strange);
    here.nats.start(newcomer);
    until_said(&here.nats, 0, &["unknown authority", "failed to verify certificate"]).await;
    assert!(routes(&here.nats, 0).len() == 2 && routes(&here.nats, newcomer).is_empty());
    tokio::task::block_in_place(|| here.nats.kill(newcomer));
    // With one of the authority it is let in, so that it was the certificate.
    here.nats.change(newcomer, |text| text);
    here.nats.start(newcomer);
    let deadline = tokio::time::Instant::now() + SOON;
    while (0..3).any(|n| !routes(&here.nats, n).contains(&"nats-3".to_owned())) {
        assert!(tokio::time::Instant::now() < deadline, "{}", here.nats.log(newcomer));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
