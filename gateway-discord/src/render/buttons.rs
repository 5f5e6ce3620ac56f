//! Buttons below a reply: a press carries the whole command line, so that it means the same on every replica.

use std::collections::HashSet;

use adjutant_bus::reply::Button;
use serenity::all::{ButtonStyle, CreateActionRow, CreateButton};

use super::{
    RUN, blocks,
    escape::{cut, units, visible},
    split::Part,
};

/// Most of a button's label and of its `custom_id` (Discord).
const LABEL: usize = 80;
const CUSTOM_ID: usize = 100;
/// Buttons in a row, and rows below a message (Discord).
const IN_A_ROW: usize = 5;
const ROWS: usize = 5;

/// The buttons of a reply.
pub(super) struct Buttons {
    pub(super) rows: Vec<CreateActionRow>,
    /// The commands that no button can carry, shown to be typed.
    pub(super) typed: Vec<Part>,
}

/// A `custom_id` stands once in a message: the same button again is left out, another one for the same command is typed.
pub(super) fn buttons(all: &[Button]) -> Buttons {
    let mut ids = HashSet::new();
    let mut seen: Vec<&Button> = Vec::new();
    let (mut pressed, mut typed) = (Vec::new(), Vec::new());
    for button in all {
        if seen.contains(&button) {
            continue;
        }
        seen.push(button);
        let id = format!("{RUN}{}", button.command);
        let fits = units(&id) <= CUSTOM_ID && pressed.len() < IN_A_ROW * ROWS;
        if fits && ids.insert(id.clone()) {
            pressed.push(press(button, id));
        } else {
            typed.extend(blocks::plain(&format!("{}:", button.label)));
            typed.extend(blocks::code(&button.command, None));
        }
    }
    let rows = pressed.chunks(IN_A_ROW).map(|row| CreateActionRow::Buttons(row.to_vec())).collect();
    Buttons { rows, typed }
}

fn press(button: &Button, id: String) -> CreateButton {
    let style = if button.danger { ButtonStyle::Danger } else { ButtonStyle::Secondary };
    let label = [&button.label, &button.command].into_iter().find(|text| !text.trim().is_empty());
    let label = label.map_or("Run", String::as_str);
    CreateButton::new(id).label(cut(&visible(label).replace('\n', " "), LABEL)).style(style)
}
