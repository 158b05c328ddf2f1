//! What a trusted proxy says of a caller in headers (`oauth2_config_mappings`).

use llm_types::Result;

use super::said::{Fence, Said, Teams};
use super::settings::{Network, ProxyHeaders};
use super::{Asking, refused};
use crate::{KeyDigest, ModelList, Role};

/// Who a trusted proxy says that the caller is; nothing when it is none, or says nothing.
pub(super) fn said(mapped: &ProxyHeaders, network: &Network, asking: &Asking<'_>) -> Option<(KeyDigest, Result<Said>)> {
    if !asking.connected.is_some_and(|address| network.trusts(address)) {
        return None;
    }
    let mut said = Said::default();
    let mut text = String::from("proxy\0");
    for (field, header) in &mapped.0 {
        let mut values = asking.headers.get_all(header.as_str()).iter();
        let Some(value) = values.next() else { continue };
        let value = value.to_str().map(str::trim).ok().filter(|_| values.next().is_none());
        let Some(value) = value else {
            // Twice, or not a text: somebody in front of the proxy may have written it.
            let error = refused::unauthorized(format!("Authentication Error, the header {header} cannot be read"));
            return Some((KeyDigest::of("proxy\0"), Err(error)));
        };
        if value.is_empty() {
            continue;
        }
        text.push_str(&format!("{field}\0{value}\0"));
        let own = || Some(value.to_owned());
        match field.as_str() {
            "user_id" => said.user_id = own(),
            "user_email" => said.email = own(),
            "user_role" => said.role = Role::parse(value),
            "team_id" => said.teams = Teams { ids: vec![value.to_owned()], ..Teams::default() },
            "org_id" => said.organization = own(),
            "end_user_id" => said.end_user = own(),
            "agent_id" => said.agent = own(),
            "models" => {
                let models: Vec<String> = value.split(',').map(|model| model.trim().to_owned()).collect();
                said.fences.push(Fence { models: ModelList::new(&models), routes: Vec::new() });
            }
            _ => {}
        }
    }
    // A role alone is nobody.
    let named = said.user_id.is_some() || said.teams != Teams::default();
    named.then(|| (KeyDigest::of(&text), Ok(said)))
}
