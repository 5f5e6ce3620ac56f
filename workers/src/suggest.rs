//! "Did you mean": the closest of what the asker may know of.

use adjutant_bus::spec::CommandSpec;

use crate::{catalogue::Catalogue, words::Word};

/// Least likeness of two words, 0 to 1, for one to be suggested for the other.
const LIKE: f64 = 0.7;
/// How much less like it a second suggestion may be.
const CLOSE: f64 = 0.1;
/// Most commands suggested at once.
const MOST: usize = 3;

/// The candidate that is most like the text, if any is like it.
pub(crate) fn closest<'a>(text: &str, candidates: impl Iterator<Item = &'a str>) -> Option<String> {
    ranked(&text.to_lowercase(), candidates.map(str::to_owned)).into_iter().next()
}

/// The commands that the words may have meant, the likeliest first; only such as the asker may run.
pub(crate) fn commands(
    catalogue: &Catalogue,
    words: &[Word],
    may: &dyn Fn(&CommandSpec) -> bool,
) -> Vec<String> {
    let permitted: Vec<_> = catalogue.iter().filter(|entry| may(&entry.spec)).collect();
    let mut found: Vec<String> = Vec::new();
    for length in (1..=words.len().min(3)).rev() {
        let typed: Vec<String> = words.iter().take(length).map(|word| word.text.to_lowercase()).collect();
        let names = permitted
            .iter()
            .flat_map(|entry| std::iter::once(&entry.spec.path).chain(&entry.spec.aliases))
            .filter(|path| path.words().len() == length)
            .map(ToString::to_string);
        let news = ranked(&typed.join(" "), names).into_iter().filter(|name| !found.contains(name));
        found.extend(news.collect::<Vec<_>>());
    }
    found.truncate(MOST);
    found
}

fn ranked(text: &str, candidates: impl Iterator<Item = String>) -> Vec<String> {
    let likeness = |candidate: &str| {
        strsim::normalized_damerau_levenshtein(text, candidate)
            .max(strsim::jaro_winkler(text, candidate) - 0.12)
    };
    let mut ranked: Vec<(f64, String)> = candidates
        .map(|candidate| (likeness(&candidate), candidate))
        .filter(|(likeness, _)| *likeness >= LIKE)
        .collect();
    ranked.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
    // A good guess is not helped by a bad one beside it.
    let best = ranked.first().map_or(0.0, |(likeness, _)| *likeness);
    ranked.retain(|(likeness, _)| best - likeness <= CLOSE);
    ranked.into_iter().map(|(_, candidate)| candidate).collect()
}
