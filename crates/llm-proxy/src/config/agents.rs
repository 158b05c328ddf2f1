//! `agents` (`agent_list`) and those of the database → A2A agents. One of the file that cannot be read is an error; one of the
//! database is left out with a warning, so that one bad row does not take the others along.

use llm_catalog::Catalog;

use super::Context;
use super::problem::Mark;
use super::section::Section;
use crate::agents::{Agent, Agents};

/// Ends the problems of agents that are left out.
pub(super) const NOT_SERVED: &str = "the agent is not served";

/// Ends the problems of agents that are listed and cannot be asked.
const UNASKED: &str = "calls of the agent are answered with 501";

/// What an agent of the file may say.
const FIELDS: &str = "agent_name agent_card_params litellm_params object_permission static_headers extra_headers
    agent_access_groups tpm_limit rpm_limit session_tpm_limit session_rpm_limit kill_switch";

/// All agents: rows of the database come first, as in LiteLLM, and take the place of agents of the file with their name.
pub(super) fn read(top: &Section<'_>, ctx: &Context<'_>, prices: &Catalog) -> Agents {
    let mut out = Agents::default();
    for row in ctx.source.stored.iter().flat_map(|stored| &stored.agents) {
        let mark = Mark::whole(format!("database, agent {}", row.name));
        match Agent::read(&row.spec, Some(&row.id), prices) {
            Ok(agent) => {
                if let Some(Err((field, why))) = &agent.target {
                    ctx.problems.warn(&mark, field, format!("{why}; {UNASKED}"));
                }
                out.add(agent);
            }
            Err((field, why)) => ctx.problems.warn(&mark, &field, format!("{why}; {NOT_SERVED}")),
        }
    }
    let list = if top.list("agents").is_empty() { "agent_list" } else { "agents" };
    top.accept("agents agent_list");
    for (at, item) in top.list(list).iter().enumerate() {
        let path = format!("{list}[{at}]");
        let Some(entry) = Section::open(item, path, ctx.problems) else { continue };
        entry.accept(FIELDS);
        entry.not_served("access_group_ids");
        entry.finish();
        match Agent::read(&item.json(), None, prices) {
            Ok(agent) if out.add(agent.clone()) => {
                if let Some(Err((field, why))) = &agent.target {
                    entry.warn(field, format!("{why}; {UNASKED}"));
                }
            }
            Ok(_) => entry.warn("agent_name", format!("another agent has this name; {NOT_SERVED}")),
            Err((field, why)) => entry.error(&field, why),
        }
    }
    out
}
