//! Random policies and random requests, by the thousand and repeatable by their seed.

use std::collections::{BTreeMap, BTreeSet};

use adjutant_bus::{
    actor::{Actor, GroupId, Membership, Platform, Standing, Tenant},
    spec::Action,
};
use adjutant_policies::Vocabulary;

use super::world::actor;

const COMMANDS: [&str; 9] = [
    "deploy",
    "deploy.promote",
    "deploy.list",
    "deploy.rollback",
    "deploy.window.open",
    "deployer.wipe",
    "help",
    "status",
    "policy.publish",
];
/// What nobody registered.
const STRANGE: [&str; 7] = ["deploy.*", "*", "", "Deploy.promote", "deploy.window", "policy", "nope"];
const PATTERNS: [&str; 12] = [
    "*",
    "deploy.*",
    "deploy.window.*",
    "deployer.*",
    "policy.*",
    "deploy",
    "deploy.promote",
    "deploy.promote",
    "deploy.list",
    "deploy.rollback",
    "help",
    "deployer.wipe",
];
const ROW_PLACES: [&str; 9] = [
    "*",
    "*",
    "*",
    "slack:*",
    "slack:T0ACME/*",
    "slack:T0ACME/C0DEPLOY",
    "slack:T0ACME/C0OPS",
    "discord:*",
    "discord:9001/5001",
];
const PLACES: [&str; 8] = [
    "slack:T0ACME/C0DEPLOY",
    "slack:T0ACME/C0OPS",
    "slack:T0ACME/C0DEPLOYED",
    "slack:T6666/C0DEPLOY",
    "discord:9001/5001",
    "discord:dm/1",
    "console:local/terminal",
    "api:key/-",
];
const ACTIONS: [Action; 3] = [Action::Run, Action::View, Action::Approve];
/// Keys that commands bind, with what a row may ask for and a request may bring.
const KEYS: [(&str, &[&str]); 5] = [
    ("freeze", &["off", "on"]),
    ("hours", &["office", "night", "off"]),
    ("env", &["none", "staging", "production"]),
    ("region", &["none", "eu", "us"]),
    ("destination", &["none", "alerts", "ops"]),
];
/// The settings that give `hours` its values.
pub const SETTINGS: &str =
    "[windows]\noffice = [\"Mon-Fri 09:00-17:00\"]\nnight = [\"Mon-Sun 22:00-06:00\"]\n";
const GROUPS: usize = 8;

/// A sequence of numbers that looks random (SplitMix64).
pub struct Dice(pub u64);

impl Dice {
    pub fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % sides as u64) as usize
    }

    pub fn chance(&mut self, percent: usize) -> bool {
        self.roll(100) < percent
    }

    pub fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[self.roll(from.len())].clone()
    }

    fn shuffle<T>(&mut self, list: &mut [T]) {
        for last in (1..list.len()).rev() {
            let other = self.roll(last + 1);
            list.swap(last, other);
        }
    }
}

/// A random policy: `p` rows of six fields, and `g` rows.
#[derive(Clone)]
pub struct Made {
    pub rows: Vec<[String; 6]>,
    pub links: Vec<[String; 2]>,
}

pub fn vocabulary() -> Vocabulary {
    let values = |values: &[&str]| values.iter().map(|value| (*value).to_owned()).collect();
    let mut context: BTreeMap<String, Vec<String>> =
        KEYS[2..].iter().map(|(key, known)| ((*key).to_owned(), values(known))).collect();
    context.insert("destination".to_owned(), Vec::new());
    Vocabulary {
        commands: values(&COMMANDS).into_iter().collect(),
        context,
        binds: BTreeMap::new(),
        trusted_homes: vec!["slack:T0ACME".to_owned(), "discord:9001".to_owned()],
    }
}

/// The ids of the groups on both platforms, and of a service.
pub fn lock() -> String {
    let group = |n: usize| format!("slack:T0ACME/S{n}, G{n}, G{n}\ndiscord:9001/70{n}, G{n}, G{n}\n");
    (0..GROUPS).map(group).collect::<String>() + "svc:keds, svc:keds, KEDS\n"
}

impl Made {
    pub fn new(dice: &mut Dice) -> Self {
        let rows = (0..3 + dice.roll(16)).map(|_| row(dice)).collect();
        // A group is below those of higher numbers only, so there is no circle.
        let links = (0..dice.roll(6))
            .map(|_| {
                let member = dice.roll(GROUPS - 1);
                let above = member + 1 + dice.roll(GROUPS - 1 - member);
                [format!("G{member}"), format!("G{above}")]
            })
            .collect();
        Self { rows, links }
    }

    /// With a deny row more, anywhere.
    pub fn with_deny(&self, dice: &mut Dice) -> Self {
        let mut more = self.clone();
        let mut deny = row(dice);
        deny[5] = "deny".to_owned();
        more.rows.insert(dice.roll(more.rows.len() + 1), deny);
        more
    }

    /// The same rows in another order.
    pub fn shuffled(&self, dice: &mut Dice) -> Self {
        let mut other = self.clone();
        dice.shuffle(&mut other.rows);
        dice.shuffle(&mut other.links);
        other
    }

