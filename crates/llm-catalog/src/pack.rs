//! Packing models given in LiteLLM's JSON shape into a [`Table`]. Runs in `cargo xtask codegen` for the built-in table
//! and at run time for price files and custom prices; never on the request path.

use std::{
    borrow::Cow,
    collections::{BTreeMap, HashMap},
};

use serde_json::{Map, Value as JsonValue};

use crate::{
    Column,
    derive::{self, Derived},
    key::{Key, split_name},
    table::{Counts, HEADER, Kind, Table},
};

/// Why a model table could not be packed.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    /// Not the JSON that was expected.
    #[error("model prices: {0}")]
    Json(#[from] serde_json::Error),
    /// An entry is not an object.
    #[error("model prices: {0} is not an object")]
    NotAnObject(String),
    /// More than the packed form can hold.
    #[error("model prices: too many or too long {0}")]
    TooLarge(&'static str),
}

/// Collects models and packs them.
#[derive(Debug)]
pub struct Packer<'n> {
    /// Sorted names of the fields that have a number.
    known: &'n [&'n str],
    extra: Vec<String>,
    models: BTreeMap<String, Vec<(Key, u32)>>,
    values: HashMap<(Kind, String), u32>,
}

impl<'n> Packer<'n> {
    /// `known`: the sorted field names whose place is their number (see [`crate::Field`]).
    #[must_use]
    pub fn new(known: &'n [&'n str]) -> Self {
        Self { known, extra: Vec::new(), models: BTreeMap::new(), values: HashMap::new() }
    }

    /// Adds a model with LiteLLM's fields, replacing one of the same name. Fields that are `null` are left out.
    pub fn add(&mut self, name: &str, fields: &Map<String, JsonValue>) -> Result<(), PackError> {
        let mut cells = BTreeMap::new();
        for (field, value) in fields.iter().filter(|(_, value)| !value.is_null()) {
            let (base, above, column) = split_name(field);
            let key = Key::new(self.field(base)?, above, column);
            let value = self.value(field, value)?;
            cells.insert(key, value);
            for Derived { field, above, value } in derive::cells(base, fields) {
                let key = Key::new(self.field(field)?, above, Column::Standard);
                let value = self.value(field, &value)?;
                cells.insert(key, value);
            }
        }
        self.models.insert(name.to_owned(), cells.into_iter().collect());
        Ok(())
    }

    fn field(&mut self, name: &str) -> Result<u16, PackError> {
        let place = match self.known.binary_search(&name) {
            Ok(place) => place,
            Err(_) => {
                let extra = self.extra.iter().position(|extra| extra == name).unwrap_or_else(|| {
                    self.extra.push(name.to_owned());
                    self.extra.len() - 1
                });
                self.known.len() + extra
            }
        };
        u16::try_from(place).ok().filter(|place| *place < 1 << 12).ok_or(PackError::TooLarge("fields"))
    }

    fn value(&mut self, field: &str, value: &JsonValue) -> Result<u32, PackError> {
        let entry = match value {
            JsonValue::Bool(true) => (Kind::True, String::new()),
            JsonValue::Bool(false) => (Kind::False, String::new()),
            JsonValue::Number(number) => (Kind::Number, number.to_string()),
            // A config file may carry prices as text ("3e-7").
            JsonValue::String(text) if is_numeric(field) && text.trim().parse::<f64>().is_ok() => {
                (Kind::Number, text.trim().to_owned())
            }
            JsonValue::String(text) => (Kind::Text, text.clone()),
            other => (Kind::Json, serde_json::to_string(other)?),
        };
        let next = u32::try_from(self.values.len()).map_err(|_| PackError::TooLarge("values"))?;
        Ok(*self.values.entry(entry).or_insert(next))
    }

    /// Packs what was added. `title` becomes the first line of the text and of the bytes (at most 63 bytes).
    pub fn pack(self, title: &str) -> Result<Table, PackError> {
        let mut writer = Writer { text: format!("{title}\n"), bytes: vec![0; HEADER] };
        for (slot, byte) in writer.bytes.iter_mut().zip(title.bytes().chain([b'\n']).take(HEADER)) {
            *slot = byte;
        }
        let rows = writer.models(&self.models)?;
        writer.order(&self.models)?;
        let cells = rows.iter().try_fold(0_u32, |sum, row| sum.checked_add(row.len().try_into().ok()?));
        for (key, value) in rows.iter().copied().flatten() {
            writer.u32(key.bits());
            writer.u32(*value);
        }
        let mut values: Vec<_> = self.values.into_iter().collect();
        values.sort_by_key(|(_, index)| *index);
        for ((kind, text), _) in &values {
            writer.value(*kind, text)?;
        }
        for name in &self.extra {
            let (offset, len) = writer.put(name)?;
            writer.u32(offset);
            writer.u32(len);
        }
        let count = |n: usize| u32::try_from(n).map_err(|_| PackError::TooLarge("models"));
        let counts = Counts {
            models: count(self.models.len())?,
            cells: cells.ok_or(PackError::TooLarge("cells"))?,
            values: count(values.len())?,
            names: count(self.extra.len())?,
        };
        Ok(Table { text: Cow::Owned(writer.text), bytes: Cow::Owned(writer.bytes), counts })
    }
}

