//! The roles that run until told to stop: everything, a worker, a terminal, a service; and one command from a script.

use std::{io::IsTerminal, net::SocketAddr, process::ExitCode, sync::Arc, time::Duration};

use adjutant_api::{Api, ApiConfig, Probe};
use adjutant_bus::{
    open::{self, BusConfig, BusUrl, Opened, Role},
    ports::Bus,
};
use adjutant_policies::{Policy, live};
use anyhow::{Context, Result, bail};
use parking_lot::Mutex;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::{canary, chats, listen, measure, parts, presence, specs};
use crate::{
    cli::RunArgs,
    config::Config,
    console, demo, output,
    run::{self, RunOptions},
    supervise::Supervisor,
};

/// How long the first lines wait until it is known which policy is in force.
const SETTLE: Duration = Duration::from_secs(5);

/// Everything in one process.
pub(super) async fn up(config: &Config, stop: CancellationToken) -> Result<ExitCode> {
    let bus_config = parts::bus(config, true)?;
    if matches!(bus_config.url, BusUrl::Auto) && open::is_running(&config.data_dir) {
        bail!(
            "an Adjutant is running with {} already; `adjutant console` opens a prompt on it",
            config.data_dir.display()
        );
    }
    let opened = open::open(&bus_config).await?;
    let policy = parts::load_policy(config).await;
    let mut supervisor = Supervisor::new(stop.clone());
    measure::start(&mut supervisor, config, "up", &stop).await?;
    let (bus, health) = work(&mut supervisor, config, &opened, policy.clone(), &stop).await?;
    if config.demo.enabled {
        serve_demo(&mut supervisor, config, &opened, &stop).await?;
    }
    let chats = chats::all(&mut supervisor, config, &opened, &stop).await?;
    let api = match config.api.enabled {
        true => Some(serve_api(&mut supervisor, config, &opened, policy.clone(), &stop).await?),
        false => None,
    };
    let http = chats.http.bus(&bus).policy(&policy).worker(health);
    listen::start(&mut supervisor, config, http, &stop).await?;
    let prompt = std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
    // A published policy comes from the bus; if that takes long, what is said then is true all the same.
    let _ = tokio::time::timeout(SETTLE, policy.settled()).await;
    announce(config, &opened, &policy, chats.lines, api, prompt);
    if prompt {
        let bus = opened.role(Role::Console).await?;
        presence::start(&mut supervisor, &bus, presence::terminal(config), &stop);
        supervisor.lead("console", console::run(parts::console(config), bus, completions(), stop.clone()));
    } else {
        log_notices(&mut supervisor, config, &opened, &stop).await?;
    }
    let ended = supervisor.run(Duration::from_secs(config.worker.grace_seconds)).await;
    opened.stop().await;
    ended.map(|()| ExitCode::SUCCESS)
}

/// Without a terminal, notices to the console go to the log.
async fn log_notices(
    supervisor: &mut Supervisor,
    config: &Config,
    opened: &Opened,
    stop: &CancellationToken,
) -> Result<()> {
    let (bus, tenant, stop) =
        (opened.role(Role::Console).await?, parts::console(config).tenant, stop.clone());
    supervisor.start("console notices", move || {
        let (bus, tenant, stop) = (bus.clone(), tenant.clone(), stop.clone());
        async move {
            console::follow_notices(bus, tenant, console::Reader::Log, stop).await;
            Ok(())
        }
    });
    Ok(())
}

fn announce(
    config: &Config,
    opened: &Opened,
    policy: &Policy,
    chats: Vec<String>,
    api: Option<SocketAddr>,
    prompt: bool,
) {
    let status = policy.status();
    let version = status.version.map_or_else(
        || format!("NONE, so everything is refused: {}", status.problem.unwrap_or_default()),
        |version| format!("{version}, {}", parts::policy_source(config)),
    );
    let worker = format!("{}, {} commands at once", parts::worker(config).name, config.worker.slots);
    let demo =
        if config.demo.enabled { "deploy list, deploy promote, …: kept in the data folder" } else { "off" };
    let next = if prompt {
        "Type help, or /as pat to be somebody else; Ctrl-D ends."
    } else {
        "There is no terminal, so this serves until it is told to stop (SIGINT or SIGTERM)."
    };
    let first_key = config.data_dir.join("bootstrap-admin-key");
    let first_key = if first_key.exists() {
        format!("; the first administrator's key is in {}", first_key.display())
    } else {
        String::new()
    };
    let api = api.map(|address| format!("  api      http://{address}/docs{first_key}"));
    let lines = [
        format!("Adjutant {}", env!("CARGO_PKG_VERSION")),
        format!("  bus      {}", opened.describe()),
        format!("  policy   {version}"),
        format!("  worker   {worker}"),
        format!("  demo     {demo}"),
    ];
    let lines: Vec<String> = lines.into_iter().chain(api).chain(chats).chain([next.to_owned()]).collect();
    output::say(&lines.join("\n"));
}

