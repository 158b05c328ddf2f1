//! A stream of Responses with our ids in it. The answer at its end is kept where its provider keeps nothing.

use bytes::Bytes;

use super::rewrite::Rewriter;
use super::turn::Keeper;
use crate::edited::Edit;

/// What is written anew, and kept.
#[derive(Debug)]
pub struct Told {
    /// Writes ids anew.
    pub rewriter: Rewriter,
    /// Keeps the answer, once.
    pub keeper: Option<Keeper>,
}

impl Edit for Told {
    fn events(&mut self, whole: &Bytes) -> Bytes {
        let Self { rewriter, keeper } = self;
        rewriter.events(whole, &mut |response, id| {
            if let Some(keeper) = keeper.take() {
                keeper.keep(&id, response);
            }
        })
    }
}
