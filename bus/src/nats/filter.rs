//! Which subjects a filter means, as the server takes it (docs.nats.io, "Subject-Based Messaging").

/// Whether a filter, as consumers have it, covers a subject.
pub(super) fn covers(filter: &str, subject: &str) -> bool {
    let mut subject = subject.split('.');
    for token in filter.split('.') {
        match (token, subject.next()) {
            (">", Some(_)) => return true,
            ("*", Some(_)) => {}
            (token, Some(there)) if token == there => {}
            _ => return false,
        }
    }
    subject.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_means_what_the_server_takes_it_for() {
        for (filter, subject, wanted) in [
            ("a.b.>", "a.b.c", true),
            ("a.b.>", "a.b.c.d", true),
            ("a.b.>", "a.b", false),
            ("a.b.>", "a.c.b", false),
            ("a.*.c", "a.b.c", true),
            ("a.*", "a.b.c", false),
            ("a.b", "a.b", true),
            ("a.b", "a.c", false),
        ] {
            assert_eq!(covers(filter, subject), wanted, "{filter} {subject}");
        }
    }
}
