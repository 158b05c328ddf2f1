//! Internal users: making, changing, reading and deleting them. Call these on the store's runtime.

mod body;
mod change;
mod fill;
mod make;
mod newcomer;
mod read;
mod remove;

pub use read::UserListQuery;

/// Fields that a body of `/user/new` may have.
pub(crate) fn known_fields() -> impl Iterator<Item = &'static str> {
    let lists = [body::UserBody::FIELDS, body::OF_KEY, body::IN_METADATA];
    lists.into_iter().flat_map(|list| list.iter().copied())
}

/// Fields that LiteLLM's body has besides; what they say is of no use here, or said elsewhere.
pub(crate) const NO_EFFECT: &[&str] = &["agent_id", "budget_fallbacks", "budget_limits", "config", "permissions"];
