//! Writes JSON objects and arrays piece by piece, commas included.

use bytes::{BufMut, BytesMut};
use serde::Serialize;

use crate::top::{write_json, write_str};

/// An object that is being written. [`Object::close`] ends it.
#[derive(Debug)]
pub(super) struct Object<'o> {
    out: &'o mut BytesMut,
    first: bool,
}

impl<'o> Object<'o> {
    pub(super) fn open(out: &'o mut BytesMut) -> Self {
        out.put_u8(b'{');
        Self { out, first: true }
    }

    /// Writes the key; the caller writes the value to what is returned.
    pub(super) fn key(&mut self, key: &str) -> &mut BytesMut {
        if !std::mem::take(&mut self.first) {
            self.out.put_u8(b',');
        }
        write_str(key, self.out);
        self.out.put_u8(b':');
        self.out
    }

    pub(super) fn str(&mut self, key: &str, value: &str) {
        write_str(value, self.key(key));
    }

    /// A value that is JSON text already.
    pub(super) fn raw(&mut self, key: &str, json: &str) {
        self.key(key).put_slice(json.as_bytes());
    }

    pub(super) fn json<T: Serialize + ?Sized>(&mut self, key: &str, value: &T) {
        write_json(value, self.key(key));
    }

    pub(super) fn close(self) {
        self.out.put_u8(b'}');
    }
}

/// An array that is being written. [`Array::close`] ends it.
#[derive(Debug)]
pub(super) struct Array<'o> {
    out: &'o mut BytesMut,
    len: usize,
}

impl<'o> Array<'o> {
    pub(super) fn open(out: &'o mut BytesMut) -> Self {
        out.put_u8(b'[');
        Self { out, len: 0 }
    }

    /// Makes room for an item, which the caller writes to what is returned.
    pub(super) fn item(&mut self) -> &mut BytesMut {
        if self.len > 0 {
            self.out.put_u8(b',');
        }
        self.len += 1;
        self.out
    }

    /// Writes an item, or nothing at all when `write` says that there is none.
    pub(super) fn item_if(&mut self, write: impl FnOnce(&mut BytesMut) -> bool) -> bool {
        let mark = self.out.len();
        let wrote = write(self.item());
        if !wrote {
            self.out.truncate(mark);
            self.len -= 1;
        }
        wrote
    }

    pub(super) const fn len(&self) -> usize {
        self.len
    }

    pub(super) fn close(self) {
        self.out.put_u8(b']');
    }
}
