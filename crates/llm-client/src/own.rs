//! An address and a key that a client brings along, where the operator lets it (`allow_client_side_credentials`,
//! `configurable_clientside_auth_params`). Nothing of the operator's goes to an address of a client's.

use std::sync::Arc;

use llm_catalog::Catalog;
use llm_providers::Params;
use llm_types::{Error, Json, Result, Secret};
use regex::Regex;

use crate::target::{Target, TargetConfig};

/// Parameters of a deployment that stay what they are at an address of a client's: none of them is a credential.
const KEPT: [&str; 9] = [
    "model",
    "custom_llm_provider",
    "api_version",
    "drop_params",
    "additional_drop_params",
    "allowed_openai_params",
    "modify_params",
    "input_cost_per_token",
    "output_cost_per_token",
];

/// What clients may bring along for a deployment: names of parameters, and patterns of addresses.
#[derive(Debug, Clone, Default)]
pub struct MayBring {
    names: Vec<String>,
    addresses: Vec<Regex>,
}

/// What a client brings along.
#[derive(Debug, Clone)]
pub struct Own {
    /// An address.
    pub base: Option<String>,
    /// A key.
    pub key: Option<Secret>,
    /// The operator did not name the address: it may lead to public hosts only.
    pub guarded: bool,
}

impl MayBring {
    /// Reads a list of names, and of maps from `api_base` to a pattern.
    pub(crate) fn read(json: Option<&Json>) -> Result<Self> {
        let wrong = || {
            Error::bad_request(
                "configurable_clientside_auth_params must be names of parameters and {api_base: pattern}",
            )
        };
        let mut out = Self::default();
        let items = match json {
            None | Some(Json::Null) => return Ok(out),
            Some(list) => list.as_array().ok_or_else(wrong)?,
        };
        for item in items {
            match item {
                Json::String(name) => out.names.push(name.clone()),
                Json::Object(_) => {
                    let pattern = item.text("api_base").ok_or_else(wrong)?;
                    // All of the address: a pattern that fits its beginning would fit a host of anybody's.
                    let whole = Regex::new(&format!("^(?:{pattern})$")).map_err(|_| wrong())?;
                    out.addresses.push(whole);
                }
                _ => return Err(wrong()),
            }
        }
        Ok(out)
    }

    /// A client may set this parameter to this value.
    #[must_use]
    pub fn allows(&self, name: &str, value: &str) -> bool {
        self.names.iter().any(|known| known == name) || (is_address(name) && self.knows(value))
    }

    /// The operator named this address.
    #[must_use]
    pub fn knows(&self, address: &str) -> bool {
        self.addresses.iter().any(|pattern| pattern.is_match(address))
    }
}

fn is_address(name: &str) -> bool {
    matches!(name, "api_base" | "base_url")
}

impl Target {
    /// The same deployment with what a client brings along.
    ///
    /// # Errors
    /// 400 for an address without a key: the operator's stays with the operator.
    pub(crate) fn with_own(&self, own: &Own, catalog: &Catalog) -> Result<Self> {
        let brings_address = own.base.is_some();
        if brings_address && own.key.is_none() {
            return Err(
                Error::bad_request("an api_base of your own needs an api_key of your own").with_param("api_key")
            );
        }
        let stays = |name: &str| match brings_address {
            true => KEPT.contains(&name),
            false => name != "api_key",
        };
        let mut params: Vec<(String, Json)> = self
            .params
            .iter()
            .filter(|(name, _)| stays(name))
            .map(|(name, value)| (name.to_owned(), value.clone()))
            .collect();
        if let Some(base) = &own.base {
            params.push(("api_base".to_owned(), Json::from(base.as_str())));
        }
        if let Some(key) = &own.key {
            params.push(("api_key".to_owned(), Json::from(key.expose())));
        }
        let info = self.info.iter().map(|(name, value)| (name.to_owned(), value.clone())).collect();
        // The environment holds credentials of the operator's, too.
        let seen = match brings_address {
            true => Params::without_env(params.iter().cloned()),
            false => params.iter().cloned().collect(),
        };
        let mut target = Self::with_params(&TargetConfig { params, info }, seen, catalog)?;
        target.at_clients = brings_address;
        Ok(target)
    }

    /// The same deployment of parameters that nobody stored: to an address among them goes nothing of the operator's, neither
    /// variables of the environment nor an identity of this machine.
    #[must_use]
    pub fn tried(mut self) -> Self {
        if self.api_base.is_some() {
            self.params = Params::without_env(self.params.iter().map(|(name, value)| (name.to_owned(), value.clone())));
            self.at_clients = true;
        }
        self.checked_as = self.checked_as.and_then(Arc::into_inner).map(|checked| Arc::new(checked.tried()));
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(params: &str) -> Target {
        let Json::Object(params) = serde_json::from_str(params).unwrap() else { panic!("no object") };
        Target::new(&TargetConfig { params, info: Vec::new() }, Catalog::builtin()).unwrap()
    }

    #[test]
    fn nothing_of_the_operators_goes_to_a_clients_address() {
        let ours = target(
            r#"{"model":"openai/gpt-4o","api_base":"https://ours.example/v1","api_key":"ours","organization":"org",
                "extra_headers":{"x-secret":"hush"},"extra_body":{"token":"hush"},"temperature":0.5}"#,
        );
        let own =
            Own { base: Some("https://theirs.example/v1".to_owned()), key: Some(Secret::new("theirs")), guarded: true };
        let theirs = ours.with_own(&own, Catalog::builtin()).unwrap();
        let held = format!("{:?} {:?}", theirs.params.iter().collect::<Vec<_>>(), theirs.defaults);
        assert!(!held.contains("hush") && !held.contains("org\""), "{held}");
        assert_eq!(
            (theirs.api_base.as_deref(), theirs.api_key.unwrap().expose()),
            (Some("https://theirs.example/v1"), "theirs")
        );
        let bare = Own { key: None, ..own };
        assert_eq!(ours.with_own(&bare, Catalog::builtin()).unwrap_err().param.as_deref(), Some("api_key"));
        let key = Own { base: None, key: Some(Secret::new("theirs")), guarded: false };
        let mixed = ours.with_own(&key, Catalog::builtin()).unwrap();
        assert_eq!(
            (mixed.api_base.as_deref(), mixed.api_key.unwrap().expose()),
            (Some("https://ours.example/v1"), "theirs")
        );
    }

    #[test]
    fn patterns_fit_whole_addresses() {
        let json: Json =
            serde_json::from_str(r#"["api_key",{"api_base":"https://[a-z]+\\.direct\\.example/v1"}]"#).unwrap();
        let may = MayBring::read(Some(&json)).unwrap();
        assert!(may.allows("api_key", "x") && may.allows("api_base", "https://a.direct.example/v1"));
        for wrong in [
            "https://a.direct.example/v1.evil.example",
            "http://a.direct.example/v1",
            "https://evil.example/?https://a.direct.example/v1",
        ] {
            assert!(!may.allows("api_base", wrong), "{wrong}");
        }
        assert!(!may.allows("aws_role_name", "x"));
        for wrong in [r#""api_key""#, "[1]", r#"[{"api_base":"("}]"#, r#"[{"x":"y"}]"#] {
            assert!(MayBring::read(Some(&serde_json::from_str(wrong).unwrap())).is_err(), "{wrong}");
        }
        assert!(!MayBring::read(None).unwrap().allows("api_key", "x"));
    }
}
