//! The spans of one trace, and how they hang together.

use std::collections::BTreeSet;

use adjutant_fakes::collector::{FakeCollector, Spanned};
use adjutant_traces::{KEYS, Name};

use super::CALLER;
use crate::stories::world::SOON;

/// The spans of one trace.
pub struct Trace(pub Vec<Spanned>);

impl Trace {
    /// Waits until there is a trace with all of these spans, and a whole one: no span without its parent.
    pub async fn whole(collector: &FakeCollector, wanted: &[Name]) -> Self {
        let ends = |spans: &[Spanned]| {
            let first = spans.iter().find(|span| span.name == wanted[0].as_str())?;
            let trace: Vec<Spanned> =
                spans.iter().filter(|span| span.trace == first.trace).cloned().collect();
            let has = |id: &str| trace.iter().any(|span| span.id == id);
            let whole = trace
                .iter()
                .all(|span| span.parent.is_empty() || CALLER.contains(&span.parent) || has(&span.parent));
            let all = wanted.iter().all(|name| trace.iter().any(|span| span.name == name.as_str()));
            (whole && all).then_some(trace)
        };
        let spans = collector.until("a whole trace", SOON, |spans| ends(spans).is_some()).await;
        Self(ends(&spans).unwrap())
    }

    pub fn named(&self, name: &str) -> Vec<&Spanned> {
        self.0.iter().filter(|span| span.name == name).collect()
    }

    /// The span of this name, and no other.
    pub fn one(&self, name: Name) -> &Spanned {
        let found = self.named(name.as_str());
        assert_eq!(found.len(), 1, "{name:?}: {:#?}", self.0);
        found[0]
    }

    /// The event of this type.
    pub fn event(&self, kind: &str) -> &Spanned {
        let is = |span: &&&Spanned| span.attributes["adjutant.event"] == kind;
        self.named(Name::Append.as_str())
            .into_iter()
            .find(|span| is(&span))
            .unwrap_or_else(|| panic!("{kind}"))
    }

    /// The calls of this method of a platform.
    pub fn calls(&self, method: &str) -> Vec<&Spanned> {
        let calls = self.named(Name::CallPlatform.as_str()).into_iter();
        calls.filter(|span| span.attributes["adjutant.method"] == method).collect()
    }

    /// Asserts that each of these is the child of the one after it, and is within what the whole trace took.
    pub fn assert_chain(&self, chain: &[&Spanned]) {
        for pair in chain.windows(2) {
            assert_eq!(pair[0].parent, pair[1].id, "{:#?}\n{:#?}", pair[0], pair[1]);
            assert!(pair[0].begun >= pair[1].begun, "{pair:#?}");
        }
    }

    /// Asserts that every span is one of those that there are, and says nothing that is in no table.
    pub fn assert_in_the_table(&self) {
        for span in &self.0 {
            let known = Name::ALL.iter().find(|name| name.as_str() == span.name);
            let kind = known.unwrap_or(&Name::Answer).kind().as_str();
            assert!(known.is_some() || span.attributes.contains_key("http.route"), "{span:#?}");
            assert_eq!(span.kind, format!("SPAN_KIND_{}", kind.to_uppercase()), "{span:#?}");
            assert!(
                span.attributes.keys().all(|key| KEYS.iter().any(|(known, _)| known == key)),
                "{span:#?}"
            );
        }
    }

    /// What the request is called, which every span that names it agrees on.
    pub fn request(&self) -> String {
        let ids: BTreeSet<&String> =
            self.0.iter().filter_map(|span| span.attributes.get("adjutant.request_id")).collect();
        assert_eq!(ids.len(), 1, "{:#?}", self.0);
        ids.into_iter().next().unwrap().clone()
    }

    pub fn services(&self) -> BTreeSet<&str> {
        self.0.iter().map(|span| span.service.as_str()).collect()
    }
}
