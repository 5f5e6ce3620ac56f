//! Two gateways and two workers under load, with all that Slack does on a bad day.

use std::{collections::HashMap, time::Duration};

use adjutant_fakes::slack::{CloseHow, FakeSlack};
use nix::sys::signal::Signal;

use super::world::SlackWorld;

/// Where the commands of these stories are typed.
fn channel(n: usize) -> String {
    format!("C{:04}", n % 40)
}

/// How often each command was answered, by the `ts` of its message.
fn answers(fake: &FakeSlack) -> HashMap<String, usize> {
    let mut answers = HashMap::new();
    for n in 0..40 {
        for message in fake.messages(&channel(n)) {
            if message.all_text().contains("word-") && !message.all_text().contains("Working on") {
                *answers.entry(message.thread.unwrap()).or_default() += 1;
            }
        }
    }
    answers
}

/// Every command was answered once, called once, and acknowledged in time.
async fn assert_all_answered(slack: &SlackWorld, asked: &[String], wait: Duration) {
    let fake = &slack.fake;
    let missing = |fake: &FakeSlack| {
        let answers = answers(fake);
        asked.iter().filter(|ts| !answers.contains_key(*ts)).count()
    };
    fake.until("every answer", wait, |fake| (missing(fake) == 0).then_some(())).await;
    // What comes twice comes soon after.
    tokio::time::sleep(Duration::from_secs(3)).await;
    let twice: Vec<_> = answers(fake).into_iter().filter(|(_, times)| *times != 1).collect();
    assert!(twice.is_empty(), "answered more than once: {twice:?}; logs in {}", slack.logs());
    let calls = slack.world.calls.lock();
    assert_eq!(calls.len(), asked.len());
    assert!(calls.values().all(|fences| fences.len() == 1), "{calls:?}");
    let record = fake.record();
    assert!(record.given_up.is_empty(), "{:?}", record.given_up);
    let slowest = record.acks.iter().map(|ack| ack.latency).max().unwrap();
    assert!(slowest < Duration::from_secs(3), "{slowest:?}");
    assert!(record.most_sockets <= 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn five_hundred_commands_on_a_bad_day_are_each_answered_once() {
    let slack = SlackWorld::new(Duration::from_millis(20)).await;
    let fake = &slack.fake;
    {
        let mut faults = fake.faults();
        faults.latency = Duration::from_millis(50);
        faults.duplicates = 0.2;
        faults.twins = 0.2;
        faults.random_429 = 0.02;
    }
    let _workers = [slack.worker("w0"), slack.worker("w1")];
    let _gateways = [slack.gateway("g0").await, slack.gateway("g1").await];
    let mut asked = Vec::new();
    for n in 0..500 {
        asked.push(fake.mention("U0ANA", &channel(n), &format!("deploy say word-{n}"), None));
        match n {
            100 => fake.disconnect("warning", CloseHow::Close(1000, Duration::from_secs(2))),
            200 => fake.disconnect("refresh_requested", CloseHow::Drop(Duration::from_secs(1))),
            300 => fake.disconnect("something_new", CloseHow::Close(1012, Duration::from_millis(500))),
            _ => {}
        }
        tokio::time::sleep(Duration::from_millis(8)).await;
    }
    assert_all_answered(&slack, &asked, Duration::from_secs(90)).await;
    slack.assert_no_violations();
    slack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn gateways_killed_and_rolled_lose_nothing_and_answer_once() {
    let slack = SlackWorld::new(Duration::from_millis(20)).await;
    let fake = &slack.fake;
    {
        let mut faults = fake.faults();
        faults.latency = Duration::from_millis(30);
        faults.retries = [100, 500, 1_000, 2_000, 3_000, 5_000].map(Duration::from_millis).to_vec();
    }
    let _worker = slack.worker("w0");
    let (mut first, mut second) = (slack.gateway("g0").await, slack.gateway("g1").await);
    let mut asked = Vec::new();
    for n in 0..240 {
        asked.push(fake.mention("U0ANA", &channel(n), &format!("deploy say word-{n}"), None));
        match n {
            // Whichever of them sends just now.
            40 | 130 => {
                first.signal(Signal::SIGKILL);
                first = slack.start_gateway(&format!("g0-{n}"));
            }
            85 | 175 => {
                second.signal(Signal::SIGKILL);
                second = slack.start_gateway(&format!("g1-{n}"));
            }
            // A rolling restart.
            210 => {
                let next = slack.gateway("g2").await;
                std::mem::replace(&mut first, next).stop().await;
            }
            _ => {}
        }
        tokio::time::sleep(Duration::from_millis(30)).await;
    }
    assert_all_answered(&slack, &asked, Duration::from_secs(90)).await;
    slack.stop().await;
}
