//! What agents publish of themselves, with the gateway's address in place of theirs.

use http::Response;
use http::request::Parts;
use llm_accounts::own_card;
use llm_types::Json;

use super::Agent;
use crate::body::Reply;
use crate::core::Core;
use crate::flow::Context;
use crate::models::answer as json;
use crate::outside;
use crate::snapshot::Snapshot;

/// The card of an agent, under the name that it was asked for by.
pub(super) fn answer(core: &Core, ctx: &Context, agent: &Agent, named: &str) -> Response<Reply> {
    let base = outside::base(core, &ctx.parts);
    json(&own_card(&agent.card, &format!("{base}/a2a/{named}")))
}

/// `GET /public/agent_hub`: the agents that were made public.
pub(crate) fn hub(core: &Core, snapshot: &Snapshot, parts: &Parts) -> Response<Reply> {
    let base = outside::base(core, parts);
    let public = snapshot.agents.iter().filter(|agent| snapshot.settings.public_agents.contains(&agent.id));
    json(&Json::Array(public.map(|agent| own_card(&agent.card, &format!("{base}/a2a/{}", agent.id))).collect()))
}
