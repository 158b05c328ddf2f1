//! Many keys at once: each for itself, and the answer says what became of each.

use llm_types::Json;

use super::{Actor, bad, view};
use crate::Accounts;
use crate::request::{Outcome, body, required};

body! {
    /// `/key/bulk_update`.
    struct BulkBody {
        keys: Json,
    }
}

/// Keys of one call at the most, as in LiteLLM.
const MOST: usize = 500;

impl Accounts {
    /// `POST /key/bulk_update`: the body of `/key/update` for many keys.
    ///
    /// # Errors
    /// 400 without keys or with too many.
    pub async fn bulk_update_keys(&self, actor: Actor<'_>, body: &Json) -> Outcome<Json> {
        let keys = required(BulkBody::read(body)?.keys, "keys", body)?;
        let keys = keys.as_array().unwrap_or_default();
        if keys.is_empty() {
            return Err(bad("No keys provided").with_param("keys").into());
        }
        if keys.len() > MOST {
            return Err(bad(format!("At most {MOST} keys can be updated at once.")).with_param("keys").into());
        }
        let (mut good, mut failed) = (Vec::new(), Vec::new());
        for change in keys {
            let key = change.get("key").cloned().unwrap_or_default();
            match self.update_key(actor, change).await {
                Ok(mut info) => {
                    info.remove("key");
                    good.push(Json::object([("key", key), ("key_info", info)]));
                }
                Err(problem) => {
                    let info = match key.as_str() {
                        Some(key) => self.key_row(key).await.ok(),
                        None => None,
                    };
                    failed.push(Json::object([
                        ("key", key),
                        ("key_info", info.as_ref().map(view::info).unwrap_or_default()),
                        ("failed_reason", Json::from(problem.text())),
                    ]));
                }
            }
        }
        Ok(Json::object([
            ("total_requested", Json::from(keys.len() as u64)),
            ("successful_updates", Json::Array(good)),
            ("failed_updates", Json::Array(failed)),
        ]))
    }
}
