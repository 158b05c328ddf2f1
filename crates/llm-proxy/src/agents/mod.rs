//! A2A agents: they are called through the gateway, which knows who may call them and writes down who did. What is said goes
//! through as it is.
//!
//! | file | what |
//! |---|---|
//! | here | routes and the steps that all have in common |
//! | `registry` | [`Agents`]: those of the file and of the database |
//! | `message` | JSON-RPC: what is asked, how an error is told |
//! | `call` | a call: permitted, admitted, judged, relayed, billed |
//! | `bridge` | the same of an agent that is asked like a model |
//! | `headers` | what the agent is told beside it |
//! | `card` | what agents publish of themselves, with the gateway's address |
//! | `discover` | the card of an agent that is not stored yet |

mod bridge;
mod call;
mod card;
mod discover;
mod headers;
mod message;
pub mod registry;

use std::net::SocketAddr;
use std::sync::Arc;

use http::request::Parts;
use http::{Method, Response};
use hyper::body::Incoming;
use llm_accounts::{Identity, Permission as Rule};
use llm_types::{Error, Format, Kind, OperationKind, Result};

pub(crate) use card::hub;
pub use registry::{Agent, Agents};

use crate::body::Reply;
use crate::core::Core;
use crate::flow::{Context, Refused};
use crate::read::decode_path;
use crate::routes::{Action, Permission, Route};

/// What is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// `POST /a2a/{agent_id}` and its like.
    Call,
    /// `GET /a2a/{agent_id}/.well-known/agent-card.json`.
    Card,
    /// `POST /v1/a2a/discover`.
    Discover,
}

const DISCOVER: &str = "/v1/a2a/discover";

/// Method, what stands before and behind the agent's name, what it is, its canonical path.
static ROWS: &[(Method, &str, &str, Verb, &str)] = &[
    (Method::POST, "/a2a/", "", Verb::Call, "/a2a/{agent_id}"),
    (Method::POST, "/a2a/", "/message/send", Verb::Call, "/a2a/{agent_id}/message/send"),
    (Method::POST, "/v1/a2a/", "/message/send", Verb::Call, "/v1/a2a/{agent_id}/message/send"),
    (Method::GET, "/a2a/", "/.well-known/agent-card.json", Verb::Card, "/a2a/{agent_id}/.well-known/agent-card.json"),
    (Method::GET, "/a2a/", "/.well-known/agent.json", Verb::Card, "/a2a/{agent_id}/.well-known/agent.json"),
];

/// Finds the route of a request.
#[must_use]
pub fn find<'p>(method: &Method, path: &'p str) -> Option<Route<'p>> {
    let route = |verb, name, model| Route {
        action: Action::Agent(verb),
        permission: Permission::Llm,
        name,
        model,
        streams: false,
    };
    if *method == Method::POST && path == DISCOVER {
        return Some(Route { permission: Permission::Admin, ..route(Verb::Discover, DISCOVER, None) });
    }
    ROWS.iter().filter(|(m, ..)| m == method).find_map(|(_, before, behind, verb, name)| {
        let agent = path.strip_prefix(before)?.strip_suffix(behind)?;
        (!agent.is_empty() && !agent.contains('/')).then(|| route(*verb, name, Some(agent)))
    })
}

/// Every path with its methods.
pub fn all() -> impl Iterator<Item = (Method, &'static str)> {
    ROWS.iter().map(|(method, .., name)| (method.clone(), *name)).chain([(Method::POST, DISCOVER)])
}

/// Answers a request.
pub async fn serve(
    core: &Core,
    verb: Verb,
    route: &Route<'_>,
    path: &str,
    parts: Parts,
    body: Incoming,
    peer: SocketAddr,
) -> Response<Reply> {
    let mut ctx = Context::new(core, route.name, OperationKind::Relay, Format::OpenAiChat, parts, peer);
    let named = route.model.map(decode_path).unwrap_or_default();
    let outcome = steps(core, &mut ctx, verb, (&named, path), body).await;
    outcome.unwrap_or_else(|refused| crate::pass::refuse(core, &ctx, refused))
}

async fn steps(
    core: &Core,
    ctx: &mut Context,
    verb: Verb,
    (named, path): (&str, &str),
    body: Incoming,
) -> std::result::Result<Response<Reply>, Refused> {
    let who = core.identify(&ctx.parts).await?;
    ctx.who = Some(Arc::clone(&who));
    match verb {
        Verb::Call => {
            let body = crate::read::body(&ctx.snapshot, &ctx.parts, body).await?;
            call::answer(core, ctx, &who, (named, path), body).await
        }
        Verb::Card => {
            core.app.accounts.permitted(&who, ctx.route, path)?;
            let agent = ctx.snapshot.agents.find(named).cloned();
            let none = || Error::new(Kind::NotFound, format!("Agent '{named}' not found")).with_param("agent_id");
            let agent = agent.ok_or_else(none)?;
            permitted(&who, &agent, named)?;
            Ok(card::answer(core, ctx, &agent, named))
        }
        Verb::Discover => {
            core.app.accounts.authorize(&who, Rule::Admin, path, false)?;
            let body = crate::read::body(&ctx.snapshot, &ctx.parts, body).await?;
            Ok(discover::answer(core, ctx, &body).await?)
        }
    }
}

/// Checks that a caller may call an agent.
///
/// # Errors
/// 403 in LiteLLM's words.
fn permitted(who: &Identity, agent: &Agent, named: &str) -> Result<()> {
    if who.may_call_agent(&agent.id, &agent.groups) {
        return Ok(());
    }
    let why = format!("Agent '{named}' is not allowed for your key/team. Contact proxy admin for access.");
    Err(Error::new(Kind::PermissionDenied, why).with_type("auth_error").with_param("agent_id"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_name_agents() {
        let found = |method: Method, path| find(&method, path).map(|route| (route.action, route.name, route.model));
        let call = |name, agent| Some((Action::Agent(Verb::Call), name, Some(agent)));
        assert_eq!(found(Method::POST, "/a2a/one"), call("/a2a/{agent_id}", "one"));
        assert_eq!(found(Method::POST, "/a2a/one/message/send"), call("/a2a/{agent_id}/message/send", "one"));
        assert_eq!(found(Method::POST, "/v1/a2a/one/message/send"), call("/v1/a2a/{agent_id}/message/send", "one"));
        let card = found(Method::GET, "/a2a/one/.well-known/agent.json").map(|(action, ..)| action);
        assert_eq!(card, Some(Action::Agent(Verb::Card)));
        assert_eq!(found(Method::POST, DISCOVER).map(|(.., model)| model), Some(None));
        for (method, path) in [
            (Method::GET, "/a2a/one"),
            (Method::POST, "/a2a/"),
            (Method::POST, "/a2a/one/two"),
            (Method::POST, "/a2a//message/send"),
            (Method::POST, "/v1/a2a/one"),
        ] {
            assert_eq!(found(method, path), None, "{path}");
        }
    }
}
