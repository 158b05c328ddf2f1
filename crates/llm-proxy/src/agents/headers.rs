//! What an agent is told beside a call: who calls, what its operator wants it to know, and what the caller may pass on.

use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue};
use llm_accounts::Identity;

use super::Agent;
use crate::flow::Context;
use crate::pass::judged::{self, Judge};

/// The caller's user and team.
const USER: HeaderName = HeaderName::from_static("x-litellm-user-id");
const TEAM: HeaderName = HeaderName::from_static("x-litellm-team-id");
const TRACE: HeaderName = HeaderName::from_static("x-litellm-trace-id");
/// The version of the protocol that the client speaks.
const VERSION: HeaderName = HeaderName::from_static("a2a-version");

/// Headers that are the connection's or the gateway's own, whoever names them.
const CLOSED: [&str; 3] = ["host", "content-length", "cookie"];

/// The headers of a call. What the operator set wins over what the caller passes.
pub(super) fn of(ctx: &Context, who: &Identity, agent: &Agent, judge: Option<&Judge<'_>>, streams: bool) -> HeaderMap {
    let given = &ctx.parts.headers;
    let mut out = HeaderMap::new();
    // The key of the gateway is nobody else's.
    let mut shown = given.clone();
    llm_accounts::without_credential(&mut shown, ctx.snapshot.settings.key_header_name.as_deref());
    for name in &agent.passed {
        if let Some(value) = shown.get(name).filter(|_| open(name)) {
            out.insert(name.clone(), value.clone());
        }
    }
    for alias in [agent.id.to_ascii_lowercase(), agent.name.to_ascii_lowercase()] {
        let prefix = format!("x-a2a-{alias}-");
        for (name, value) in given {
            let bare = name.as_str().strip_prefix(&prefix).and_then(|bare| HeaderName::try_from(bare).ok());
            if let Some(bare) = bare.filter(open) {
                out.insert(bare, value.clone());
            }
        }
    }
    llm_http::end_to_end(&mut out);
    judged::plain(judge, &mut out);
    for (name, value) in &agent.headers {
        out.insert(name.clone(), value.clone());
    }
    let text = |text: Option<&str>| text.and_then(|text| HeaderValue::try_from(text).ok());
    let session = ctx.wish.as_ref().and_then(|wish| wish.controls.session.as_deref());
    for (name, value) in [(USER, text(who.user_id())), (TEAM, text(who.team_id())), (TRACE, text(session))] {
        if let Some(value) = value {
            out.insert(name, value);
        }
    }
    if let Some(version) = given.get(&VERSION) {
        out.entry(VERSION).or_insert_with(|| version.clone());
    }
    out.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let accept = if streams { "text/event-stream" } else { "application/json" };
    out.insert(ACCEPT, HeaderValue::from_static(accept));
    crate::via::tell(given, &mut out);
    out
}

/// True for a header that callers may give an agent.
fn open(name: &HeaderName) -> bool {
    !name.as_str().starts_with("x-litellm-") && !CLOSED.contains(&name.as_str())
}
