//! `help search <words>`: finds commands by what they are about.

use adjutant_bus::{
    reply::Reply,
    spec::{Action, ArgKind, ArgSpec, CommandSpec, Effect},
};
use async_trait::async_trait;

use super::{Asked, Command, Failure, path};
use crate::usage;

pub(super) struct HelpSearch;

#[async_trait]
impl Command for HelpSearch {
    fn spec(&self) -> CommandSpec {
        CommandSpec {
            args: vec![ArgSpec::positional("words", ArgKind::Rest, "words to look for; all must occur")],
            effect: Effect::Read,
            action: Action::View,
            examples: vec!["help search production".to_owned()],
            ..CommandSpec::new(path("help search"), "Find commands by words in their names and descriptions")
        }
    }

    async fn run(&self, asked: &Asked) -> Result<Reply, Failure> {
        let wanted = asked.text("words").unwrap_or_default();
        let words: Vec<String> = wanted.split_whitespace().map(str::to_lowercase).collect();
        let rows: Vec<Vec<String>> = asked
            .catalogue
            .iter()
            .filter(|entry| asked.asker.could(&entry.spec) && mentions(&entry.spec, &words))
            .map(|entry| vec![usage::usage(&entry.spec), entry.spec.summary.replace('`', "")])
            .collect();
        if rows.is_empty() {
            return Ok(Reply::info(format!("Nothing that you may run mentions `{wanted}`"))
                .text("`help` lists everything that you may run."));
        }
        Ok(Reply::info(format!("Commands that mention `{wanted}`")).table(&["command", "what it does"], rows))
    }
}

fn mentions(spec: &CommandSpec, words: &[String]) -> bool {
    let args =
        spec.args.iter().map(|arg| format!("{} {}", arg.name, arg.summary)).collect::<Vec<_>>().join(" ");
    let aliases = spec.aliases.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
    let text = format!("{} {aliases} {} {} {args}", spec.path, spec.summary, spec.details).to_lowercase();
    words.iter().all(|word| text.contains(word))
}
