//! The deployments service by itself.

use std::{collections::BTreeMap, sync::Arc};

use adjutant_bus::{
    actor::{Platform, Tenant},
    id::RequestId,
    reply::{Block, Tone},
    wire::Version,
};
use jiff::Timestamp;
use tokio::sync::mpsc;

use super::*;
use crate::console;

fn call(event: &str, fence: u64, path: &str, arguments: &[(&str, &str)]) -> Call {
    let tenant = Tenant::new("local");
    let who = console::Who { user: "ana", groups: &[] };
    let request = console::request(&tenant, &who, path, None);
    Call {
        v: Version,
        request: RequestId::derive(Platform::Console, &tenant, event),
        fence,
        path: path.parse().unwrap(),
        arguments: arguments
            .iter()
            .map(|(k, v)| ((*k).to_owned(), Value::from(*v)))
            .collect::<BTreeMap<_, _>>(),
        actor: request.actor,
        place: request.place,
        deadline: Timestamp::MAX,
    }
}

const TO_PRODUCTION: [(&str, &str); 3] = [("app", "web"), ("from", "staging"), ("to", "production")];

async fn serve(service: &Deployments, call: Call) -> Result<Reply, String> {
    let (progress, _signs) = mpsc::channel(16);
    service.serve(call, progress).await
}

fn rows(reply: &Reply) -> Vec<Vec<String>> {
    reply
        .body
        .iter()
        .find_map(|block| if let Block::Table { rows, .. } = block { Some(rows.clone()) } else { None })
        .unwrap()
}

#[tokio::test]
async fn a_promotion_is_kept_over_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("state.json");
    let service = Deployments::open(Some(&file), Duration::ZERO).unwrap();
    assert!(Deployments::open(Some(&file), Duration::ZERO).is_err(), "one process at a time");
    let reply = serve(&service, call("1", 1, "deploy promote", &TO_PRODUCTION)).await.unwrap();
    assert_eq!(reply.title, "Promoted web 1.8.2 from staging to production");
    drop(service);
    let service = Deployments::open(Some(&file), Duration::ZERO).unwrap();
    let list = serve(&service, call("2", 2, "deploy list", &[("env", "production")])).await.unwrap();
    assert!(rows(&list).iter().any(|row| row[..3] == ["web", "production", "1.8.2"]), "{list:?}");
    let again = serve(&service, call("1", 9, "deploy promote", &TO_PRODUCTION)).await.unwrap();
    assert_eq!(again, reply, "the same request has the same answer, also after a restart");
    let history = serve(&service, call("3", 3, "deploy history", &[("app", "web")])).await.unwrap();
    assert_eq!(rows(&history).len(), 4);
}

#[tokio::test]
async fn an_overtaken_caller_is_refused() {
    let service = Deployments::open(None, Duration::ZERO).unwrap();
    serve(&service, call("1", 7, "deploy promote", &TO_PRODUCTION)).await.unwrap();
    let late = serve(&service, call("1", 6, "deploy promote", &TO_PRODUCTION)).await.unwrap_err();
    assert!(late.contains("taken this request over"), "{late}");
}

#[tokio::test]
async fn concurrent_promotions_come_one_after_the_other() {
    let service = Arc::new(Deployments::open(None, Duration::from_millis(1)).unwrap());
    let promote = |n: u64| {
        let service = service.clone();
        async move { serve(&service, call(&n.to_string(), n, "deploy promote", &TO_PRODUCTION)).await.unwrap() }
    };
    let replies = futures::future::join_all((1..9).map(promote)).await;
    assert_eq!(replies.iter().filter(|reply| reply.tone == Tone::Success).count(), 1);
    let back = serve(&service, call("b", 20, "deploy rollback", &[("app", "web"), ("env", "production")]))
        .await
        .unwrap();
    assert_eq!(back.title, "Rolled web in production back to 1.8.1");
}

