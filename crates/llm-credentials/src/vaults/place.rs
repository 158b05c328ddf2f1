//! Where in a vault the secrets of one team lie, where that is not the usual place.

use llm_types::{Error, Json, Result};

/// Another place in the same vault. What is not said stays as usual; an empty text takes the usual away.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VaultPlace {
    /// `namespace`
    pub namespace: Option<String>,
    /// `mount`
    pub mount: Option<String>,
    /// `path_prefix`
    pub prefix: Option<String>,
    /// `data`: the field of a secret that holds it.
    pub field: Option<String>,
}

impl VaultPlace {
    /// Reads LiteLLM's `secret_manager_settings` of a team; other fields are for other services. Nothing where nothing is said.
    ///
    /// # Errors
    /// 400 for what is no text.
    pub fn parse(settings: &Json) -> Result<Option<Self>> {
        let settings = settings.get("secret_manager_settings").unwrap_or(settings);
        let text = |name: &str| match settings.get(name) {
            None => Ok(None),
            Some(Json::Null) => Ok(Some(String::new())),
            Some(Json::String(text)) => Ok(Some(text.trim().trim_matches('/').to_owned())),
            Some(_) => {
                let why = format!("secret_manager_settings: `{name}` has to be a text");
                Err(Error::bad_request(why).with_param("secret_manager_settings"))
            }
        };
        let place = Self {
            namespace: text("namespace")?,
            mount: text("mount")?.filter(|mount| !mount.is_empty()),
            prefix: text("path_prefix")?,
            field: text("data")?.filter(|field| !field.is_empty()),
        };
        Ok((place != Self::default()).then_some(place))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_said_stays() {
        let parse = |text: &str| VaultPlace::parse(&serde_json::from_str(text).unwrap());
        assert_eq!(parse(r#"{"aws_role_name":"r"}"#).unwrap(), None);
        let place = parse(r#"{"secret_manager_settings":{"mount":"/teams/","namespace":null,"data":""}}"#).unwrap();
        let wanted =
            VaultPlace { namespace: Some(String::new()), mount: Some("teams".to_owned()), ..VaultPlace::default() };
        assert_eq!(place, Some(wanted));
        assert!(parse(r#"{"mount":1}"#).is_err());
    }
}
