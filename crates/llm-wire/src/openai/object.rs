//! A small writer of JSON objects and arrays, straight into the output.

use std::fmt::Write;

use bytes::{BufMut, BytesMut};
use llm_types::{Extra, Format, RawJson};
use serde_json::Number;

use crate::top::write_str;

/// An object being written; it closes itself when dropped.
#[derive(Debug)]
pub(crate) struct Obj<'b> {
    out: &'b mut BytesMut,
    first: bool,
}

impl<'b> Obj<'b> {
    pub(crate) fn open(out: &'b mut BytesMut) -> Self {
        out.put_u8(b'{');
        Self { out, first: true }
    }

    /// Writes a key that needs no escapes and hands out the place of its value.
    pub(crate) fn key(&mut self, key: &'static str) -> &mut BytesMut {
        self.comma();
        self.out.put_u8(b'"');
        self.out.put_slice(key.as_bytes());
        self.out.put_slice(b"\":");
        self.out
    }

    /// Writes any key.
    pub(crate) fn any_key(&mut self, key: &str) -> &mut BytesMut {
        self.comma();
        write_str(key, self.out);
        self.out.put_u8(b':');
        self.out
    }

    pub(crate) fn str(&mut self, key: &'static str, value: &str) {
        write_str(value, self.key(key));
    }

    pub(crate) fn opt_str(&mut self, key: &'static str, value: Option<&str>) {
        if let Some(value) = value {
            self.str(key, value);
        }
    }

    pub(crate) fn bool(&mut self, key: &'static str, value: bool) {
        self.text(key, if value { "true" } else { "false" });
    }

    pub(crate) fn opt_bool(&mut self, key: &'static str, value: Option<bool>) {
        if let Some(value) = value {
            self.bool(key, value);
        }
    }

    pub(crate) fn u64(&mut self, key: &'static str, value: u64) {
        write_u64(value, self.key(key));
    }

    pub(crate) fn number(&mut self, key: &'static str, value: Option<&Number>) {
        if let Some(value) = value {
            let out = self.key(key);
            // writing into memory cannot fail
            let _ = write!(out, "{value}");
        }
    }

    /// Writes text that is JSON already.
    pub(crate) fn text(&mut self, key: &'static str, json: &str) {
        self.key(key).put_slice(json.as_bytes());
    }

    pub(crate) fn raw(&mut self, key: &'static str, value: Option<&RawJson>) {
        if let Some(value) = value {
            self.text(key, value.get());
        }
    }

    /// Writes the fields of an object that is JSON text already.
    pub(crate) fn spread(&mut self, object: &str) {
        let fields = object.trim().strip_prefix('{').and_then(|o| o.strip_suffix('}')).unwrap_or_default();
        if !fields.trim().is_empty() {
            self.comma();
            self.out.put_slice(fields.as_bytes());
        }
    }

    pub(crate) fn obj(&mut self, key: &'static str) -> Obj<'_> {
        Obj::open(self.key(key))
    }

    pub(crate) fn arr(&mut self, key: &'static str) -> Arr<'_> {
        Arr::open(self.key(key))
    }

    /// Writes the extra fields that came from `format` and that `pick` wants.
    pub(crate) fn extra(&mut self, extra: &Extra, format: Format, pick: impl Fn(&str) -> bool) {
        for (key, value) in extra.fields_for(format).filter(|(k, _)| pick(k)) {
            self.any_key(key).put_slice(value.get().as_bytes());
        }
    }

    /// Writes the extra fields of an inner object: those whose name starts with `prefix`.
    pub(crate) fn inner(&mut self, extra: &Extra, format: Format, prefix: &str) {
        for (key, value) in extra.fields_for(format) {
            if let Some(key) = key.strip_prefix(prefix) {
                self.any_key(key).put_slice(value.get().as_bytes());
            }
        }
    }

    fn comma(&mut self) {
        if !std::mem::take(&mut self.first) {
            self.out.put_u8(b',');
        }
    }
}

impl Drop for Obj<'_> {
    fn drop(&mut self) {
        self.out.put_u8(b'}');
    }
}

/// An array being written; it closes itself when dropped.
#[derive(Debug)]
pub(crate) struct Arr<'b> {
    out: &'b mut BytesMut,
    first: bool,
}

impl<'b> Arr<'b> {
    pub(crate) fn open(out: &'b mut BytesMut) -> Self {
        out.put_u8(b'[');
        Self { out, first: true }
    }

    /// The place of the next item.
    pub(crate) fn item(&mut self) -> &mut BytesMut {
        if !std::mem::take(&mut self.first) {
            self.out.put_u8(b',');
        }
        self.out
    }

    pub(crate) fn obj(&mut self) -> Obj<'_> {
        Obj::open(self.item())
    }

    pub(crate) fn str(&mut self, text: &str) {
        write_str(text, self.item());
    }

    pub(crate) fn text(&mut self, json: &str) {
        self.item().put_slice(json.as_bytes());
    }
}

impl Drop for Arr<'_> {
    fn drop(&mut self) {
        self.out.put_u8(b']');
    }
}

/// Writes a whole number.
pub(crate) fn write_u64(value: u64, out: &mut BytesMut) {
    // writing into memory cannot fail
    let _ = write!(out, "{value}");
}
