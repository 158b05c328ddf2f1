//! Reading the packed table: sorted names, rows of sorted cells, and the values that the cells point to.
//!
//! All of it is two flat pieces, text and bytes, so the built-in table needs neither parsing nor allocation nor
//! relocation at start: its pages are read from the executable when they are touched.
//!
//! Bytes, little-endian, after a header of [`HEADER`] bytes:
//!
//! | part | entry |
//! |---|---|
//! | models, sorted by name | name offset u32, name length u16, row length u16, first cell u32 |
//! | order, sorted by lower-case name | model number u32 |
//! | cells | key u32, value number u32 |
//! | values | f64, text offset u32, kind u8 and length u24 |
//! | names of fields beyond the built-in ones | text offset u32, length u32 |

use std::{borrow::Cow, cmp::Ordering};

use crate::key::Key;

/// Bytes before the first part.
pub(crate) const HEADER: usize = 64;
const MODEL: usize = 12;
const ORDER: usize = 4;
const CELL: usize = 8;
const VALUE: usize = 16;

/// Number of entries of each part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// Models.
    pub models: u32,
    /// Cells.
    pub cells: u32,
    /// Distinct values.
    pub values: u32,
    /// Field names that [`crate::Field`] does not have.
    pub names: u32,
}

/// What a value is. The number is its code in the packed table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    False = 1,
    True = 2,
    Number = 3,
    Text = 4,
    /// A list or object, kept as JSON text.
    Json = 5,
}

/// A value as read from the table.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Value<'a> {
    pub(crate) kind: Kind,
    /// The number; 0 unless [`Kind::Number`].
    pub(crate) number: f64,
    /// The number as written, the text, or the JSON; empty for flags.
    pub(crate) text: &'a str,
}

/// Packed models. Use it through [`crate::Catalog`].
pub struct Table {
    pub(crate) text: Cow<'static, str>,
    pub(crate) bytes: Cow<'static, [u8]>,
    pub(crate) counts: Counts,
}

impl std::fmt::Debug for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Table").field("counts", &self.counts).finish_non_exhaustive()
    }
}

/// A model's place in a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) index: u32,
    pub(crate) first: u32,
    pub(crate) cells: u32,
}

impl Table {
    /// A table over committed data. The counts must be those that the packer returned.
    #[must_use]
    pub const fn from_static(text: &'static str, bytes: &'static [u8], counts: Counts) -> Self {
        Self { text: Cow::Borrowed(text), bytes: Cow::Borrowed(bytes), counts }
    }

