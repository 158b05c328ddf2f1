//! One JSON array that comes in pieces: `[{...}\n,\n{...}]`.

use super::FrameError;
use crate::sse::{Frame, Item, LineTooLong};

/// Cuts a JSON array of objects into its elements.
#[derive(Debug)]
pub struct Splitter {
    limit: usize,
    /// The unfinished element.
    element: Vec<u8>,
    depth: usize,
    in_string: bool,
    escaped: bool,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Before,
    Inside,
    After,
}

impl Splitter {
    pub(super) const fn new(limit: usize) -> Self {
        Self { limit, element: Vec::new(), depth: 0, in_string: false, escaped: false, state: State::Before }
    }

    pub(super) fn feed(&mut self, chunk: &[u8], mut tell: impl FnMut(Item<'_>)) -> Result<(), FrameError> {
        for &byte in chunk {
            if self.depth > 0 {
                self.inside(byte, &mut tell)?;
                continue;
            }
            match (byte, self.state) {
                (b' ' | b'\n' | b'\r' | b'\t', _) | (b',', State::Inside) => {}
                (b'[', State::Before) => self.state = State::Inside,
                (b']', State::Inside) => self.state = State::After,
                // An error comes as a bare object, without the array.
                (b'{', State::Before | State::Inside) => {
                    self.depth = 1;
                    self.element.push(byte);
                }
                _ => return Err(FrameError::Corrupt("not a JSON array of objects".to_owned())),
            }
        }
        Ok(())
    }

    fn inside(&mut self, byte: u8, tell: &mut impl FnMut(Item<'_>)) -> Result<(), FrameError> {
        if self.element.len() >= self.limit {
            return Err(LineTooLong { limit: self.limit }.into());
        }
        self.element.push(byte);
        match (self.in_string, byte) {
            (true, _) if self.escaped => self.escaped = false,
            (true, b'\\') => self.escaped = true,
            (true, b'"') => self.in_string = false,
            (true, _) => {}
            (false, b'"') => self.in_string = true,
            (false, b'{' | b'[') => self.depth += 1,
            (false, b'}' | b']') => self.depth -= 1,
            (false, _) => {}
        }
        if self.depth == 0 {
            tell(Item::Frame(Frame::data(&self.element)));
            self.element.clear();
            if self.state == State::Before {
                self.state = State::After;
            }
        }
        Ok(())
    }

    pub(super) fn finish(&mut self) -> Result<(), FrameError> {
        match self.state {
            State::Inside => Err(FrameError::Corrupt("the array has no end".to_owned())),
            _ if self.depth > 0 => Err(FrameError::Corrupt("an object has no end".to_owned())),
            _ => Ok(()),
        }
    }
}
