//! What people hold for MCP servers: keys and tokens of their own, sealed, one for each person and server. Nobody but the
//! gateway reads them, and only for calls of the person. Call these on the store's runtime.
//!
//! Rows are LiteLLM's (`LiteLLM_MCPUserCredentials`): a sealed text, which is a key, or JSON of the type `oauth2`.

use chrono::{DateTime, Utc};
use llm_store::defaults::new_id;
use llm_store::{Filter, McpUserCredentialRow, StoreTx};
use llm_types::{Json, Secret};

use crate::Accounts;
use crate::keys::bad;
use crate::request::{Outcome, Problem};
use crate::seal::Seal;

/// The longest credential, in bytes.
const LONGEST: usize = 16 << 10;
/// A token that ends so soon is not used any more, in seconds.
const SPARE: i64 = 30;

/// What somebody holds for a server.
#[derive(Debug, Clone)]
pub struct HeldCredential {
    /// `server_id`.
    pub server: String,
    /// What it is.
    pub kind: Held,
}

/// A key or a token.
#[derive(Debug, Clone)]
pub enum Held {
    /// A key, as it is (`byok`).
    Key(Secret),
    /// A token of OAuth 2.
    Token(Box<HeldToken>),
}

/// A token of OAuth 2, with what came along.
#[derive(Debug, Clone)]
pub struct HeldToken {
    /// The access token.
    pub access: Secret,
    /// What gets a new one.
    pub refresh: Option<Secret>,
    /// When it ends; nothing: nobody said.
    pub expires_at: Option<DateTime<Utc>>,
    /// Since when it is here.
    pub connected_at: Option<DateTime<Utc>>,
    /// What it is good for.
    pub scopes: Vec<String>,
}

impl Held {
    /// `credential_type`.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Key(_) => "byok",
            Self::Token(_) => "oauth2",
        }
    }

    fn read(text: String) -> Self {
        let token = serde_json::from_str::<Json>(&text).ok().filter(|json| json.text("type") == Some("oauth2"));
        let Some((json, access)) = token.as_ref().and_then(|json| Some((json, json.text("access_token")?))) else {
            return Self::Key(Secret::new(text));
        };
        let time = |field| {
            let read = json.text(field).and_then(|text| DateTime::parse_from_rfc3339(text).ok());
            read.map(|time| time.with_timezone(&Utc))
        };
        Self::Token(Box::new(HeldToken {
            access: Secret::new(access),
            refresh: json.text("refresh_token").map(Secret::new),
            expires_at: time("expires_at"),
            connected_at: time("connected_at"),
            scopes: crate::load::texts(json, "scopes"),
        }))
    }

    fn write(&self) -> String {
        let token = match self {
            Self::Key(key) => return key.expose().to_owned(),
            Self::Token(token) => token,
        };
        let mut json = Json::object([("type", "oauth2"), ("access_token", token.access.expose())]);
        if let Some(refresh) = &token.refresh {
            json.set("refresh_token", refresh.expose());
        }
        for (field, time) in [("connected_at", token.connected_at), ("expires_at", token.expires_at)] {
            if let Some(time) = time {
                json.set(field, time.to_rfc3339());
            }
        }
        if !token.scopes.is_empty() {
            json.set("scopes", Json::Array(token.scopes.iter().map(|scope| Json::from(scope.as_str())).collect()));
        }
        json.to_string()
    }
}

impl HeldToken {
    /// True when it has ended, or does so while a call would run.
    #[must_use]
    pub fn has_ended(&self, now: DateTime<Utc>) -> bool {
        self.expires_at.is_some_and(|end| end.timestamp() - now.timestamp() < SPARE)
    }
}