#[tokio::test]
async fn a_fence_that_came_with_a_repeat_counts() {
    let service = Deployments::open(None, Duration::ZERO).unwrap();
    serve(&service, call("1", 1, "deploy promote", &TO_PRODUCTION)).await.unwrap();
    serve(&service, call("1", 9, "deploy promote", &TO_PRODUCTION)).await.unwrap();
    let late = serve(&service, call("1", 5, "deploy promote", &TO_PRODUCTION)).await.unwrap_err();
    assert!(late.contains("taken this request over"), "{late}");
}

#[tokio::test(start_paused = true)]
async fn one_that_is_overtaken_at_work_changes_nothing() {
    let service = Deployments::open(None, Duration::from_secs(1)).unwrap();
    let (progress, mut signs) = mpsc::channel(16);
    let first = service.serve(call("1", 1, "deploy promote", &TO_PRODUCTION), progress);
    let second = async {
        signs.recv().await.unwrap();
        serve(&service, call("1", 2, "deploy promote", &TO_PRODUCTION)).await
    };
    let (first, second) = tokio::join!(first, second);
    assert!(first.unwrap_err().contains("taken this request over"));
    assert_eq!(second.unwrap().tone, Tone::Success, "the one that took over did the work");
}

#[tokio::test(start_paused = true)]
async fn the_list_is_read_while_a_promotion_is_at_work() {
    let service = Deployments::open(None, Duration::from_secs(1)).unwrap();
    let (progress, mut signs) = mpsc::channel(16);
    let promotion = service.serve(call("1", 1, "deploy promote", &TO_PRODUCTION), progress);
    let reader = async {
        assert_eq!(signs.recv().await.unwrap().percent, Some(10));
        serve(&service, call("2", 2, "deploy list", &[("env", "production")])).await.unwrap()
    };
    let (promoted, list) = tokio::join!(promotion, reader);
    promoted.unwrap();
    assert!(rows(&list).iter().any(|row| row[..3] == ["web", "production", "1.8.1"]), "{list:?}");
}

#[tokio::test]
async fn a_call_whose_caller_is_gone_changes_nothing() {
    let service = Deployments::open(None, Duration::ZERO).unwrap();
    let late = Call { deadline: Timestamp::MIN, ..call("1", 1, "deploy promote", &TO_PRODUCTION) };
    assert!(serve(&service, late).await.unwrap_err().contains("nothing was changed"));
    let list = serve(&service, call("2", 2, "deploy list", &[("env", "production")])).await.unwrap();
    assert!(rows(&list).iter().any(|row| row[..3] == ["web", "production", "1.8.1"]), "{list:?}");
}

#[tokio::test]
async fn a_long_history_forgets_no_version_that_is_deployed() {
    let service = Deployments::open(None, Duration::ZERO).unwrap();
    for n in 0..120_u64 {
        let (path, arguments) = if n % 2 == 0 {
            ("deploy promote", TO_PRODUCTION.to_vec())
        } else {
            ("deploy rollback", vec![("app", "web"), ("env", "production")])
        };
        serve(&service, call(&format!("n{n}"), n, path, &arguments)).await.unwrap();
    }
    let list = serve(&service, call("l", 200, "deploy list", &[])).await.unwrap();
    assert_eq!(rows(&list).len(), 9, "three apps in three environments: {list:?}");
}

#[tokio::test]
async fn mistakes_are_told_in_words() {
    let service = Deployments::open(None, Duration::ZERO).unwrap();
    let told = serve(&service, call("1", 1, "deploy history", &[("app", "wep")])).await.unwrap_err();
    assert_eq!(told, "There is no app `wep`; did you mean `web`?");
    let same = [("app", "web"), ("from", "staging"), ("to", "staging")];
    assert!(serve(&service, call("2", 2, "deploy promote", &same)).await.unwrap_err().contains("both where"));
}

#[test]
fn the_offer_names_every_command() {
    let names: Vec<String> = crate::demo::offer().commands.iter().map(|spec| spec.path.to_string()).collect();
    assert_eq!(names, ["deploy list", "deploy promote", "deploy rollback", "deploy history"]);
}
