//! What somebody still means to do, in the order of the plan.

#[derive(Debug, Clone)]
pub(crate) struct Steps<T>(Vec<(i64, T)>);

impl<T> Default for Steps<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: Copy + Ord> Steps<T> {
    /// `at` is counted from the begin of the day.
    pub(crate) fn add(&mut self, at: i64, step: T) {
        self.0.push((at, step));
        // The last is the next.
        self.0.sort_by(|left, right| right.cmp(left));
    }

    pub(crate) fn next_at(&self) -> Option<i64> {
        self.0.last().map(|(at, _)| *at)
    }

    pub(crate) fn take(&mut self) -> Option<(i64, T)> {
        self.0.pop()
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    pub(crate) fn move_by(&mut self, step: T, by: i64) {
        for (at, _) in self.0.iter_mut().filter(|(_, known)| *known == step) {
            *at += by;
        }
        self.0.sort_by(|left, right| right.cmp(left));
    }
}