/// Starts a worker, and the watch on its policy; returns the worker's bus.
async fn work(
    supervisor: &mut Supervisor,
    config: &Config,
    opened: &Opened,
    policy: Arc<Policy>,
    stop: &CancellationToken,
) -> Result<(Bus, adjutant_workers::Health)> {
    let bus = opened.role(Role::Worker).await?;
    let worker = parts::worker(config);
    let health = worker.health.clone();
    let (state, slots) = (health.clone(), worker.slots);
    let detail = move || match state.ready() {
        (true, _) => super::many(slots, "slot"),
        (false, why) => why,
    };
    let who = presence::who(Role::Worker, Some(worker.name.clone()), Arc::new(detail));
    watch(supervisor, config, &policy, &bus, stop);
    presence::decides(supervisor, config, &policy, who, &bus, stop);
    let (stop, used) = (stop.clone(), bus.clone());
    supervisor.start("worker", move || {
        let (worker, bus, policy, stop) = (worker.clone(), bus.clone(), policy.clone(), stop.clone());
        async move { Ok(adjutant_workers::run(worker, bus, policy, stop).await?) }
    });
    Ok((used, health))
}

/// Follows the policy.
fn watch(
    supervisor: &mut Supervisor,
    config: &Config,
    policy: &Arc<Policy>,
    bus: &Bus,
    stop: &CancellationToken,
) {
    let every = Duration::from_secs(config.policy.poll_seconds);
    let (followed, on, until) = (policy.clone(), bus.clone(), stop.clone());
    supervisor.start("policy watch", move || {
        let (policy, bus, stop) = (followed.clone(), on.clone(), until.clone());
        async move {
            if policy.is_published() {
                live::follow(policy, bus, stop).await;
            } else {
                policy.watch(every, stop).await;
            }
            Ok(())
        }
    });
}

/// Starts the API service and its canary; says where it answers.
async fn serve_api(
    supervisor: &mut Supervisor,
    config: &Config,
    opened: &Opened,
    policy: Arc<Policy>,
    stop: &CancellationToken,
) -> Result<SocketAddr> {
    let bus = opened.role(Role::Api).await?;
    let canary = canary::start(supervisor, config, |pace| canary::of_api(&bus, pace), stop);
    let canary = canary.map(|canary| Probe::new(move || canary.ready()));
    let specs = specs::follow(supervisor, &bus, stop).specs;
    let settings = ApiConfig { specs, canary, ..parts::api(config)? };
    let api = Api::open(settings, bus.clone(), policy.clone()).await?;
    let address = api.address();
    let who = presence::who(Role::Api, None, Arc::new(move || format!("answers at {address}")));
    presence::decides(supervisor, config, &policy, who, &bus, stop);
    let stop = stop.clone();
    // It keeps its listener and its tasks by itself: what ends it is a fault that a new start would meet again.
    let running = Arc::new(Mutex::new(Some(api)));
    supervisor.start("API", move || {
        let (running, stop) = (running.clone(), stop.clone());
        async move {
            let api = running.lock().take().context("it has ended already")?;
            Ok(api.run(stop).await?)
        }
    });
    Ok(address)
}

/// The API service by itself.
pub(super) async fn api(config: &Config, stop: CancellationToken) -> Result<ExitCode> {
    let opened = shared(&parts::bus(config, false)?, "api").await?;
    let policy = parts::load_policy(config).await;
    let mut supervisor = Supervisor::new(stop.clone());
    measure::start(&mut supervisor, config, "api", &stop).await?;
    let bus = opened.role(Role::Api).await?;
    watch(&mut supervisor, config, &policy, &bus, &stop);
    let specs = specs::follow(&mut supervisor, &bus, &stop).specs;
    specs::teach(&mut supervisor, config, policy.clone(), specs, &stop);
    let http = listen::Parts::default().bus(&bus).policy(&policy);
    let address = serve_api(&mut supervisor, config, &opened, policy, &stop).await?;
    output::say(&format!("The API answers at http://{address}"));
    listen::start(&mut supervisor, config, http, &stop).await?;
    let ended = supervisor.run(Duration::from_secs(config.api.grace_seconds)).await;
    opened.stop().await;
    ended.map(|()| ExitCode::SUCCESS)
}

async fn serve_demo(
    supervisor: &mut Supervisor,
    config: &Config,
    opened: &Opened,
    stop: &CancellationToken,
) -> Result<()> {
    let bus = opened.role(Role::Demo).await?;
    let demo = parts::demo(config);
    let service = Arc::new(demo::Deployments::open(demo.state.as_deref(), demo.step)?);
    let stop = stop.clone();
    supervisor.start("deployments service", move || demo::run(service.clone(), bus.clone(), stop.clone()));
    Ok(())
}

