//! Who may do what: the Casbin gate, the only way to a decision. Reading order: what is found wrong, the files, the rules
//! of matching, the gate, its checks, the handle that swaps it.

mod finding;
mod vocabulary;

mod closure;
mod lock;
mod matcher;
mod matching;
mod model;
mod rows;
mod settings;
mod text;
mod windows;

mod cases;
mod diff;
mod engine;
mod gate;
mod grid;
mod load;
mod probe;
mod show;
mod told;
mod twin;

pub mod doctor;
pub mod resolve;

mod handle;
pub mod live;

pub use cases::{CaseResult, TestReport, test};
pub use diff::{Change, Diff, Kind, Member, diff};
pub use finding::{Finding, Findings, RULES, Rule as FindingRule, Severity};
pub use gate::{Ask, Caller, Gate, Verdict};
pub use grid::{Column, grid};
pub use handle::{Policy, Published, Status, Tried};
pub use load::{Files, Options, check, check_files};
pub use show::{Group, Rule, Stated, Window, open};
pub use told::{Forbidding, condition};
pub use twin::{Denial, Dimension, Explanation, Miss};
pub use vocabulary::Vocabulary;