impl Accounts {
    /// What a person holds. What the seal does not open is not there: the person has to store it anew.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn held_credentials(&self, user: &str) -> Outcome<Vec<HeldCredential>> {
        let rows = self.held_rows(Filter::new().is("user_id", user.to_owned())).await?;
        let seal = self.seal();
        Ok(rows.iter().filter_map(|row| opened(row, seal.as_ref())).collect())
    }

    /// Who holds something for a server, for administrators: no secrets.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn credential_holders(&self, server: &str) -> Outcome<Json> {
        let rows = self.held_rows(Filter::new().is("server_id", server.to_owned())).await?;
        let seal = self.seal();
        let told = rows.iter().map(|row| {
            let held = opened(row, seal.as_ref()).map(|held| held.kind);
            let mut out = Json::object([
                ("user_id", Json::from(row.user_id.as_str())),
                ("credential_type", Json::from(held.as_ref().map_or("byok", Held::name))),
                ("updated_at", Json::from(row.updated_at.to_rfc3339())),
            ]);
            let token = if let Some(Held::Token(token)) = &held { Some(token) } else { None };
            for (field, time) in [
                ("expires_at", token.and_then(|token| token.expires_at)),
                ("connected_at", token.and_then(|token| token.connected_at)),
            ] {
                out.set(field, Json::from(time.map(|time| time.to_rfc3339()).as_deref()));
            }
            out
        });
        Ok(Json::Array(told.collect()))
    }

    /// Stores what a person holds for a server, in place of what was there; a token does not take the place of a key.
    ///
    /// # Errors
    /// 400 for what is empty, too long or would take a key's place; 500 without a key to seal it with.
    pub async fn hold_credential(&self, user: &str, server: &str, held: &Held) -> Outcome<()> {
        let text = held.write();
        let first = match held {
            Held::Key(key) => key,
            Held::Token(token) => &token.access,
        };
        if first.expose().trim().is_empty() || text.len() > LONGEST {
            return Err(bad("a credential must be a text of at most 16 KiB").with_param("credential").into());
        }
        let seal = self.seal_or_refuse()?;
        let sealed = seal.seal(&text)?;
        let mut tx = self.store_or_refuse()?.begin().await?;
        let known = tx.table::<McpUserCredentialRow>().find(whose(user, server)).await?;
        let before = known.first();
        let is_key =
            before.and_then(|row| opened(row, Some(&seal))).is_some_and(|held| matches!(held.kind, Held::Key(_)));
        if is_key && matches!(held, Held::Token(_)) {
            return Err(bad("a key is stored for this MCP server: delete it first").with_param("server_id").into());
        }
        let row = McpUserCredentialRow {
            id: before.map_or_else(new_id, |row| row.id.clone()),
            user_id: user.to_owned(),
            server_id: server.to_owned(),
            credential_b64: sealed,
            created_at: before.map_or_else(Utc::now, |row| row.created_at),
            updated_at: Utc::now(),
        };
        tx.table().put(&row).await?;
        tx.commit().await.map_err(Problem::from)
    }

    /// Forgets what a person holds for a server, if it is of this kind (`byok`, `oauth2`).
    ///
    /// # Errors
    /// When the store fails.
    pub async fn drop_credential(&self, user: &str, server: &str, kind: &str) -> Outcome<()> {
        let rows = self.held_rows(whose(user, server)).await?;
        let seal = self.seal();
        let mut tx = self.store_or_refuse()?.begin().await?;
        for row in &rows {
            // What cannot be opened is nobody's any more.
            if opened(row, seal.as_ref()).is_none_or(|held| held.kind.name() == kind) {
                tx.table::<McpUserCredentialRow>().delete([row.id.as_str()]).await?;
            }
        }
        tx.commit().await.map_err(Problem::from)
    }

    async fn held_rows(&self, filter: Filter) -> Outcome<Vec<McpUserCredentialRow>> {
        Ok(self.store_or_refuse()?.table::<McpUserCredentialRow>().find(filter).await?)
    }
}

/// Forgets what people hold for a server that becomes another one, or goes: it was given to the old one.
///
/// # Errors
/// When the store fails.
pub(crate) async fn forget_server(tx: &mut StoreTx, server: &str) -> Outcome<()> {
    tx.table::<McpUserCredentialRow>().delete_where(&Filter::new().is("server_id", server.to_owned())).await?;
    Ok(())
}

fn whose(user: &str, server: &str) -> Filter {
    Filter::new().is("user_id", user.to_owned()).is("server_id", server.to_owned())
}

fn opened(row: &McpUserCredentialRow, seal: Option<&Seal>) -> Option<HeldCredential> {
    let opened = seal.and_then(|seal| seal.open(&row.credential_b64));
    if opened.is_none() {
        tracing::warn!(server = row.server_id, "a credential of a person cannot be opened: another salt key sealed it");
    }
    Some(HeldCredential { server: row.server_id.clone(), kind: Held::read(opened?) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_litellms() {
        let text = r#"{"type":"oauth2","access_token":"a","refresh_token":"r","connected_at":"2026-01-01T00:00:00+00:00","expires_at":"2026-01-01T01:00:00.500000+00:00","scopes":["x"]}"#;
        let Held::Token(token) = Held::read(text.to_owned()) else { panic!("no token") };
        assert_eq!((token.access.expose(), token.refresh.as_ref().map(Secret::expose)), ("a", Some("r")));
        let at = |text: &str| DateTime::parse_from_rfc3339(text).unwrap().with_timezone(&Utc);
        assert!(!token.has_ended(at("2026-01-01T00:59:00Z")) && token.has_ended(at("2026-01-01T00:59:45Z")));
        let Held::Token(again) = Held::read(Held::Token(token.clone()).write()) else { panic!("no token") };
        assert_eq!((again.scopes, again.expires_at), (token.scopes.clone(), token.expires_at));
        for key in ["sk-1", "{\"a\":1}", "{\"type\":\"oauth2\"}"] {
            let Held::Key(read) = Held::read(key.to_owned()) else { panic!("{key} is a token") };
            assert_eq!(read.expose(), key);
        }
        assert!(!format!("{:?}", Held::Token(token)).contains("\"a\""));
    }
}
