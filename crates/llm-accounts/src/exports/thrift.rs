//! Structures in Thrift's compact protocol, as far as Parquet needs them.
//! <https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md>

/// Types of Thrift's compact protocol.
const NO: u8 = 2;
pub(super) const I32: u8 = 5;
const I64: u8 = 6;
pub(super) const BINARY: u8 = 8;
const LIST: u8 = 9;
pub(super) const STRUCT: u8 = 12;

/// A structure. Its fields come in rising order.
#[derive(Debug, Default)]
pub(super) struct Thrift {
    pub(super) bytes: Vec<u8>,
    /// The field before, in this structure.
    last: u8,
}

impl Thrift {
    fn field(&mut self, id: u8, kind: u8) {
        // No structure here leaves out fifteen fields in a row.
        self.bytes.push((id.saturating_sub(self.last)) << 4 | kind);
        self.last = id;
    }

    pub(super) fn number(&mut self, value: i64) {
        varint(((value << 1) ^ (value >> 63)) as u64, &mut self.bytes);
    }

    pub(super) fn int(&mut self, id: u8, value: i64) {
        self.field(id, I32);
        self.number(value);
    }

    pub(super) fn long(&mut self, id: u8, value: i64) {
        self.field(id, I64);
        self.number(value);
    }

    pub(super) fn no(&mut self, id: u8) {
        self.field(id, NO);
    }

    pub(super) fn bare(&mut self, text: &str) {
        varint(text.len() as u64, &mut self.bytes);
        self.bytes.extend_from_slice(text.as_bytes());
    }

    pub(super) fn text(&mut self, id: u8, text: &str) {
        self.field(id, BINARY);
        self.bare(text);
    }

    pub(super) fn list(&mut self, id: u8, kind: u8, size: usize) {
        self.field(id, LIST);
        if size < 15 {
            self.bytes.push((size as u8) << 4 | kind);
        } else {
            self.bytes.push(0xf0 | kind);
            varint(size as u64, &mut self.bytes);
        }
    }

    /// A structure in a list.
    pub(super) fn item(&mut self, fill: impl FnOnce(&mut Self)) {
        let last = std::mem::take(&mut self.last);
        fill(self);
        self.end();
        self.last = last;
    }

    /// A structure in a field.
    pub(super) fn within(&mut self, id: u8, fill: impl FnOnce(&mut Self)) {
        self.field(id, STRUCT);
        self.item(fill);
    }

    pub(super) fn end(&mut self) {
        self.bytes.push(0);
    }
}

/// A number in as many bytes as it needs.
pub(super) fn varint(mut value: u64, out: &mut Vec<u8>) {
    while value > 0x7f {
        out.push((value as u8) | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}
