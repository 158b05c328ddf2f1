//! From claims to who somebody is said to be. Pure: what rows say comes later.

use chrono::DateTime;
use llm_idp::Claims;
use llm_types::Result;

use super::{Fields, JwtAuth};
use crate::allow::matches;
use crate::entry::refused::forbidden;
use crate::entry::said::{Fence, Said, Teams};
use crate::{ModelList, Role};

/// A list that nothing is on.
const NOTHING: &str = "no-default-models";

/// What a token says of its holder, in LiteLLM's order of checks.
///
/// # Errors
/// 403 where the token may nothing here.
pub(super) fn said(jwt: &JwtAuth, fields: &Fields, claims: &Claims) -> Result<Said> {
    let text = |path: &Option<String>| path.as_ref().and_then(|path| claims.text(path));
    let texts = |path: &Option<String>| path.as_ref().map(|path| claims.texts(path)).unwrap_or_default();
    let (scopes, mapped) = (claims.scopes(), mapped_role(jwt, fields, claims));
    let admin = scopes.contains(&jwt.admin_scope) || mapped == Some(Role::ProxyAdmin);

    let mut user_id = text(&fields.user_id_jwt_field);
    let email = text(&fields.user_email_jwt_field);
    let mut ids: Vec<String> = text(&fields.team_id_jwt_field).into_iter().collect();
    let object = text(&fields.object_id_jwt_field);
    match mapped {
        Some(Role::Team) if ids.is_empty() => ids.extend(object),
        Some(Role::InternalUser) if user_id.is_none() => user_id = object,
        _ => {}
    }
    let roles_of_user = texts(&fields.user_roles_jwt_field);
    let allowed = jwt.allowed_roles.as_ref().map(|allowed| roles_of_user.iter().any(|role| allowed.contains(role)));
    let rbac = match () {
        () if admin => Some(Role::ProxyAdmin),
        () if !ids.is_empty() => Some(Role::Team),
        () if user_id.is_some() || allowed == Some(true) => Some(Role::InternalUser),
        () => mapped,
    };
    let mut fences = Vec::new();
    if jwt.rbac {
        let role = rbac.ok_or_else(|| {
            forbidden("Unmatched token passed in. enforce_rbac is set to True. Token must belong to a proxy admin, team, or user.")
        })?;
        let rules = jwt.permissions.iter().filter(|rule| Role::parse(&rule.role) == Some(role));
        fences.extend(rules.map(|rule| Fence {
            models: list(rule.models.as_deref()),
            routes: rule.routes.clone().map_or_else(Vec::new, nothing_if_empty),
        }));
    }
    if admin {
        fences.push(Fence { models: list(None), routes: nothing_if_empty(jwt.admin_routes.clone()) });
        return Ok(Said { user_id, email, role: Some(Role::ProxyAdmin), fences, ..Said::default() }.until(claims));
    }
    if allowed == Some(false) {
        return Err(forbidden("None of the token's roles is among user_allowed_roles"));
    }
    fences.extend(scope_fence(jwt, &scopes));
    if let Some(domain) = &jwt.email_domain {
        let domain = domain.trim_start_matches('@');
        let own = email.as_deref().and_then(|email| email.rsplit_once('@')).map(|(_, own)| own);
        if !own.is_some_and(|own| own.eq_ignore_ascii_case(domain)) {
            return Err(forbidden(format!("The token's email is not of the domain {domain}")));
        }
    }
    for id in texts(&fields.team_ids_jwt_field) {
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    let aliases = if ids.is_empty() { texts(&fields.team_alias_jwt_field) } else { Vec::new() };
    let from_list = ids.len() > 1 || text(&fields.team_id_jwt_field).is_none();
    let row_role = row_role(jwt, roles_of_user.into_iter().chain(texts(&fields.roles_jwt_field)));
    let said = Said {
        email_verified: claims.at("email_verified").and_then(llm_types::Json::as_bool) == Some(true),
        user_id,
        email,
        teams: Teams {
            ids,
            aliases,
            or_of_database: jwt.teams_of_database,
            default: jwt.team_default.clone(),
            needed: jwt.needs_team,
            lenient: from_list || jwt.team_claim_fallback,
        },
        organization: text(&fields.org_id_jwt_field),
        organization_alias: text(&fields.org_alias_jwt_field),
        end_user: text(&fields.end_user_id_jwt_field),
        agent: text(&fields.agent_id_jwt_field),
        role: None,
        row_role,
        fences,
        team_routes: nothing_if_empty(jwt.team_routes.clone()),
        makes_user: jwt.user_upsert,
        makes_team: jwt.team_upsert,
        joins: jwt.joins_teams,
        syncs: jwt.syncs,
        ..Said::default()
    };
    Ok(said.until(claims))
}

impl Said {
    fn until(self, claims: &Claims) -> Self {
        // A token without an end was refused; one at the end of time ends soon enough.
        let expires = claims.expires().and_then(|at| DateTime::from_timestamp(at as i64, 0));
        Self { expires, ..self }
    }
}

/// Our role that one of the token's roles stands for.
fn mapped_role(jwt: &JwtAuth, fields: &Fields, claims: &Claims) -> Option<Role> {
    let roles = fields.roles_jwt_field.as_ref().map(|path| claims.texts(path)).unwrap_or_default();
    let mut mappings = jwt.role_mappings.iter();
    Role::parse(&mappings.find(|mapping| roles.contains(&mapping.role))?.internal_role)
}

/// The role that the user's row is to have: the first rule that fits one of the token's roles.
fn row_role(jwt: &JwtAuth, roles: impl Iterator<Item = String>) -> Option<Role> {
    let roles: Vec<String> = roles.collect();
    let mut rules = jwt.user_roles.iter();
    Role::parse(&rules.find(|rule| roles.iter().any(|role| matches(&rule.jwt_role, role)))?.litellm_role)
}

/// What the scopes allow, all of them together; without one that is known, nothing.
fn scope_fence(jwt: &JwtAuth, scopes: &[String]) -> Option<Fence> {
    let mappings = jwt.scope_mappings.as_ref()?;
    let own = || mappings.iter().filter(|mapping| scopes.contains(&mapping.scope));
    let models: Vec<String> = own().filter_map(|mapping| mapping.models.clone()).flatten().collect();
    let routes: Vec<String> = own().filter_map(|mapping| mapping.routes.clone()).flatten().collect();
    let speaks_of_routes = mappings.iter().any(|mapping| mapping.routes.is_some());
    Some(Fence {
        models: list(Some(&models)),
        routes: if speaks_of_routes { nothing_if_empty(routes) } else { Vec::new() },
    })
}

/// Models that a rule names: none named are none, no list is all.
fn list(models: Option<&[String]>) -> ModelList {
    match models {
        None => ModelList::new(&[]),
        Some([]) => ModelList::new(&[NOTHING.to_owned()]),
        Some(models) => ModelList::new(models),
    }
}

/// An empty list of routes allows everything on an identity; here it allows nothing.
fn nothing_if_empty(routes: Vec<String>) -> Vec<String> {
    if routes.is_empty() { vec![NOTHING.to_owned()] } else { routes }
}
