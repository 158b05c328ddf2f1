//! Gateways that serve calls only, or management only (`DISABLE_ADMIN_ENDPOINTS`, `DISABLE_LLM_API_ENDPOINTS`).

use crate::mcp::Verb as Mcp;
use crate::routes::{Action, Route};

/// What a gateway does not serve.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Plane {
    /// The management API.
    pub no_management: bool,
    /// Calls of models, tools and agents.
    pub no_calls: bool,
}

impl Plane {
    /// Why a route is not served here; `open`: it needs no key, `custom`: it is one of the operator's own endpoints, which relay
    /// calls. What nobody knows is management's to answer.
    pub(crate) fn closes(self, route: Option<&Route<'_>>, open: bool, custom: bool) -> Option<&'static str> {
        let calls = custom || route.is_some_and(|route| calls(route.action));
        if self.no_calls && calls {
            return Some("LLM API routes are disabled for this instance.");
        }
        let looks = route.is_some_and(|route| open || looks(route.action));
        (self.no_management && !calls && !looks).then_some("Management routes are disabled for this instance.")
    }
}

fn calls(action: Action) -> bool {
    // What is told of the servers here, and trials of others, are management.
    if let Action::Mcp(Mcp::Publish | Mcp::TestConnection | Mcp::TestTools) = action {
        return false;
    }
    matches!(
        action,
        Action::Call(..)
            | Action::Pass(_)
            | Action::Realtime
            | Action::ResponsesSocket
            | Action::Rag(_)
            | Action::Mcp(_)
            | Action::Agent(_)
            | Action::Resource(_)
            | Action::Stored(_)
    )
}

/// What callers of models look at.
fn looks(action: Action) -> bool {
    matches!(
        action,
        Action::Models
            | Action::Model
            | Action::GoogleModels
            | Action::GoogleModel
            | Action::ModelInfo
            | Action::ModelInfoPages
            | Action::ModelGroupInfo
            | Action::SearchTools
            | Action::TokenCounter
            | Action::SupportedParams
            | Action::Health
    )
}
