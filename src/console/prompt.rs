//! The prompt on a terminal: line editing, history, completion. Reading a line blocks, so it has a thread of its own.

use std::{borrow::Cow, path::PathBuf, sync::mpsc as blocking, thread};

use anyhow::{Context, Result};
use reedline::{
    ColumnarMenu, Completer, CompletionResult, Emacs, ExternalPrinter, FileBackedHistory, KeyCode,
    KeyModifiers, MenuBuilder, Prompt, PromptEditMode, PromptHistorySearch, Reedline, ReedlineEvent,
    ReedlineMenu, Signal, Span, Suggestion, default_emacs_keybindings,
};
use tokio::sync::mpsc;

use super::Completions;

/// Most lines that the history keeps.
const HISTORY: usize = 1_000;
/// Most lines that wait to be printed above the prompt.
const ABOVE: usize = 1_024;
/// Name of the completion menu.
const MENU: &str = "completions";

/// What came from the terminal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Input {
    /// A line.
    Line(String),
    /// The line was thrown away.
    Cleared,
    /// There will be no more.
    End,
}

/// Reads lines in a thread, one when asked for.
pub(super) struct Prompter {
    ask: blocking::Sender<String>,
    answers: mpsc::Receiver<Input>,
    above: blocking::SyncSender<String>,
}

impl Prompter {
    pub(super) fn start(history: Option<PathBuf>, completions: Completions) -> Result<Self> {
        let printer = ExternalPrinter::new(ABOVE);
        let above = printer.sender();
        let mut editor = editor(history, completions)?.with_external_printer(printer);
        let (ask, asked) = blocking::channel::<String>();
        let (answer, answers) = mpsc::channel(1);
        thread::Builder::new().name("prompt".to_owned()).spawn(move || {
            while let Ok(who) = asked.recv() {
                let input = match editor.read_line(&Who(who)) {
                    Ok(Signal::Success(line)) => Input::Line(line),
                    Ok(Signal::CtrlC) => Input::Cleared,
                    _ => Input::End,
                };
                if answer.blocking_send(input).is_err() {
                    return;
                }
            }
        })?;
        Ok(Self { ask, answers, above })
    }

    /// Where text can be printed above the line that is being typed.
    pub(super) fn above(&self) -> Above {
        Above(self.above.clone())
    }

    /// The next line, typed after this name.
    pub(super) async fn read(&mut self, who: String) -> Input {
        if self.ask.send(who).is_err() {
            return Input::End;
        }
        self.answers.recv().await.unwrap_or(Input::End)
    }
}

/// Prints above the line that is being typed.
pub(super) struct Above(blocking::SyncSender<String>);

impl Above {
    /// Prints a text, as far as there is room for its lines.
    pub(super) fn print(&self, text: &str) {
        for line in text.lines() {
            if self.0.try_send(line.to_owned()).is_err() {
                tracing::warn!("there is no room for a notice above the prompt");
                return;
            }
        }
    }
}

fn editor(history: Option<PathBuf>, completions: Completions) -> Result<Reedline> {
    let mut keys = default_emacs_keybindings();
    let complete =
        ReedlineEvent::UntilFound(vec![ReedlineEvent::Menu(MENU.to_owned()), ReedlineEvent::MenuNext]);
    keys.add_binding(KeyModifiers::NONE, KeyCode::Tab, complete);
    let menu = ReedlineMenu::EngineCompleter(Box::new(ColumnarMenu::default().with_name(MENU)));
    let editor = Reedline::create()
        .with_completer(Box::new(Names(completions)))
        .with_menu(menu)
        .with_edit_mode(Box::new(Emacs::new(keys)));
    Ok(match history {
        Some(file) => {
            let shown = file.display().to_string();
            let history = FileBackedHistory::with_file(HISTORY, file)
                .with_context(|| format!("the history of the prompt, {shown}, cannot be used"))?;
            editor.with_history(Box::new(history))
        }
        None => editor,
    })
}

/// Completes the beginning of a line to the names of commands.
struct Names(Completions);

impl Completer for Names {
    fn complete(&mut self, line: &str, position: usize) -> CompletionResult {
        let typed = line.get(..position).unwrap_or_default();
        let suggestion = |name: String| Suggestion {
            value: name,
            span: Span::new(0, position),
            append_whitespace: true,
            ..Suggestion::default()
        };
        let names = (self.0)().into_iter().filter(|name| name.starts_with(typed));
        CompletionResult::fresh(names.map(suggestion).collect::<Vec<_>>())
    }
}

/// `ana (Engineering)> `.
struct Who(String);

impl Prompt for Who {
    fn render_prompt_left(&self) -> Cow<'_, str> {
        Cow::Borrowed(&self.0)
    }

    fn render_prompt_right(&self) -> Cow<'_, str> {
        Cow::Borrowed("")
    }

    fn render_prompt_indicator(&self, _mode: PromptEditMode) -> Cow<'_, str> {
        Cow::Borrowed("> ")
    }

    fn render_prompt_multiline_indicator(&self) -> Cow<'_, str> {
        Cow::Borrowed("  ")
    }

    fn render_prompt_history_search_indicator(&self, search: PromptHistorySearch) -> Cow<'_, str> {
        Cow::Owned(format!("(search: {}) ", search.term))
    }
}
