//! The operations of a path.

use utoipa::openapi::path::{Operation, PathItem};

/// What an operation does with what its path names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Read,
    Change,
    Remove,
}

pub(super) fn operations(item: &mut PathItem) -> impl Iterator<Item = (Kind, &mut Operation)> {
    let operations = [
        (Kind::Read, &mut item.get),
        (Kind::Change, &mut item.put),
        (Kind::Change, &mut item.post),
        (Kind::Change, &mut item.patch),
        (Kind::Remove, &mut item.delete),
    ];
    operations.into_iter().filter_map(|(kind, operation)| Some((kind, operation.as_mut()?)))
}
