//! The key of a cell: which fact, above which prompt size, in which price column.

use crate::Field;

/// A price column. LiteLLM spells it as a suffix of the field name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Column {
    /// No suffix.
    Standard = 0,
    /// `_flex`.
    Flex = 1,
    /// `_priority`.
    Priority = 2,
    /// `_ultrafast`.
    UltraFast = 3,
    /// `_batches`.
    Batches = 4,
}

impl Column {
    const SUFFIXES: [(Self, &'static str); 4] = [
        (Self::Flex, "_flex"),
        (Self::Priority, "_priority"),
        (Self::UltraFast, "_ultrafast"),
        (Self::Batches, "_batches"),
    ];

    /// The suffix that names the column, empty for [`Column::Standard`].
    #[must_use]
    pub fn suffix(self) -> &'static str {
        Self::SUFFIXES.iter().find(|(column, _)| *column == self).map_or("", |(_, suffix)| suffix)
    }

    fn from_bits(bits: u32) -> Self {
        match bits {
            1 => Self::Flex,
            2 => Self::Priority,
            3 => Self::UltraFast,
            4 => Self::Batches,
            _ => Self::Standard,
        }
    }
}

/// Field number, threshold and column in one number: 12, 17 and 3 bits, so that a sorted row keeps all prices of one
/// fact together, cheapest threshold first. The threshold counts hundreds of prompt tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Key(u32);

/// Tokens per unit of a key's threshold.
const UNIT: u64 = 100;
const THRESHOLD_MAX: u64 = (1 << 17) - 1;

impl Key {
    pub(crate) fn new(field: u16, above: u64, column: Column) -> Self {
        let threshold = u32::try_from(above.div_ceil(UNIT).min(THRESHOLD_MAX)).unwrap_or(0);
        Self(u32::from(field) << 20 | threshold << 3 | column as u32)
    }

    /// The plain price or fact of a field.
    pub(crate) fn plain(field: Field) -> Self {
        Self::new(field.id(), 0, Column::Standard)
    }

    pub(crate) fn from_bits(bits: u32) -> Self {
        Self(bits)
    }

    pub(crate) fn bits(self) -> u32 {
        self.0
    }

    pub(crate) fn field_id(self) -> u16 {
        u16::try_from(self.0 >> 20).unwrap_or(u16::MAX)
    }

    /// Prompt tokens above which the price holds; 0 for none.
    pub(crate) fn above(self) -> u64 {
        u64::from(self.0 >> 3) % (THRESHOLD_MAX + 1) * UNIT
    }

    pub(crate) fn column(self) -> Column {
        Column::from_bits(self.0 & 7)
    }
}

/// Takes LiteLLM's suffixes off a price field's name:
/// `input_cost_per_token_above_200k_tokens_priority` is `input_cost_per_token`, above 200,000, priority.
///
/// Both orders of the two suffixes are understood. Names without "cost" are never split.
pub(crate) fn split_name(name: &str) -> (&str, u64, Column) {
    if !name.contains("cost") {
        return (name, 0, Column::Standard);
    }
    let (rest, column) = strip_column(name);
    let (rest, above) = strip_threshold(rest);
    if column == Column::Standard {
        let (rest, column) = strip_column(rest);
        return (rest, above, column);
    }
    (rest, above, column)
}

fn strip_column(name: &str) -> (&str, Column) {
    for (column, suffix) in Column::SUFFIXES {
        if let Some(rest) = name.strip_suffix(suffix) {
            return (rest, column);
        }
    }
    (name, Column::Standard)
}

fn strip_threshold(name: &str) -> (&str, u64) {
    let parsed = name.strip_suffix("_tokens").and_then(|rest| {
        let (rest, size) = rest.rsplit_once("_above_")?;
        let above = match size.strip_suffix('k') {
            Some(thousands) => thousands.parse::<u64>().ok()?.checked_mul(1000)?,
            None => size.parse().ok()?,
        };
        Some((rest, above))
    });
    parsed.unwrap_or((name, 0))
}

/// Writes the name that [`split_name`] read.
pub(crate) fn join_name(out: &mut String, field: &str, key: Key) {
    out.push_str(field);
    let above = key.above();
    if above > 0 {
        out.push_str("_above_");
        if above.is_multiple_of(1000) {
            out.push_str(&(above / 1000).to_string());
            out.push('k');
        } else {
            out.push_str(&above.to_string());
        }
        out.push_str("_tokens");
    }
    out.push_str(key.column().suffix());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_split_and_join() {
        for (name, field, above, column) in [
            ("input_cost_per_token", "input_cost_per_token", 0, Column::Standard),
            ("output_cost_per_token_above_272k_tokens_flex", "output_cost_per_token", 272_000, Column::Flex),
            (
                "cache_creation_input_token_cost_above_1hr_above_200k_tokens",
                "cache_creation_input_token_cost_above_1hr",
                200_000,
                Column::Standard,
            ),
            (
                "cache_creation_input_token_cost_above_1hr",
                "cache_creation_input_token_cost_above_1hr",
                0,
                Column::Standard,
            ),
            (
                "input_cost_per_video_per_second_above_15s_interval",
                "input_cost_per_video_per_second_above_15s_interval",
                0,
                Column::Standard,
            ),
            ("supports_priority", "supports_priority", 0, Column::Standard),
            ("annotation_cost_per_page_batches", "annotation_cost_per_page", 0, Column::Batches),
        ] {
            assert_eq!(split_name(name), (field, above, column), "{name}");
            let mut back = String::new();
            let key = Key::new(7, above, column);
            join_name(&mut back, field, key);
            assert_eq!(back, name);
            assert_eq!((key.field_id(), key.above(), key.column()), (7, above, column));
        }
        assert_eq!(
            split_name("input_cost_per_token_priority_above_200k_tokens"),
            ("input_cost_per_token", 200_000, Column::Priority)
        );
    }
}