    /// As a file. Row n, from 0, is in line n + 1.
    pub fn text(&self) -> String {
        let row = |row: &[String; 6]| format!("p, {}\n", row.join(", "));
        let link = |link: &[String; 2]| format!("g, {}\n", link.join(", "));
        self.rows.iter().map(row).chain(self.links.iter().map(link)).collect()
    }

    /// The rows as casbin gets them, each with its kind.
    pub fn raw(&self) -> Vec<Vec<String>> {
        self.rows.iter().map(|row| [&["p".to_owned()], row.as_slice()].concat()).collect()
    }

    /// These groups, and all above them.
    fn close(&self, mut groups: BTreeSet<String>) -> BTreeSet<String> {
        for _ in 0..GROUPS {
            for [member, above] in &self.links {
                if groups.contains(member) {
                    groups.insert(above.clone());
                }
            }
        }
        groups
    }
}

fn row(dice: &mut Dice) -> [String; 6] {
    let group = match dice.roll(10) {
        0..=3 => "everyone".to_owned(),
        4 => dice.pick(&["guests", "external", "svc:keds"]).to_owned(),
        _ => format!("G{}", dice.roll(GROUPS)),
    };
    let effect = if dice.chance(25) { "deny" } else { "allow" };
    [
        group,
        dice.pick(&ROW_PLACES).to_owned(),
        dice.pick(&PATTERNS).to_owned(),
        dice.pick(&["*", "*", "run", "run", "view", "approve"]).to_owned(),
        condition(dice),
        effect.to_owned(),
    ]
}

/// `*`, or some keys each with some of its values.
fn condition(dice: &mut Dice) -> String {
    if dice.chance(55) {
        return "*".to_owned();
    }
    let part = |(key, values): (&str, &[&str]), dice: &mut Dice| {
        let mut some: Vec<&str> = values.iter().filter(|_| dice.chance(50)).copied().collect();
        if some.is_empty() {
            some.push(dice.pick(values));
        }
        format!("{key}={}", some.join("|"))
    };
    let mut parts = Vec::new();
    for key in KEYS {
        if dice.chance(25) {
            parts.push(part(key, dice));
        }
    }
    if parts.is_empty() { "*".to_owned() } else { parts.join(";") }
}

/// A random request.
#[derive(Debug)]
pub struct Wish {
    pub actor: Actor,
    pub membership: Membership,
    /// The groups that policy should see.
    pub groups: BTreeSet<String>,
    pub place: &'static str,
    pub command: &'static str,
    pub action: Action,
    pub context: BTreeMap<String, String>,
}

impl Wish {
    pub fn new(made: &Made, dice: &mut Dice) -> Self {
        let (actor, membership, groups) = asker(made, dice);
        let context = KEYS
            .iter()
            .filter_map(|(key, values)| {
                let value = dice.pick(values).to_owned();
                (!dice.chance(8)).then(|| ((*key).to_owned(), value))
            })
            .collect();
        Self {
            actor,
            membership,
            groups,
            place: dice.pick(&PLACES),
            command: if dice.chance(6) { dice.pick(&STRANGE) } else { dice.pick(&COMMANDS) },
            action: dice.pick(&ACTIONS),
            context,
        }
    }

    /// Whether the command is one that somebody registered.
    pub fn known(&self) -> bool {
        COMMANDS.contains(&self.command)
    }
}

fn asker(made: &Made, dice: &mut Dice) -> (Actor, Membership, BTreeSet<String>) {
    let (platform, home, prefix) =
        dice.pick(&[(Platform::Slack, "T0ACME", "S"), (Platform::Discord, "9001", "70")]);
    let held: Vec<usize> = (0..dice.roll(6)).map(|_| dice.roll(GROUPS)).collect();
    let ids =
        held.iter().map(|n| GroupId::new(platform, &Tenant::new(home), &format!("{prefix}{n}"))).collect();
    let known = Membership::known(ids);
    let alone = |name: &str| BTreeSet::from([name.to_owned()]);
    match dice.roll(20) {
        0 => (actor(platform, home, "U1", Standing::Guest), known, alone("guests")),
        1 => (actor(platform, home, "U1", Standing::External), known, alone("external")),
        2 => (actor(platform, "elsewhere", "U1", Standing::Member), known, alone("external")),
        3 | 4 => (actor(Platform::Api, "key", "keds", Standing::Service), known, alone("svc:keds")),
        5 => (actor(platform, home, "B1", Standing::Bot), known, BTreeSet::new()),
        6 => {
            let unknown = Membership::Unknown { reason: "time-out".to_owned() };
            (actor(platform, home, "U1", Standing::Member), unknown, BTreeSet::new())
        }
        _ => {
            let groups = made.close(held.iter().map(|n| format!("G{n}")).collect());
            let groups = groups.into_iter().chain(["everyone".to_owned()]).collect();
            (actor(platform, home, "U1", Standing::Member), known, groups)
        }
    }
}
