//! How labels are described: so many, with names and values so long, without control characters.

use std::ops::RangeInclusive;

use utoipa::openapi::schema::{Object, ObjectBuilder, Type};

/// No control characters.
const PLAIN: &str = r"^[^\u0000-\u001F\u007F-\u009F]*$";

/// The schema of labels with these bounds.
pub(crate) fn described(description: &str, most: usize, name: RangeInclusive<usize>, value: usize) -> Object {
    let text = |least: usize, most: usize| {
        let text = ObjectBuilder::new().schema_type(Type::String).pattern(Some(PLAIN)).max_length(Some(most));
        text.min_length((least > 0).then_some(least))
    };
    ObjectBuilder::new()
        .schema_type(Type::Object)
        .description(Some(description))
        .max_properties(Some(most))
        .property_names(Some(text(*name.start(), *name.end()).build()))
        .additional_properties(Some(text(0, value)))
        .build()
}
