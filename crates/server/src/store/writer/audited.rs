//! Commands whose changes are written into the audit, in the same transaction.
//!
//! A command records each thing that it changes; the rows are written if it comes in [`Audited`].

use super::command::{ApplyError, WriteCommand, WriteContext};
use super::commit::recent_failures::DuplicateKey;
use crate::store::audit::{Action, AuditFields, Author, INSERT, Target, differences, row_of};
use crate::store::error::StoreError;

/// A command whose changes are written into the audit.
#[derive(Debug, Clone)]
pub struct Audited<C> {
    pub by: Author,
    pub command: C,
}

impl<C: WriteCommand> WriteCommand for Audited<C> {
    type Output = C::Output;

    fn apply(&self, context: &mut WriteContext<'_>) -> Result<C::Output, ApplyError> {
        context.author = Some(self.by.clone());
        let outcome = self.command.apply(context);
        context.author = None;
        outcome
    }

    fn duplicate_key(&self) -> Option<DuplicateKey> {
        self.command.duplicate_key()
    }
}

impl WriteContext<'_> {
    /// Whether what changes is recorded: else a command need not find out what it was before.
    pub(super) fn is_audited(&self) -> bool {
        self.author.is_some()
    }

    /// Records a change of the current command, if it is audited.
    pub(super) fn audit(
        &self,
        action: Action,
        target: Target<'_>,
        before: Option<&AuditFields>,
        after: Option<&AuditFields>,
    ) -> Result<(), StoreError> {
        let Some(author) = &self.author else { return Ok(()) };
        let (quando, quem) = (self.now.as_millis(), author.as_str());
        self.execute(INSERT, row_of(quando, quem, action, target, before, after))?;
        Ok(())
    }

    /// Records what of a thing changed, if anything did.
    pub(super) fn audit_change(
        &self,
        action: Action,
        target: Target<'_>,
        before: &AuditFields,
        after: &AuditFields,
    ) -> Result<(), StoreError> {
        match differences(before, after) {
            Some((before, after)) => self.audit(action, target, Some(&before), Some(&after)),
            None => Ok(()),
        }
    }
}
