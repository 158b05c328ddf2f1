//! The state of the Responses API.
//!
//! - [`id`]: the ids that clients see. They name deployment, upstream id and owner, signed, so that a later call finds its
//!   way back to the same deployment and no stranger reads along.
//! - [`turn`]: before a call: `previous_response_id` becomes the upstream's own id, or (for providers without such a
//!   state) the conversation until then (`history`). After it: ids written anew, the answer kept.
//! - [`rewrite`], [`told`]: ids in whole answers and in streams.
//! - [`book`]: what is kept of answers whose providers keep nothing: bounded, for a while, in memory; in the store as well
//!   where prompts may be stored there.
//! - [`background`]: `background: true` for such providers.
//! - [`searching`]: `file_search` for models whose hosts do not know it; `made`: what is told of its searches.
//! - [`socket`]: Responses over a WebSocket, `warm`: those of them that generate nothing.
//! - [`owed`]: what answers cost that their hosts make in the background.
//! - [`stored`]: reading, deleting and cancelling stored answers, and the items they were made of.

pub mod background;
pub mod book;
mod history;
pub mod id;
mod made;
pub mod owed;
pub mod rewrite;
pub mod searching;
pub mod socket;
pub mod stored;
pub mod told;
pub mod turn;
mod warm;

use http::Method;

use crate::routes::{Action, Permission, Route};

pub use book::Book;
pub use id::{IdKey, ResponseId};
pub use told::Told;
pub use turn::Turn;

/// What is done with a stored answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// It is read.
    Get,
    /// It is forgotten.
    Delete,
    /// It is stopped while it is being made.
    Cancel,
    /// The items that it answers.
    InputItems,
}

const PREFIXES: [&str; 3] = ["/v1/responses/", "/responses/", "/openai/v1/responses/"];

/// Finds a route of a stored answer.
#[must_use]
pub fn find<'p>(method: &Method, path: &'p str) -> Option<Route<'p>> {
    let rest = PREFIXES.iter().find_map(|prefix| path.strip_prefix(prefix)).filter(|rest| !rest.is_empty())?;
    let (verb, id, name) = if let Some(id) = rest.strip_suffix("/cancel").filter(|_| *method == Method::POST) {
        (Verb::Cancel, id, "/v1/responses/{response_id}/cancel")
    } else if let Some(id) = rest.strip_suffix("/input_items").filter(|_| *method == Method::GET) {
        (Verb::InputItems, id, "/v1/responses/{response_id}/input_items")
    } else if *method == Method::GET {
        (Verb::Get, rest, "/v1/responses/{response_id}")
    } else if *method == Method::DELETE {
        (Verb::Delete, rest, "/v1/responses/{response_id}")
    } else {
        return None;
    };
    let permission = Permission::AnyKey;
    (!id.contains('/')).then_some(Route {
        action: Action::Stored(verb),
        permission,
        name,
        model: Some(id),
        streams: false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stored_answers_have_routes() {
        let at = |method: &Method, path| find(method, path).map(|r| (r.action, r.model.unwrap_or_default().to_owned()));
        let stored = |verb, id: &str| Some((Action::Stored(verb), id.to_owned()));
        assert_eq!(at(&Method::GET, "/v1/responses/resp_1"), stored(Verb::Get, "resp_1"));
        assert_eq!(at(&Method::DELETE, "/openai/v1/responses/resp_1"), stored(Verb::Delete, "resp_1"));
        assert_eq!(at(&Method::POST, "/responses/resp_1/cancel"), stored(Verb::Cancel, "resp_1"));
        assert_eq!(at(&Method::GET, "/v1/responses/resp_1/input_items"), stored(Verb::InputItems, "resp_1"));
        for path in ["/v1/responses/", "/v1/responses/a/b", "/v1/responses/compact"] {
            assert_eq!(at(&Method::POST, path), None, "{path}");
        }
    }
}
