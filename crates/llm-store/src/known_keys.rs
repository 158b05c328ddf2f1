//! Who keys are, or were: for reports over rows that name them by their hashes.

use std::collections::BTreeMap;

use crate::error::Result;
use crate::filter::Filter;
use crate::rows::DeletedTokenRow;
use crate::store::Store;

/// What is known of a key, deleted or not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KnownKey {
    /// Its name.
    pub key_alias: Option<String>,
    /// Its team.
    pub team_id: Option<String>,
    /// Its owner.
    pub user_id: Option<String>,
    /// Its organization.
    pub organization_id: Option<String>,
    /// It is not deleted.
    pub exists: bool,
}

macro_rules! known {
    ($row:ident, $exists:literal) => {
        KnownKey {
            key_alias: $row.key_alias,
            team_id: $row.team_id,
            user_id: $row.user_id,
            organization_id: $row.organization_id,
            exists: $exists,
        }
    };
}

impl Store {
    /// Who the keys with these hashes are or were; nothing of those that never were.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn known_keys(&self, hashes: &[String]) -> Result<BTreeMap<String, KnownKey>> {
        let rows = self.keys().get_many(hashes).await?;
        let mut out: BTreeMap<String, KnownKey> =
            rows.into_iter().map(|row| (row.token.clone(), known!(row, true))).collect();
        let gone: Vec<String> = hashes.iter().filter(|hash| !out.contains_key(*hash)).cloned().collect();
        if !gone.is_empty() {
            let rows = self.table::<DeletedTokenRow>().find(Filter::new().any_of("token", gone)).await?;
            out.extend(rows.into_iter().map(|row| (row.token.clone(), known!(row, false))));
        }
        Ok(out)
    }
}