/// A worker by itself.
pub(super) async fn worker(config: &Config, stop: CancellationToken) -> Result<ExitCode> {
    let opened = shared(&parts::bus(config, false)?, "worker").await?;
    let policy = parts::load_policy(config).await;
    let mut supervisor = Supervisor::new(stop.clone());
    measure::start(&mut supervisor, config, "worker", &stop).await?;
    let (bus, health) = work(&mut supervisor, config, &opened, policy.clone(), &stop).await?;
    let http = listen::Parts::default().bus(&bus).policy(&policy).worker(health);
    listen::start(&mut supervisor, config, http, &stop).await?;
    let ended = supervisor.run(Duration::from_secs(config.worker.grace_seconds)).await;
    opened.stop().await;
    ended.map(|()| ExitCode::SUCCESS)
}

/// The deployments service by itself.
pub(super) async fn deployments(config: &Config, stop: CancellationToken) -> Result<ExitCode> {
    let opened = shared(&parts::bus(config, false)?, "service").await?;
    let mut supervisor = Supervisor::new(stop.clone());
    serve_demo(&mut supervisor, config, &opened, &stop).await?;
    supervisor.run(Duration::ZERO).await.map(|()| ExitCode::SUCCESS)
}

/// A terminal on a running system.
pub(super) async fn console(config: &Config, stop: CancellationToken) -> Result<ExitCode> {
    let opened = shared(&parts::bus(config, false)?, "console").await?;
    let bus = opened.role(Role::Console).await?;
    let until = stop.child_token();
    let present = tokio::spawn(presence::keep(bus.clone(), presence::terminal(config), until.clone()));
    let ended = console::run(parts::console(config), bus, completions(), stop).await;
    until.cancel();
    // It only takes leave, which is bounded.
    let _ = present.await;
    ended.map(|()| ExitCode::SUCCESS)
}

/// A bus that other processes are on too: alone on memory a role would wait for ever.
pub(super) async fn shared(config: &BusConfig, role: &str) -> Result<Opened> {
    let opened = open::open(config).await?;
    if opened.is_memory() {
        bail!(
            "a {role} by itself needs a bus that others are on: start `adjutant up` with a nats-server installed, or name a server with --bus nats://host:port"
        );
    }
    Ok(opened)
}

fn completions() -> console::Completions {
    let names: Vec<String> = parts::catalogue().iter().map(|entry| entry.spec.path.to_string()).collect();
    Arc::new(move || names.clone())
}

/// One command: on a running system if there is one, else on a bus of its own with a worker and the demo.
pub(super) async fn run(config: &Config, args: RunArgs, stop: CancellationToken) -> Result<ExitCode> {
    let console = parts::console(config);
    let (user, groups) = match asker(config, args.as_user) {
        Ok(asker) => asker,
        Err(exit) => return Ok(exit),
    };
    let options = RunOptions { user, groups, json: args.json, timeout: args.timeout, words: args.words };
    let opened = open::open(&parts::bus(config, false)?).await?;
    let own = if opened.is_memory() { Some(alone(config, &opened, &stop).await?) } else { None };
    let bus = opened.role(Role::Console).await?;
    let asked = stop.run_until_cancelled(run::run(bus, &console.tenant, &options)).await;
    drop(own);
    let exit = asked.context("stopped before the answer came").and_then(|exit| exit)?;
    opened.stop().await;
    Ok(exit.into())
}

/// Who asks from a script, with their groups: the user who is named, else the configured one.
pub(super) fn asker(config: &Config, named: Option<String>) -> Result<(String, Vec<String>), ExitCode> {
    let console = parts::console(config);
    let user = named.unwrap_or_else(|| console.user.clone());
    if console.users.contains_key(&user) {
        let groups = console.groups(&user);
        return Ok((user, groups));
    }
    let known: Vec<&str> = console.users.keys().map(String::as_str).collect();
    output::complain(&format!("adjutant: there is no user `{user}`; console.users has {}", known.join(", ")));
    Err(ExitCode::from(2))
}

/// The roles that a command alone needs; they end with what is returned.
async fn alone(config: &Config, opened: &Opened, stop: &CancellationToken) -> Result<DropGuard> {
    let stop = stop.child_token();
    let mut supervisor = Supervisor::new(stop.clone());
    if config.demo.enabled {
        serve_demo(&mut supervisor, config, opened, &stop).await?;
    }
    work(&mut supervisor, config, opened, parts::load_policy(config).await, &stop).await?;
    let grace = Duration::from_secs(config.worker.grace_seconds);
    tokio::spawn(async move { supervisor.run(grace).await });
    Ok(stop.drop_guard())
}
