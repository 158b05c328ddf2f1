//! Google's interactions, for models of other houses: a request becomes one of the Responses API, its answer an
//! interaction again. <https://ai.google.dev/api/interactions-api>
//!
//! | file | what |
//! |---|---|
//! | `request` | what is asked |
//! | `input` | the conversation in it |
//! | `answer` | a whole answer |
//! | `stream` | events |

mod answer;
mod input;
mod request;
mod stream;
#[cfg(test)]
mod tests;

pub use answer::{answer, deleted};
pub use request::request;
pub use stream::Stream;
