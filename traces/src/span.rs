//! A span: opened as a child of what this task works for, or of what came with a message; closed when it is dropped.

use opentelemetry::{
    Context,
    context::FutureExt,
    trace::{Status, TraceContextExt, Tracer},
};

use crate::{Attribute, Name, TraceContext, export};

/// Something that takes time, in a trace. Where traces are not exported, it passes on what came along, and costs next to nothing.
#[must_use = "a span ends when it is dropped"]
pub struct Span {
    context: Context,
}

impl Span {
    /// As a part of what this task works for; the beginning of a trace, if it works for none.
    pub fn begin(name: Name) -> Self {
        Self::open(name, name.as_str().to_owned(), Context::current())
    }

    /// As a part of what this task works for, and not at all if it works for nothing: for what is done in the background too.
    pub fn part(name: Name) -> Self {
        let current = Context::current();
        if TraceContext::of(&current).is_none() {
            return Self { context: current };
        }
        Self::open(name, name.as_str().to_owned(), current)
    }

    /// As what came of a message; the beginning of a trace, if nothing came with it.
    pub fn of(name: Name, parent: Option<&TraceContext>) -> Self {
        let parent = parent.cloned().map_or_else(Context::new, TraceContext::into_parent);
        Self::open(name, name.as_str().to_owned(), parent)
    }

    /// As the answer to a call from outside, which decides which trace it is, and not whether it is recorded: that is for the
    /// configured share of all traces.
    pub fn answer(method: &str, route: &str, parent: Option<&TraceContext>) -> Self {
        let parent = parent.map_or_else(Context::new, |parent| export::decided(parent).into_parent());
        Self::open(Name::Answer, format!("{method} {route}"), parent)
            .with(Attribute::HttpMethod(method))
            .with(Attribute::HttpRoute(route))
    }

    fn open(name: Name, called: String, parent: Context) -> Self {
        let Some(tracer) = export::tracer() else { return Self { context: parent } };
        let builder = tracer.span_builder(called).with_kind(name.kind().into());
        let span = tracer.build_with_context(builder, &parent);
        Self { context: parent.with_span(span) }
    }

    /// The same, with an attribute.
    pub fn with(self, attribute: Attribute<'_>) -> Self {
        self.set(attribute);
        self
    }

    /// Says something more about it.
    pub fn set(&self, attribute: Attribute<'_>) {
        set(&self.context, attribute);
    }

    /// It did not work. Why is a word from the source, never what somebody sent.
    pub fn failed(&self, why: &'static str) {
        self.context.span().set_status(Status::error(why));
    }

    /// Has this done as part of the span: whatever is opened, sent or written in it belongs to it.
    pub fn run<F: Future>(&self, done: F) -> impl Future<Output = F::Output> + use<F> {
        done.with_context(self.context.clone())
    }
}

impl Drop for Span {
    fn drop(&mut self) {
        self.context.span().end();
    }
}

/// Says something more about what the current task works for.
pub fn tell(attribute: Attribute<'_>) {
    set(&Context::current(), attribute);
}

fn set(context: &Context, attribute: Attribute<'_>) {
    let span = context.span();
    if span.is_recording() {
        span.set_attribute(attribute.into());
    }
}

/// Has this done for what the current task works for, wherever it is done: for what is given to a task of its own.
pub fn in_current<F: Future>(done: F) -> impl Future<Output = F::Output> {
    done.with_current_context()
}
