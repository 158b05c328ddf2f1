//! Items that are remembered one by one: embeddings.

/// The items of a request, some of which are already known.
#[derive(Debug, Clone)]
pub struct Batch<T> {
    items: Vec<Option<T>>,
}

impl<T> Batch<T> {
    /// Known items at their positions; the others are to be fetched.
    #[must_use]
    pub const fn new(items: Vec<Option<T>>) -> Self {
        Self { items }
    }

    /// Positions of the items to fetch.
    pub fn missing(&self) -> impl Iterator<Item = usize> {
        self.items.iter().enumerate().filter(|(_, item)| item.is_none()).map(|(at, _)| at)
    }

    /// True when the item at a position is to be fetched.
    #[must_use]
    pub fn is_missing(&self, at: usize) -> bool {
        self.items.get(at).is_some_and(Option::is_none)
    }

    /// The same with other items.
    #[must_use]
    pub fn map<U>(self, change: impl Fn(T) -> U) -> Batch<U> {
        Batch { items: self.items.into_iter().map(|item| item.map(&change)).collect() }
    }

    /// How many items are known.
    #[must_use]
    pub fn known(&self) -> usize {
        self.items.iter().flatten().count()
    }

    /// The JSON list of the items to fetch, from the JSON texts of all.
    #[must_use]
    pub fn request(&self, all: &[&str]) -> String {
        let missing: Vec<_> = self.missing().filter_map(|at| all.get(at).copied()).collect();
        format!("[{}]", missing.join(","))
    }

    /// Puts the fetched items, in the order of [`Self::missing`], into their places; nothing when their number is wrong.
    #[must_use]
    pub fn fill(self, fetched: impl IntoIterator<Item = T>) -> Option<Vec<T>> {
        let mut fetched = fetched.into_iter();
        let filled = self.items.into_iter().map(|item| item.or_else(|| fetched.next())).collect::<Option<Vec<_>>>()?;
        fetched.next().is_none().then_some(filled)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_missing_is_fetched() {
        let batch = Batch::new(vec![Some(10), None, Some(12), None]);
        assert_eq!((batch.known(), batch.missing().collect::<Vec<_>>()), (2, vec![1, 3]));
        assert_eq!(batch.request(&[r#""a""#, r#""b""#, "[1]", "[2,3]"]), r#"["b",[2,3]]"#);
        assert_eq!(batch.clone().fill([11, 13]), Some(vec![10, 11, 12, 13]));
        assert_eq!(batch.clone().fill([11]), None);
        assert_eq!(batch.fill([11, 13, 14]), None);
    }
}
