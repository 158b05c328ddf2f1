//! The bodies of model management calls.

use llm_types::Json;

use crate::request::{Map, body};

body! {
    /// `/model/new`, `/model/update`.
    struct ModelBody {
        model_name: String,
        litellm_params: Map,
        model_info: Map,
        blocked: bool,
    }
}

body! {
    /// `/model/delete` names `id`, `/model/block` names `model_id`.
    struct OneModelBody {
        id: String,
        model_id: String,
    }
}

/// The team that a model belongs to.
pub(super) fn team_of(info: &Json) -> Option<String> {
    info.text("team_id").filter(|team| !team.is_empty()).map(str::to_owned)
}

/// What was there with what is given laid over it; null removes.
pub(crate) fn merged(there: &Json, given: &Json) -> Json {
    let mut out = Json::Object(there.as_object().unwrap_or_default().to_vec());
    for (name, value) in given.as_object().unwrap_or_default() {
        if value.is_null() {
            out.remove(name);
        } else {
            out.set(name, value.clone());
        }
    }
    out
}
