//! What a form is made of, told apart while it passes.

use bytes::BytesMut;

use super::BREAK;

/// Takes the pieces of a form in their order.
pub trait Pieces {
    /// A file of this name begins.
    fn begins(&mut self, _filename: &str) {}
    /// A piece of its content.
    fn file(&mut self, bytes: &[u8]);
    /// It is over.
    fn ends(&mut self) {}
    /// Anything else.
    fn form(&mut self, bytes: &[u8]);
}

/// All of it, one behind the other.
impl Pieces for BytesMut {
    fn file(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }

    fn form(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }
}

/// Tells what of a piece of a file's part is content: a line break stands before it, and one behind it (`last`).
pub(super) fn of_file(piece: &[u8], lead: &mut usize, last: bool, out: &mut dyn Pieces) {
    let (before, rest) = piece.split_at(piece.len().min(*lead));
    *lead -= before.len();
    out.form(before);
    let behind = if last { rest.len().min(BREAK) } else { 0 };
    let (content, behind) = rest.split_at(rest.len() - behind);
    if !content.is_empty() {
        out.file(content);
    }
    if last {
        out.ends();
    }
    out.form(behind);
}
