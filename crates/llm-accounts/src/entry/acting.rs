//! Which of a caller's identities makes a request.

use std::sync::Arc;

use llm_types::Result;

use super::{Asking, refused};
use crate::identity::Rank;
use crate::{Identity, in_routes};

/// Which of the identities of a caller makes this request: by the team that is asked for, and by the route.
pub(super) fn for_request(known: &Arc<Identity>, asking: &Asking<'_>) -> Result<Arc<Identity>> {
    if known.rank != Rank::Token || known.is_admin() {
        return Ok(Arc::clone(known));
    }
    let wanted = asking.headers.get("x-litellm-team-id").map(|value| value.to_str().unwrap_or_default());
    let Some(together) = &known.together else {
        return match wanted {
            Some(_) => Err(refused::forbidden("The caller is not in the team of x-litellm-team-id")),
            None => Ok(Arc::clone(known)),
        };
    };
    let for_teams = together.routes.is_empty() || in_routes(&together.routes, asking.path);
    if let Some(wanted) = wanted {
        let own = match &together.others[..] {
            [] => Some(known).filter(|who| who.team_id() == Some(wanted)),
            others => others.iter().find(|who| who.team_id() == Some(wanted)),
        };
        let own = own.ok_or_else(|| refused::forbidden("The caller is not in the team of x-litellm-team-id"))?;
        return if for_teams { Ok(Arc::clone(own)) } else { Err(crate::refusal::route_denied(asking.path)) };
    }
    match &together.alone {
        _ if for_teams => Ok(Arc::clone(known)),
        // Models are called for a team, or not at all.
        Some(alone) if !in_routes(&["llm_api_routes"], asking.path) => Ok(Arc::clone(alone)),
        _ => Err(crate::refusal::route_denied(asking.path)),
    }
}
