//! What each GitHub event says. A ping is posted, so that whoever sets up a hook sees it arrive. Nothing is posted for what
//! people do not wait for: labels, assignments, edits of comments and releases, suites and deployments that became inactive.

use adjutant_bus::announcement::{Message, NoticeAction, Severity};

use crate::hooks::{
    HookError,
    draft::{self, Draft},
    node::Node,
};

/// How many commits of a push are shown; the rest are counted.
const COMMITS: usize = 5;
/// How much of a description or comment is quoted.
const QUOTE_CHARS: usize = 600;

type Said = Result<Option<Draft>, HookError>;

/// The message of an event, unless it is not worth one.
pub(super) fn message(event: &str, root: &Node<'_>) -> Result<Option<Message>, HookError> {
    let draft = match event {
        "ping" => ping(root),
        "push" => push(root),
        "pull_request" => thread(root, "pull_request", "pull request"),
        "issues" => thread(root, "issue", "issue"),
        "issue_comment" => comment(root),
        "release" => release(root),
        "workflow_run" => run(root, "workflow_run", "run"),
        "check_suite" => run(root, "check_suite", "suite"),
        "deployment" => deployment(root, None),
        "deployment_status" => deployment(root, Some(root.needed_object("deployment_status")?)),
        "create" => reference(root, "created"),
        "delete" => reference(root, "deleted"),
        other => Ok(Some(Draft::new(&headline(root, &unknown(other, root)?)?, Severity::Info))),
    }?;
    Ok(draft.map(Draft::finish))
}

fn unknown(event: &str, root: &Node<'_>) -> Result<String, HookError> {
    let event = draft::line(event, 40).replace('_', " ");
    Ok(root.text("action")?.map_or_else(|| event.clone(), |action| format!("{event}: {action}")))
}

/// Such as `[octo/app] alice opened …`.
fn headline(root: &Node<'_>, said: &str) -> Result<String, HookError> {
    let place = match (root.object("repository")?, root.object("organization")?) {
        (Some(repository), _) => repository.text("full_name")?,
        (None, Some(organization)) => organization.text("login")?,
        (None, None) => None,
    };
    let who = root.object("sender")?.map(|sender| sender.text("login")).transpose()?.flatten();
    let place = place.map(|place| format!("[{place}] ")).unwrap_or_default();
    let who = who.map(|who| format!("{who} ")).unwrap_or_default();
    Ok(format!("{place}{who}{said}"))
}

fn repository<'a>(root: &Node<'a>) -> Result<&'a str, HookError> {
    root.needed_object("repository")?.needed_text("full_name")
}

fn ping(root: &Node<'_>) -> Said {
    let mut draft = Draft::new(&headline(root, "set up a hook that arrives here")?, Severity::Info);
    draft.text(root.text("zen")?.unwrap_or_default());
    Ok(Some(draft))
}

fn push(root: &Node<'_>) -> Said {
    let branch = root.needed_text("ref")?;
    let branch = branch.trim_start_matches("refs/heads/").trim_start_matches("refs/tags/");
    let (commits, count) = root.objects("commits", COMMITS)?;
    let forced = if root.is("forced") { "force-" } else { "" };
    let said = match count {
        _ if root.is("deleted") => format!("deleted {branch}"),
        0 if root.is("created") => format!("created {branch}"),
        1 => format!("{forced}pushed 1 commit to {branch}"),
        count => format!("{forced}pushed {count} commits to {branch}"),
    };
    let mut draft = Draft::new(&headline(root, &said)?, Severity::Info);
    let mut text = Vec::new();
    for commit in &commits {
        let id: String = commit.text("id")?.unwrap_or_default().chars().take(7).collect();
        let first = commit.text("message")?.unwrap_or_default().lines().next().unwrap_or_default();
        text.push(format!("{id} {}", draft::line(first, 120)));
    }
    if count > commits.len() {
        text.push(format!("… and {} more", count - commits.len()));
    }
    draft.text(&text.join("\n"));
    draft.link("Compare", root.text("compare")?.unwrap_or_default());
    Ok(Some(draft))
}

/// A pull request or an issue, each a matter until it is closed.
fn thread(root: &Node<'_>, member: &'static str, noun: &str) -> Said {
    let subject = root.needed_object(member)?;
    let merged = subject.is("merged");
    let (did, action) = match root.needed_text("action")? {
        "opened" => ("opened", NoticeAction::Trigger),
        "reopened" => ("reopened", NoticeAction::Trigger),
        "ready_for_review" => ("marked as ready", NoticeAction::Trigger),
        "edited" => ("edited", NoticeAction::Update),
        "synchronize" => ("pushed to", NoticeAction::Update),
        "closed" if merged => ("merged", NoticeAction::Resolve),
        "closed" => ("closed", NoticeAction::Resolve),
        _ => return Ok(None),
    };
    let number = subject.needed_number("number")?;
    let title = subject.text("title")?.unwrap_or_default();
    let said = headline(root, &format!("{did} {noun} #{number}: {title}"))?;
    let severity = if merged { Severity::Success } else { Severity::Info };
    let mut draft = Draft::new(&said, severity);
    draft.text(&draft::lines(subject.text("body")?.unwrap_or_default(), QUOTE_CHARS));
    draft.link(&format!("#{number}"), subject.text("html_url")?.unwrap_or_default());
    draft.matter(&format!("{}#{number}", repository(root)?), action);
    Ok(Some(draft))
}

