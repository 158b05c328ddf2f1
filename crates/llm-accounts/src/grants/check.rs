//! What a call may reach by its caller's object permissions.

use llm_types::Result;

use crate::{Identity, refusal};

impl Identity {
    /// The object permissions that hold for the caller; none of them for the master key.
    #[must_use]
    pub const fn grants(&self) -> &super::Grants {
        &self.grants
    }

    /// True when no list of vector stores holds for the caller.
    #[must_use]
    pub fn searches_all(&self) -> bool {
        self.store_lists().iter().all(|(list, _)| list.is_empty())
    }

    fn store_lists(&self) -> [(&[String], &'static str); 4] {
        let grants = &self.grants;
        let user = grants.user.as_ref().filter(|_| self.caller.team_id.is_none());
        let rows = [
            (grants.key.as_ref(), "key_vector_store_access_denied"),
            (grants.team.as_ref(), "team_vector_store_access_denied"),
            (grants.organization.as_ref(), "org_vector_store_access_denied"),
            (user, "user_vector_store_access_denied"),
        ];
        rows.map(|(row, denial)| (row.map_or(&[][..], |row| &row.vector_stores), denial))
    }

    /// Checks that the caller may use a vector store, which has one of these names: lists of the key, the team, the organization and, for keys
    /// without a team, the user; a list that is empty or missing allows all. Administrators are asked as well when their
    /// key has a list: it was put there on purpose.
    ///
    /// # Errors
    /// 403 naming the store, as LiteLLM's check does (`key_vector_store_access_denied` ...).
    pub fn may_search(&self, names: &[&str]) -> Result<()> {
        let within = |list: &[String]| list.iter().any(|known| names.contains(&known.as_str()));
        match self.store_lists().into_iter().find(|(list, _)| !list.is_empty() && !within(list)) {
            Some((_, denial)) => Err(refusal::store_denied(names.first().copied().unwrap_or_default(), denial)),
            None => Ok(()),
        }
    }
}
