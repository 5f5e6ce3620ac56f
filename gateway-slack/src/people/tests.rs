//! What Slack says of people, in every form that it has been seen to say it.

use adjutant_bus::actor::Tenant;
use secrecy::SecretString;
use serde_json::json;

use super::*;
use crate::web::{Web, client};

fn workspace() -> Workspace {
    let web = Web::new(client("http://127.0.0.1:9/api").unwrap(), &SecretString::from("xoxb-test"));
    Workspace {
        tenant: Tenant::new("T0ACME"),
        team: "T0ACME".to_owned(),
        name: "Acme".to_owned(),
        enterprise: Some("E0ACME".to_owned()),
        whole_enterprise: false,
        bot: "U0BOT".to_owned(),
        web,
    }
}

#[test]
fn standings_are_told_apart() {
    let table = [
        (json!({ "id": "U1", "team_id": "T0ACME" }), Standing::Member),
        (json!({ "id": "U1", "team_id": "T0ACME", "is_restricted": true }), Standing::Guest),
        (json!({ "id": "U1", "team_id": "T0ACME", "is_ultra_restricted": true }), Standing::Guest),
        (json!({ "id": "U1", "team_id": "T0ACME", "is_stranger": true }), Standing::External),
        (json!({ "id": "U1", "team_id": "T0OTHER" }), Standing::External),
        (json!({ "id": "U1", "team_id": "T0ACME", "is_bot": true }), Standing::Bot),
        (json!({ "id": "USLACKBOT", "team_id": "T0ACME" }), Standing::Bot),
        (json!({ "id": "U1", "team_id": "T0ACME", "deleted": true, "is_bot": true }), Standing::Deactivated),
        (
            json!({ "id": "W1", "team_id": "T0HR", "enterprise_user": { "enterprise_id": "E0ACME", "teams": ["T0ACME"] } }),
            Standing::Member,
        ),
        (
            json!({ "id": "W1", "team_id": "T0HR", "enterprise_user": { "enterprise_id": "E0EVIL", "teams": ["T0ACME"] } }),
            Standing::External,
        ),
    ];
    for (user, standing) in table {
        assert_eq!(described(&user, &workspace()).standing, standing, "{user}");
    }
}

#[test]
fn every_form_of_the_list_of_groups_is_read_and_disabled_or_foreign_ones_grant_nothing() {
    let answer = json!({ "ok": true, "usergroups": [
        { "id": "S0ENG", "team_id": "T0ACME", "date_delete": 0, "users": ["U1", "U2", "U1"], "user_count": "3" },
        { "id": "S0PRD", "users": ["U1"], "user_count": 1, "auto_type": "something new" },
        { "id": "S0OLD", "date_delete": 1_700_000_000, "users": ["U1"] },
        { "id": "S0ODD", "date_delete": "0", "users": ["U1"] },
        { "id": "S0FAR", "team_id": "T0OTHER", "users": ["U1"] },
        { "id": "S0ORG", "team_id": "E0ACME", "users": ["U2"], "is_external": false },
        { "id": "S0EXT", "team_id": "T0ACME", "is_external": true, "users": ["U1"] },
        { "id": "S0EX2", "is_external": "no", "users": ["U1"] },
        { "id": "S0/../x", "users": ["U1"] },
        { "id": "S0NOBODY" },
        { "users": ["U1"] },
        "nonsense",
    ]});
    let found = by_user(groups::read(&answer, &workspace()), &workspace());
    let shown = |user: &str| {
        let groups = found.get(user).cloned().unwrap_or_default();
        groups.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(shown("U1"), "slack:T0ACME/S0ENG slack:T0ACME/S0PRD");
    assert_eq!(shown("U2"), "slack:T0ACME/S0ENG slack:T0ACME/S0ORG");
    assert_eq!(shown("U3"), "");
}
