//! Key management: what the API does to keys. Call these on the store's runtime ([`Accounts::background`]).

mod body;
pub(crate) mod bounds;
mod bulk;
mod change;
mod copies;
mod entries;
mod fill;
mod gone;
mod grants;
mod make;
mod moved;
mod policy;
mod read;
pub(crate) mod rights;
mod rotation;
mod soft;
mod spend;
mod throughput;
mod turns;
pub(crate) mod view;
mod within;

use chrono::{DateTime, NaiveDateTime, Utc};
use llm_store::{DeletedBy, Store, VerificationToken};
use llm_types::{Error, Kind};

use crate::request::Outcome;
use crate::{Accounts, Identity, KeyDigest};

pub(crate) use change::stays;
pub use copies::KeyCopies;
pub(crate) use fill::{bad, period, renewal, reset};
pub use policy::{AliasRule, KeyGeneration, KeyMakers};
pub use read::KeyListQuery;
pub(crate) use rights::forbidden;
pub use rotation::KeyRotation;
pub(crate) use throughput::read as limits_in_metadata;

/// Reads an instant as people and LiteLLM write it: RFC 3339, or without a zone, which means UTC.
pub(crate) fn instant(text: &str) -> Option<DateTime<Utc>> {
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Some(time.with_timezone(&Utc));
    }
    let forms = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f"];
    let time = forms.iter().find_map(|form| NaiveDateTime::parse_from_str(text, form).ok());
    let day = || chrono::NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?.and_hms_opt(0, 0, 0);
    time.or_else(day).map(|t| t.and_utc())
}

/// Who makes a management call.
#[derive(Debug, Clone, Copy)]
pub struct Actor<'a> {
    /// The caller.
    pub who: &'a Identity,
    /// The `litellm-changed-by` header.
    pub changed_by: Option<&'a str>,
}

impl Actor<'_> {
    /// The name that goes into `created_by` and `updated_by`.
    pub(crate) fn name(&self) -> Option<String> {
        self.changed_by.or_else(|| self.who.user_id()).map(str::to_owned)
    }

    pub(crate) fn deleted_by(&self) -> DeletedBy {
        DeletedBy {
            user: self.who.user_id().map(str::to_owned),
            api_key: self.who.key_hash().map(str::to_owned),
            changed_by: self.changed_by.map(str::to_owned),
        }
    }
}

pub(crate) fn not_found(message: impl Into<String>) -> Error {
    Error::new(Kind::NotFound, message).with_type("not_found_error")
}

impl Accounts {
    /// The store of a management call.
    ///
    /// # Errors
    /// 500 without a database, as LiteLLM answers.
    pub fn store_or_refuse(&self) -> Outcome<&Store> {
        self.store().ok_or_else(|| {
            Error::internal("Database not connected. Connect a database to your proxy to use keys, teams and users.")
                .into()
        })
    }

    /// The row of a key named by itself or its hash.
    pub(crate) async fn key_row(&self, key: &str) -> Outcome<VerificationToken> {
        let hash = KeyDigest::of_key_or_hash(key).hex();
        let row = self.store_or_refuse()?.keys().get_by_hash(&hash).await?;
        row.ok_or_else(|| not_found("Key not found in database").with_param("key").into())
    }

    /// Forgets a key by the hash of its row.
    pub(crate) fn forget_hash(&self, hash: &str) {
        if let Some(digest) = KeyDigest::from_hex(hash) {
            self.forget_key(&digest);
        }
        // Old keys in their grace period lead to the same row.
        self.forget_keys(|known| known.key_hash() == Some(hash));
    }
}