fn comment(root: &Node<'_>) -> Said {
    if root.needed_text("action")? != "created" {
        return Ok(None);
    }
    let (issue, comment) = (root.needed_object("issue")?, root.needed_object("comment")?);
    let number = issue.needed_number("number")?;
    let title = issue.text("title")?.unwrap_or_default();
    let mut draft = Draft::new(&headline(root, &format!("commented on #{number}: {title}"))?, Severity::Info);
    draft.text(&draft::lines(comment.text("body")?.unwrap_or_default(), QUOTE_CHARS));
    draft.link("Comment", comment.text("html_url")?.unwrap_or_default());
    Ok(Some(draft))
}

/// GitHub sends `created`, `released` and `published` for the same release; one is enough.
fn release(root: &Node<'_>) -> Said {
    let release = root.needed_object("release")?;
    if root.needed_text("action")? != "published" {
        return Ok(None);
    }
    let name = release.text("name")?.filter(|name| !name.is_empty());
    let name = name.map_or_else(|| release.needed_text("tag_name"), Ok)?;
    let mut draft = Draft::new(&headline(root, &format!("published {name}"))?, Severity::Success);
    draft.text(&draft::lines(release.text("body")?.unwrap_or_default(), QUOTE_CHARS));
    draft.link("Release", release.text("html_url")?.unwrap_or_default());
    Ok(Some(draft))
}

/// A workflow run, which is a matter, or a check suite, of which only the end is told.
fn run(root: &Node<'_>, member: &'static str, kind: &str) -> Said {
    let run = root.needed_object(member)?;
    let ended = root.needed_text("action")? == "completed";
    if kind == "suite" && !ended {
        return Ok(None);
    }
    let app = run.object("app")?.map(|app| app.text("name")).transpose()?.flatten();
    let name = run.text("name")?.or(app).unwrap_or("checks");
    let branch = run.text("head_branch")?.unwrap_or("a detached commit");
    let conclusion = run.text("conclusion")?.filter(|_| ended);
    let (severity, action) = match conclusion {
        Some("success") => (Severity::Success, NoticeAction::Resolve),
        Some("failure" | "timed_out" | "startup_failure") => (Severity::Error, NoticeAction::Update),
        Some("neutral" | "skipped" | "stale") => (Severity::Info, NoticeAction::Resolve),
        Some(_) => (Severity::Warning, NoticeAction::Update),
        None => (Severity::Info, NoticeAction::Trigger),
    };
    let state = conclusion.or(run.text("status")?).unwrap_or("unknown").replace('_', " ");
    let mut draft = Draft::new(&format!("[{}] {name} on {branch}: {state}", repository(root)?), severity);
    draft.text(run.text("display_title")?.unwrap_or_default());
    draft.field("Commit", &run.text("head_sha")?.unwrap_or_default().chars().take(7).collect::<String>());
    draft.link("Run", run.text("html_url")?.unwrap_or_default());
    draft.matter(&format!("{}/{kind}/{}", repository(root)?, run.needed_number("id")?), action);
    Ok(Some(draft))
}

fn deployment(root: &Node<'_>, status: Option<Node<'_>>) -> Said {
    let deployment = root.needed_object("deployment")?;
    let state = status.as_ref().map(|status| status.needed_text("state")).transpose()?;
    let (severity, action) = match state {
        None => (Severity::Info, NoticeAction::Trigger),
        Some("inactive") => return Ok(None),
        Some("success") => (Severity::Success, NoticeAction::Resolve),
        Some("failure" | "error") => (Severity::Error, NoticeAction::Update),
        Some(_) => (Severity::Info, NoticeAction::Update),
    };
    let place = deployment.text("environment")?.unwrap_or("an unnamed environment");
    let what = deployment.text("ref")?.unwrap_or("a commit");
    let said = format!("{what} to {place}: {}", state.unwrap_or("requested").replace('_', " "));
    let mut draft = Draft::new(&format!("[{}] {said}", repository(root)?), severity);
    let description = status.as_ref().map(|status| status.text("description")).transpose()?.flatten();
    draft.text(description.or(deployment.text("description")?).unwrap_or_default());
    if let Some(status) = &status {
        draft.link("Environment", status.text("environment_url")?.unwrap_or_default());
        draft.link("Log", status.text("log_url")?.or(status.text("target_url")?).unwrap_or_default());
    }
    draft.matter(&format!("{}/deployment/{}", repository(root)?, deployment.needed_number("id")?), action);
    Ok(Some(draft))
}

fn reference(root: &Node<'_>, did: &str) -> Said {
    let kind = root.needed_text("ref_type")?;
    let name = root.text("ref")?.unwrap_or_default();
    Ok(Some(Draft::new(&headline(root, &format!("{did} {kind} {name}"))?, Severity::Info)))
}
