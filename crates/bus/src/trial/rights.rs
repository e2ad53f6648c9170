//! What the program may subscribe to and publish.

use crate::finding::Finding;

pub(super) const RIGHTS: &str = "give it the rights of its role at the broker: docs/security.md has the table; \
    with the broker of docker-compose.yml, docker-compose exec broker usuario recarregar";

pub(super) fn subscriptions(count: usize, refused: &[String]) -> Finding {
    if refused.is_empty() {
        // Mosquitto grants every one, and filters what it delivers.
        return Finding::ok("subscriptions", format!("the broker grants all {count}"));
    }
    let found = format!("the broker refuses {} of {count}: {}", refused.len(), refused.join(", "));
    Finding::failure("subscriptions", found, RIGHTS)
}

pub(super) fn publishing(count: usize, refused: &[String]) -> Finding {
    if refused.is_empty() {
        return Finding::ok(
            "publishing",
            format!("the broker takes it on all {count} topics tried"),
        );
    }
    let found = format!("the broker refuses {} of {count}: {}", refused.len(), refused.join(", "));
    Finding::failure("publishing", found, RIGHTS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::Severity;

    #[test]
    fn what_is_refused_is_named_with_where_rights_are_given() {
        let finding = subscriptions(3, &["a/#".to_owned(), "b".to_owned()]);
        assert_eq!(finding.found, "the broker refuses 2 of 3: a/#, b");
        assert!(
            finding.severity == Severity::Failure && finding.remedy.contains("docs/security.md")
        );
        let finding = publishing(2, &["a: not authorized (0x87)".to_owned()]);
        assert_eq!(finding.found, "the broker refuses 1 of 2: a: not authorized (0x87)");
    }
}
