//! The body of `/v1/agents`.

use llm_store::AgentRow;
use llm_store::defaults::empty_object;
use llm_types::Json;

use crate::keys::bad;
use crate::request::{Map, Outcome, body, list};

body! {
    /// `POST`, `PUT` and `PATCH` of an agent.
    struct AgentBody {
        agent_name: String,
        agent_card_params: Map,
        litellm_params: Map,
        object_permission: Map,
        tpm_limit: i64,
        rpm_limit: i64,
        session_tpm_limit: i64,
        session_rpm_limit: i64,
        static_headers: Map,
        extra_headers: Vec<String>,
        agent_access_groups: Vec<String>,
        access_group_ids: Vec<String>,
        kill_switch: Map,
    }
}

impl AgentBody {
    /// Takes away what a body that describes all of an agent does not give. Limits stay, as in LiteLLM; so do secrets.
    pub(super) fn replace(&self, row: &mut AgentRow) {
        if self.static_headers.is_none() {
            row.static_headers = Some(empty_object());
        }
        if self.extra_headers.is_none() {
            row.extra_headers.clear();
        }
        if self.access_group_ids.is_none() {
            row.access_group_ids.clear();
        }
        if self.kill_switch.is_none() {
            row.kill_switch = None;
        }
    }

    /// Lays what is given over a row: what needs neither a key nor an address.
    pub(super) fn over(&self, row: &mut AgentRow) -> Outcome<()> {
        if let Some(Some(name)) = &self.agent_name {
            row.agent_name.clone_from(name);
        }
        for (given, column) in [
            (self.tpm_limit, &mut row.tpm_limit),
            (self.rpm_limit, &mut row.rpm_limit),
            (self.session_tpm_limit, &mut row.session_tpm_limit),
            (self.session_rpm_limit, &mut row.session_rpm_limit),
        ] {
            if let Some(given) = given {
                *column = given;
            }
        }
        if let Some(given) = &self.static_headers {
            let headers = given.as_ref().map_or_else(|| Json::Object(Vec::new()), |map| map.0.clone());
            let fields = headers.as_object().unwrap_or_default();
            if let Some((name, _)) = fields.iter().find(|(_, value)| value.as_str().is_none()) {
                return Err(bad(format!("static_headers.{name}: a header is a text"))
                    .with_param("static_headers")
                    .into());
            }
            row.static_headers = Some(headers.to_raw());
        }
        for (given, column) in [
            (list(&self.extra_headers), &mut row.extra_headers),
            (list(&self.agent_access_groups), &mut row.agent_access_groups),
            (list(&self.access_group_ids), &mut row.access_group_ids),
        ] {
            if let Some(mut given) = given {
                let mut seen = std::collections::HashSet::new();
                given.retain(|item| seen.insert(item.clone()));
                *column = given;
            }
        }
        Ok(())
    }
}
