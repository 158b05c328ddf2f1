//! The people that a body names by id or address, for teams and organizations alike.

use llm_store::defaults::new_id;
use llm_store::{Filter, StoreTx, UserRow};
use llm_types::Json;

use crate::keys::{bad, not_found};
use crate::request::{FieldProblem, FieldType as _, Outcome, Problem};

/// One member of a body: `{"user_id"|"user_email", "role"}`.
#[derive(Debug, Clone)]
pub(crate) struct Named {
    pub(crate) user_id: Option<String>,
    pub(crate) user_email: Option<String>,
    pub(crate) role: String,
}

/// The members of a body's field: one object or a list of them, each with one of these roles.
///
/// # Errors
/// 422 for another form or role, 400 where nobody is named.
pub(crate) fn named(field: &'static str, given: &Json, roles: &[&str]) -> Outcome<Vec<Named>> {
    let problem = |message, input: &Json| {
        Problem::Fields(vec![FieldProblem {
            field: field.to_owned(),
            kind: "value_error",
            message,
            input: input.clone(),
        }])
    };
    let one = |json: &Json| {
        let text = |name: &str| json.get(name).and_then(|v| String::read(v).ok()).filter(|v| !v.is_empty());
        let role = text("role").ok_or_else(|| problem("A member needs a role", json))?;
        if !roles.contains(&role.as_str()) {
            return Err(problem("Unknown role", json));
        }
        let named = Named { user_id: text("user_id"), user_email: text("user_email"), role };
        if named.user_id.is_none() && named.user_email.is_none() {
            return Err(nobody_named());
        }
        Ok(named)
    };
    match given {
        Json::Array(list) if list.is_empty() => Err(problem("Name at least one member", given)),
        Json::Array(list) => list.iter().map(one).collect(),
        Json::Object(_) => Ok(vec![one(given)?]),
        other => Err(problem("Input should be a member or a list of members", other)),
    }
}

fn nobody_named() -> Problem {
    bad("Either user_id or user_email must be provided").with_param("user_id").into()
}

/// The user that is meant; nothing when there is no row.
///
/// # Errors
/// 400 when nobody is named or an address belongs to several.
pub(crate) async fn user(tx: &mut StoreTx, id: Option<&str>, email: Option<&str>) -> Outcome<Option<UserRow>> {
    if let Some(id) = id {
        return Ok(tx.table::<UserRow>().get([id]).await?);
    }
    let email = email.ok_or_else(nobody_named)?;
    let mut found = tx.table::<UserRow>().find(Filter::new().is("user_email", email.to_owned())).await?;
    if found.len() > 1 {
        let why = format!("Multiple users with email {email} found. Please use user_id instead.");
        return Err(bad(why).with_param("user_email").into());
    }
    Ok(found.pop())
}

/// The id of the user that is meant, who must be there unless named by id.
///
/// # Errors
/// As [`user`]; 404 for an address that nobody has.
pub(crate) async fn user_id(tx: &mut StoreTx, id: Option<String>, email: Option<String>) -> Outcome<String> {
    if let Some(id) = id.filter(|id| !id.is_empty()) {
        return Ok(id);
    }
    let found = user(tx, None, email.as_deref()).await?;
    found.map(|row| row.user_id).ok_or_else(|| not_found("User not found").with_param("user_email").into())
}

/// The user that is meant, made when there is none.
///
/// # Errors
/// As [`user`].
pub(crate) async fn user_or_new(tx: &mut StoreTx, named: &Named) -> Outcome<UserRow> {
    if let Some(row) = user(tx, named.user_id.as_deref(), named.user_email.as_deref()).await? {
        return Ok(row);
    }
    let row = UserRow {
        user_id: named.user_id.clone().unwrap_or_else(new_id),
        user_email: named.user_email.clone(),
        user_role: Some("internal_user".to_owned()),
        ..UserRow::default()
    };
    tx.table().insert(&row).await?;
    Ok(row)
}
