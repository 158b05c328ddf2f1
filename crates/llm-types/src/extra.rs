use crate::{Format, RawJson};

/// Fields that the canonical form does not know, remembered with the format they came from.
///
/// They are written back, in their order, only into that same format: unknown input survives a round trip and
/// never leaks into a language that would misread it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Extra {
    format: Option<Format>,
    fields: Vec<(String, RawJson)>,
}

impl Extra {
    /// An empty set of fields that came from `format`.
    #[must_use]
    pub const fn new(format: Format) -> Self {
        Self { format: Some(format), fields: Vec::new() }
    }

    /// Remembers a field. The first format that is named sticks.
    pub fn push(&mut self, format: Format, key: impl Into<String>, value: RawJson) {
        self.format.get_or_insert(format);
        self.fields.push((key.into(), value));
    }

    /// The fields, when they came from `format`; otherwise none.
    pub fn fields_for(&self, format: Format) -> impl Iterator<Item = (&str, &RawJson)> {
        let same = self.format == Some(format);
        self.fields.iter().filter(move |_| same).map(|(k, v)| (k.as_str(), v))
    }

    /// All fields whatever their origin, for reports.
    pub fn all(&self) -> impl Iterator<Item = (&str, &RawJson)> {
        self.fields.iter().map(|(k, v)| (k.as_str(), v))
    }

    /// The value of a field, whatever its origin.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&RawJson> {
        self.fields.iter().find(|(k, _)| k == key).map(|(_, v)| v)
    }

    /// Takes a field out.
    pub fn remove(&mut self, key: &str) -> Option<RawJson> {
        let at = self.fields.iter().position(|(k, _)| k == key)?;
        Some(self.fields.remove(at).1)
    }

    /// Takes out the fields whose name does not pass.
    pub fn retain(&mut self, keep: impl Fn(&str) -> bool) {
        self.fields.retain(|(name, _)| keep(name));
    }

    /// Where the fields came from.
    #[must_use]
    pub const fn format(&self) -> Option<Format> {
        self.format
    }

    /// True without any field.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }
}