/// A field's name without LiteLLM's threshold and column suffixes, as [`crate::Field`] has it.
#[must_use]
pub fn base_name(field: &str) -> &str {
    split_name(field).0
}

/// Price and limit fields, where a text is meant as a number.
fn is_numeric(field: &str) -> bool {
    field.contains("cost") || field.starts_with("max_") || matches!(field, "tpm" | "rpm" | "output_vector_size")
}

struct Writer {
    text: String,
    bytes: Vec<u8>,
}

impl Writer {
    fn u32(&mut self, number: u32) {
        self.bytes.extend_from_slice(&number.to_le_bytes());
    }

    fn put(&mut self, text: &str) -> Result<(u32, u32), PackError> {
        let place = (u32::try_from(self.text.len()), u32::try_from(text.len()));
        let (Ok(offset), Ok(len)) = place else { return Err(PackError::TooLarge("texts")) };
        self.text.push_str(text);
        Ok((offset, len))
    }

    /// Writes the models; equal rows share their cells. Returns the distinct rows in order.
    fn models<'m>(
        &mut self,
        models: &'m BTreeMap<String, Vec<(Key, u32)>>,
    ) -> Result<Vec<&'m [(Key, u32)]>, PackError> {
        let mut rows: Vec<&[(Key, u32)]> = Vec::new();
        let mut seen: HashMap<&[(Key, u32)], u32> = HashMap::new();
        let mut next = 0_u32;
        for (name, cells) in models {
            let (offset, len) = self.put(name)?;
            let length = u32::try_from(cells.len()).ok().filter(|length| *length < 1 << 16);
            let (Some(length), true) = (length, len < 1 << 16) else { return Err(PackError::TooLarge("rows")) };
            let first = *seen.entry(cells).or_insert_with(|| {
                rows.push(cells);
                let first = next;
                next += length;
                first
            });
            self.u32(offset);
            self.u32(length << 16 | len);
            self.u32(first);
        }
        Ok(rows)
    }

    fn order(&mut self, models: &BTreeMap<String, Vec<(Key, u32)>>) -> Result<(), PackError> {
        let mut order: Vec<(String, u32)> = Vec::with_capacity(models.len());
        for (index, name) in models.keys().enumerate() {
            order.push((name.to_ascii_lowercase(), u32::try_from(index).map_err(|_| PackError::TooLarge("models"))?));
        }
        order.sort();
        for (_, index) in order {
            self.u32(index);
        }
        Ok(())
    }

    fn value(&mut self, kind: Kind, text: &str) -> Result<(), PackError> {
        let number = if kind == Kind::Number { text.parse().unwrap_or(0.0) } else { 0.0_f64 };
        let (offset, len) = self.put(text)?;
        if len >= 1 << 24 {
            return Err(PackError::TooLarge("texts"));
        }
        self.bytes.extend_from_slice(&number.to_bits().to_le_bytes());
        self.u32(offset);
        self.u32((kind as u32) << 24 | len);
        Ok(())
    }
}