    /// Text of the table, for the code generator.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Bytes of the table, for the code generator.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Entries of each part, for the code generator.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.counts
    }

    fn u32_at(&self, offset: usize) -> u32 {
        let bytes = offset.checked_add(4).and_then(|end| self.bytes.get(offset..end));
        bytes.and_then(|bytes| bytes.try_into().ok()).map_or(0, u32::from_le_bytes)
    }

    fn model_at(&self, index: u32) -> usize {
        HEADER + index as usize * MODEL
    }

    fn order_start(&self) -> usize {
        HEADER + self.counts.models as usize * MODEL
    }

    fn cells_start(&self) -> usize {
        self.order_start() + self.counts.models as usize * ORDER
    }

    fn values_start(&self) -> usize {
        self.cells_start() + self.counts.cells as usize * CELL
    }

    fn names_start(&self) -> usize {
        self.values_start() + self.counts.values as usize * VALUE
    }

    fn text_at(&self, offset: u32, len: u32) -> &str {
        let start = offset as usize;
        self.text.get(start..start + len as usize).unwrap_or_default()
    }

    pub(crate) fn name(&self, index: u32) -> &str {
        let at = self.model_at(index);
        self.text_at(self.u32_at(at), self.u32_at(at + 4) & 0xFFFF)
    }

    pub(crate) fn place(&self, index: u32) -> Place {
        let at = self.model_at(index);
        Place { index, first: self.u32_at(at + 8), cells: self.u32_at(at + 4) >> 16 }
    }

    /// Finds a model by a name given in pieces, so that `provider/model` needs no allocation.
    pub(crate) fn find(&self, pieces: &[&str]) -> Option<Place> {
        let index = self.search(|middle| compare(self.name(middle), pieces, |byte| byte))?;
        Some(self.place(index))
    }

    /// [`Table::find`] without regard to the case of ASCII letters.
    pub(crate) fn find_any_case(&self, pieces: &[&str]) -> Option<Place> {
        let by_order = |middle: u32| self.u32_at(self.order_start() + middle as usize * ORDER);
        let found = self.search(|middle| compare(self.name(by_order(middle)), pieces, |b| b.to_ascii_lowercase()))?;
        Some(self.place(by_order(found)))
    }

    fn search(&self, compare_with: impl Fn(u32) -> Ordering) -> Option<u32> {
        let (mut low, mut high) = (0, self.counts.models);
        while low < high {
            let middle = low + (high - low) / 2;
            match compare_with(middle) {
                Ordering::Less => low = middle + 1,
                Ordering::Greater => high = middle,
                Ordering::Equal => return Some(middle),
            }
        }
        None
    }

    fn cell(&self, cell: u32) -> (Key, u32) {
        let at = self.cells_start() + cell as usize * CELL;
        (Key::from_bits(self.u32_at(at)), self.u32_at(at + 4))
    }

    /// Number of the first cell of a row whose key is not below `key`.
    fn lower_bound(&self, place: Place, key: Key) -> u32 {
        let (mut low, mut high) = (place.first, place.first + place.cells);
        while low < high {
            let middle = low + (high - low) / 2;
            if self.cell(middle).0 < key { low = middle + 1 } else { high = middle }
        }
        low
    }

    pub(crate) fn get(&self, place: Place, key: Key) -> Option<Value<'_>> {
        let at = self.lower_bound(place, key);
        let (found, value) = self.cell(at);
        (at < place.first + place.cells && found == key).then(|| self.value(value))
    }

    pub(crate) fn number(&self, place: Place, key: Key) -> Option<f64> {
        self.get(place, key).filter(|value| value.kind == Kind::Number).map(|value| value.number)
    }

    /// All cells of a row, sorted by key.
    pub(crate) fn cells(&self, place: Place) -> impl Iterator<Item = (Key, Value<'_>)> {
        (place.first..place.first + place.cells).map(|cell| {
            let (key, value) = self.cell(cell);
            (key, self.value(value))
        })
    }

    /// The cells of one field: every threshold and column it has.
    pub(crate) fn cells_of(&self, place: Place, field: u16) -> impl Iterator<Item = (Key, Value<'_>)> {
        let start = self.lower_bound(place, Key::new(field, 0, crate::Column::Standard));
        (start..place.first + place.cells)
            .map(|cell| self.cell(cell))
            .take_while(move |(key, _)| key.field_id() == field)
            .map(|(key, value)| (key, self.value(value)))
    }

    fn value(&self, index: u32) -> Value<'_> {
        let at = self.values_start() + index as usize * VALUE;
        let bits = u64::from(self.u32_at(at)) | u64::from(self.u32_at(at + 4)) << 32;
        let kind_and_len = self.u32_at(at + 12);
        let kind = match kind_and_len >> 24 {
            1 => Kind::False,
            2 => Kind::True,
            3 => Kind::Number,
            4 => Kind::Text,
            _ => Kind::Json,
        };
        Value {
            kind,
            number: f64::from_bits(bits),
            text: self.text_at(self.u32_at(at + 8), kind_and_len & 0x00FF_FFFF),
        }
    }

    /// Name of the `n`th field that [`crate::Field`] does not have.
    pub(crate) fn extra_name(&self, n: u32) -> Option<&str> {
        let at = self.names_start() + n as usize * 8;
        (n < self.counts.names).then(|| self.text_at(self.u32_at(at), self.u32_at(at + 4)))
    }
}

/// Compares a name with pieces put together. `fold` is applied to every byte of both sides.
fn compare(name: &str, pieces: &[&str], fold: impl Fn(u8) -> u8) -> Ordering {
    let wanted = pieces.iter().flat_map(|piece| piece.bytes());
    name.bytes().map(&fold).cmp(wanted.map(&fold))
}
