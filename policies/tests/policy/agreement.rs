//! Three ways to one verdict, over random policies: one casbin over all rows, the gate with one casbin per command, and the path
//! that explains. And what must hold of every policy: a deny row more never widens, and the order of rows does not matter.

use std::{collections::BTreeSet, sync::Arc};

use adjutant_policies::{Ask, Denial, Dimension, Explanation, Gate, Options, Policy};

use super::{
    dice::{self, Dice, Made, Wish},
    raw::{Raw, command_matches, place_matches, when_matches},
    world::{MODEL, World},
};

/// Policies in all: half from a seed that is always the same, half from a new one with each run.
const POLICIES: usize = 200;
/// Requests to each of them.
const WISHES: usize = 500;
/// The seed of the first half.
const SEED: u64 = 6;

/// Does something with many random policies; whatever fails names the seed of its policy.
fn with_policies(many: usize, test: impl Fn(&mut Dice, &Made)) {
    let fresh = rand::random::<u64>();
    for n in 0..many as u64 {
        let seed = if n % 2 == 0 { SEED.wrapping_add(n) } else { fresh.wrapping_add(n) };
        let told = Told(seed);
        let mut dice = Dice(seed);
        let made = Made::new(&mut dice);
        test(&mut dice, &made);
        drop(told);
    }
}

/// Tells the seed when what comes after it panics.
struct Told(u64);

impl Drop for Told {
    #[expect(clippy::print_stderr, reason = "where a test that fails is read")]
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the seed of this policy is {}", self.0);
        }
    }
}

fn gate(made: &Made) -> Arc<Gate> {
    let world = World::with(made.text(), MODEL, &dice::lock());
    world.write("policy.toml", dice::SETTINGS);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let policy =
        runtime.block_on(Policy::load(Options::new(Some(world.path().to_owned())), dice::vocabulary()));
    policy.gate().unwrap_or_else(|| panic!("{:?}\n{}", policy.status(), made.text()))
}

/// What the gate says, decided and explained; both must say the same.
fn decide(gate: &Gate, wish: &Wish) -> (Option<Denial>, Explanation) {
    let caller = gate.caller(&wish.actor, &wish.membership);
    assert_eq!(BTreeSet::from_iter(caller.groups()), wish.groups, "{wish:?}");
    let Wish { place, command, action, context, .. } = wish;
    let ask = Ask { caller: &caller, place, command, action: *action, context };
    let verdict = gate.decide(&ask);
    let explained = gate.explain(&ask);
    let allowed = verdict.authorization.allowed;
    assert_eq!(explained.allowed, allowed, "decided and explained: {wish:?}");
    assert_eq!(explained.row, verdict.authorization.row, "{wish:?}");
    assert_eq!((explained.denial.is_none(), verdict.denial.is_none()), (allowed, allowed), "{wish:?}");
    assert!(
        !allowed || gate.could(&caller, place, command, *action),
        "allowed, but left out of lists: {wish:?}"
    );
    let engine = verdict.denial.as_ref().is_some_and(|denial| denial.dimension == Dimension::Engine);
    assert!(!engine, "casbin and its twin disagree: {wish:?}");
    (verdict.denial, explained)
}

/// Whether a row fits a request, written down once more.
fn fits(row: &[String; 6], wish: &Wish) -> bool {
    let [group, place, command, action, when, effect] = row;
    wish.groups.contains(group)
        && place_matches(wish.place, place)
        && command_matches(wish.command, command)
        && (action == "*" || action == wish.action.as_str())
        && when_matches(&wish.context, when, effect == "allow")
}

/// The explanation names a row that fits and has the verdict's effect, or none if none fits.
fn assert_explained(made: &Made, wish: &Wish, explained: &Explanation) {
    let fitting: Vec<usize> = (0..made.rows.len()).filter(|n| fits(&made.rows[*n], wish)).collect();
    match explained.row.as_deref().map(|row| row.strip_prefix("policy.csv:").unwrap()) {
        None => assert!(fitting.is_empty() || !wish.known(), "{wish:?}"),
        Some(line) => {
            let at = line.parse::<usize>().unwrap() - 1;
            assert!(fitting.contains(&at), "{wish:?}: row {line} does not fit");
            assert_eq!(made.rows[at][5] == "allow", explained.allowed, "{wish:?}: row {line}");
        }
    }
}

#[test]
fn one_casbin_over_all_rows_and_the_gate_and_what_explains_agree_on_a_hundred_thousand_requests() {
    let (asked, allowed, by_deny) = (Counter::default(), Counter::default(), Counter::default());
    with_policies(POLICIES, |dice, made| {
        let (gate, raw) = (gate(made), Raw::new(MODEL, &made.raw()));
        for _ in 0..WISHES {
            let wish = Wish::new(made, dice);
            let (denial, explained) = decide(&gate, &wish);
            let groups: Vec<String> = wish.groups.iter().cloned().collect();
            // Casbin itself takes a pattern that is asked for as a command; the gate knows which commands there are.
            let casbin = wish.known()
                && raw.ask(&groups, wish.place, wish.command, wish.action.as_str(), &wish.context);
            assert_eq!(denial.is_none(), casbin, "{wish:?}\n{}", made.text());
            assert_explained(made, &wish, &explained);
            asked.count(true);
            allowed.count(casbin);
            by_deny.count(denial.is_some_and(|denial| denial.dimension == Dimension::DenyRow));
        }
    });
    assert_eq!(asked.get(), 100_000);
    assert!(allowed.get() > 7_000 && by_deny.get() > 2_000, "{} and {}", allowed.get(), by_deny.get());
}

#[test]
fn a_deny_row_more_never_widens_and_the_order_of_rows_never_matters() {
    let narrowed = Counter::default();
    with_policies(POLICIES, |dice, made| {
        let (before, stricter, shuffled) =
            (gate(made), gate(&made.with_deny(dice)), gate(&made.shuffled(dice)));
        for _ in 0..60 {
            let wish = Wish::new(made, dice);
            let (denial, _) = decide(&before, &wish);
            let (denied, _) = decide(&stricter, &wish);
            assert!(denial.is_none() || denied.is_some(), "a deny row lets in: {wish:?}\n{}", made.text());
            narrowed.count(denial.is_none() && denied.is_some());
            let (other, _) = decide(&shuffled, &wish);
            assert_eq!(other, denial, "another order, another answer: {wish:?}\n{}", made.text());
        }
    });
    assert!(narrowed.get() > 20, "{}", narrowed.get());
}

#[derive(Default)]
struct Counter(std::cell::Cell<usize>);

impl Counter {
    fn count(&self, yes: bool) {
        self.0.set(self.0.get() + usize::from(yes));
    }

    const fn get(&self) -> usize {
        self.0.get()
    }
}
