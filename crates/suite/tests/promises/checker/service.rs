//! From when until when a posto was out of service, as the operator's calls show.

use crate::history::{Call, Operation, Outcome, Window};

/// One time out of service: in which it certainly was, and in which it may have been.
#[derive(Debug, Clone, Copy)]
pub(super) struct Out {
    pub(super) certain: Window,
    pub(super) possible: Window,
}

/// One operator takes a posto out and brings it back, one call after the other.
pub(super) fn outs(calls: &[&Call]) -> Vec<Out> {
    let mut outs = Vec::new();
    // Since when it may be out, and since when it certainly is.
    let mut open: Option<(i64, i64)> = None;
    for call in calls {
        let Operation::Serve { in_service, .. } = call.operation else { continue };
        // A refusal says that nothing can be written now, and may come after the change.
        let is_done = matches!(call.outcome, Outcome::Served(_));
        let certain = if is_done { call.ended } else { i64::MAX };
        open = match (in_service, open) {
            (false, None) => Some((call.started, certain)),
            (false, Some((may_be, is))) => Some((may_be, is.min(certain))),
            (true, None) => None,
            (true, Some((may_be, is))) => {
                let until = if is_done { call.ended } else { call.started };
                outs.push(Out { certain: (is, call.started), possible: (may_be, until) });
                // It may be out for longer, until a call is answered.
                (!is_done).then_some((call.started, i64::MAX))
            }
        };
    }
    let open =
        open.map(|(may_be, is)| Out { certain: (is, i64::MAX), possible: (may_be, i64::MAX) });
    outs.extend(open);
    outs
}
