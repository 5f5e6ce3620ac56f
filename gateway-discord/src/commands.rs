//! Application commands from the catalogue, and back to the words of a command line. Bodies are plain JSON: what is sent is
//! weighed against Discord's limits and compared with what Discord has, and serenity's builders can be asked for neither.

mod complete;
mod current;
mod data;
mod layout;
mod limits;
mod line;
mod options;

use adjutant_bus::spec::{CommandPath, CommandSpec};
use serde_json::{Value, json};

pub(crate) use self::{complete::autocomplete, current::is_current, data::Data, line::spec_of};
use self::{
    data::Opt,
    layout::{Family, families},
    limits::COMMANDS,
};

/// The root command that carries what does not fit.
pub(crate) const ROOT: &str = "adjutant";
/// The entry of a message's menu: its text is asked as a line through a modal.
pub(crate) const MENU: &str = "Run as a command";
/// The option of [`ROOT`] that takes a whole line.
const LINE: &str = "command";
/// `type` of a command that is typed.
const CHAT_INPUT: u64 = 1;
/// `type` of a command in a message's menu.
const MESSAGE: u64 = 3;

/// Where application commands are registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Registered {
    /// Once for all guilds and for direct messages; Discord shows changes within minutes.
    Everywhere,
    /// In each trusted guild; Discord shows changes at once. Not in direct messages.
    Guilds,
}

/// The same commands in the form for one guild, which knows no other places.
pub(crate) fn of_guild(commands: &[Value]) -> Vec<Value> {
    let mut commands = commands.to_vec();
    for command in commands.iter_mut().filter_map(Value::as_object_mut) {
        command.remove("integration_types");
        command.remove("contexts");
    }
    commands
}

/// What is to be registered, whole.
#[derive(Debug)]
pub(crate) struct Registration {
    /// The body of the bulk `PUT`. Equal catalogues give equal bodies.
    pub(crate) commands: Vec<Value>,
    /// What could not get a command of its own and is reachable by [`ROOT`] only, by name. What requires a secret is neither
    /// here nor above: Discord shows the options of a command to everybody in the channel.
    pub(crate) carried: Vec<CommandPath>,
}

/// One command for each first word of the catalogue, as far as Discord's limits allow, and [`ROOT`] for the rest. An
/// optional secret argument is left out of its command's options; a command that requires one is not offered at all.
pub(crate) fn registration(specs: &[CommandSpec]) -> Registration {
    let mut commands = Vec::new();
    let mut carried: Vec<CommandPath> = Vec::new();
    for family in families(specs) {
        carried.extend(family.carried.iter().map(|spec| spec.path.clone()));
        match family.command() {
            // One place is kept for the root command itself.
            Some(command) if commands.len() < COMMANDS - 1 => {
                commands.push(everywhere(command));
            }
            _ => carried.extend(family.leaves.iter().map(|leaf| leaf.spec.path.clone())),
        }
    }
    carried.sort();
    commands.push(everywhere(json!({
        "type": CHAT_INPUT,
        "name": ROOT,
        "description": "Run any command, typed as one line",
        "options": [{
            "type": options::STRING,
            "name": LINE,
            "description": "The whole line, such as: help",
            "required": true,
            "autocomplete": true,
        }],
    })));
    commands.push(everywhere(json!({ "type": MESSAGE, "name": MENU })));
    Registration { commands, carried }
}

/// The same command, for servers that installed the app, and for direct messages with it.
fn everywhere(mut command: Value) -> Value {
    if let Some(fields) = command.as_object_mut() {
        fields.insert("integration_types".to_owned(), json!([0]));
        fields.insert("contexts".to_owned(), json!([0, 1]));
    }
    command
}

/// What an invoked command asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Invoked {
    /// This line, which parses to exactly the values given.
    Line(String),
    /// A message to be shown as a line in a modal.
    Menu {
        /// Its text.
        text: String,
    },
    /// Not ours, or no longer.
    Unknown,
}

/// What an invoked command asks for, by the same rules as [`registration`].
pub(crate) fn invoked(data: &Data, specs: &[CommandSpec]) -> Invoked {
    match data.kind {
        CHAT_INPUT if data.name == ROOT => {
            let line = data.options.iter().find(|option| option.name == LINE).and_then(Opt::text);
            Invoked::Line(line.unwrap_or_default().trim().to_owned())
        }
        CHAT_INPUT => target(data, specs)
            .and_then(|(spec, options)| line::line(spec, options, specs))
            .map_or(Invoked::Unknown, Invoked::Line),
        MESSAGE if data.name == MENU => {
            data.target_text().map_or(Invoked::Unknown, |text| Invoked::Menu { text: text.to_owned() })
        }
        _ => Invoked::Unknown,
    }
}

/// The command that is meant, and the options given to it.
fn target<'s, 'd>(data: &'d Data, specs: &'s [CommandSpec]) -> Option<(&'s CommandSpec, &'d [Opt])> {
    let (route, options) = data.route();
    let spec = Family::of(&data.name, specs).at(&route).or_else(|| {
        // Discord may still show what was registered before the catalogue changed: names that are a path mean that command.
        specs.iter().find(|spec| spec.path.words() == route && layout::may_be_shown(spec))
    })?;
    Some((spec, options))
}

#[cfg(test)]
mod tests;
