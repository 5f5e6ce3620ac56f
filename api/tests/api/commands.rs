//! The catalogue, as programs read it.

use reqwest::StatusCode;
use serde_json::{Value, json};

use super::site::Site;

pub async fn the_catalogue_describes_arguments_and_tells_what_is_allowed(site: Site) {
    let key = site.world.key("ci", &["commands:read", "requests:submit:deploy.*"]).await;
    let answer = site.world.get("/v1/commands", &key).await;
    let tag = answer.headers()["etag"].to_str().unwrap().to_owned();
    let listed: Value = answer.json().await.unwrap();
    let names: Vec<&str> =
        listed["items"].as_array().unwrap().iter().map(|item| item["command"].as_str().unwrap()).collect();
    assert_eq!(names, ["deploy.say", "deploy.wait"]);
    let call = site.world.client.get(site.world.url("/v1/commands")).bearer_auth(&key);
    let same = call.header("If-None-Match", &tag).send().await.unwrap();
    assert_eq!(same.status(), StatusCode::NOT_MODIFIED);
    let all: Value = site.world.get("/v1/commands?all=true", &key).await.json().await.unwrap();
    assert!(all["items"].as_array().unwrap().len() > 2);

    for path in ["deploy.say", "deploy%20say"] {
        let say: Value = site.world.get(&format!("/v1/commands/{path}"), &key).await.json().await.unwrap();
        assert_eq!(say["allowed"], true);
        assert_eq!(say["usage"], "deploy say <text…> [--times N] [--env CHOICE]");
        assert_eq!(say["schema"]["required"], json!(["text"]));
        assert_eq!(say["schema"]["additionalProperties"], false);
        assert_eq!(say["schema"]["properties"]["times"]["maximum"], 9);
        assert_eq!(say["schema"]["properties"]["env"]["enum"], json!(["staging", "production"]));
    }
    let why: Value = site.world.get("/v1/commands/why", &key).await.json().await.unwrap();
    assert_eq!(why["allowed"], false);
    for hostile in ["nothing", "%00", "a.b.c.d.e.f.g", "deploy..say"] {
        let answer = site.world.get(&format!("/v1/commands/{hostile}"), &key).await;
        assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{hostile}");
    }
    site.stop().await;
}

#[test]
fn every_problem_has_its_heading_in_the_documentation() {
    let page = include_str!("../../../docs/api.md");
    for code in adjutant_api::problem::Code::ALL {
        let heading = format!("### {}", code.as_str());
        assert!(page.lines().any(|line| line == heading), "docs/api.md needs `{heading}`");
    }
}
