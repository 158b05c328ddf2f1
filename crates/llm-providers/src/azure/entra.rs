//! Tokens of Microsoft's directory, when a deployment is not called with a key.

use llm_types::{AuthNeed, AzureAuth, Secret};

use crate::params::Params;

/// The setting that lets the whole chain of Azure's own libraries be looked through, managed identities included;
/// as a parameter, or as the variable that a gateway's `litellm_settings` become.
const ANY: &str = "enable_azure_ad_token_refresh";
const ANY_VARIABLE: &str = "ENABLE_AZURE_AD_TOKEN_REFRESH";

/// What is shown instead of a key.
#[derive(Debug)]
pub(crate) enum Directory {
    /// A token that somebody else renews.
    Token(Secret),
    /// A token to be asked for.
    Ask(AuthNeed),
}

/// What the parameters and the environment say, in LiteLLM's order: `azure_ad_token`, which may be a reference to a
/// token that is exchanged; an application's secret; a person's password; anything, where that is allowed. `None`:
/// nothing is configured. The machine's own identity is never used unasked: the deployment's host would be shown its
/// token.
pub(crate) fn directory(params: &Params) -> Option<Directory> {
    directory_for(params, "")
}

/// The same for a service whose tokens are for someone else than usual, where nobody says otherwise.
pub(crate) fn directory_for(params: &Params, usual: &str) -> Option<Directory> {
    let text = |name: &str, variable: &str| params.str(name).map(str::to_owned).or_else(|| params.env(variable));
    let token = text("azure_ad_token", "AZURE_AD_TOKEN");
    let scope = text("azure_scope", "AZURE_SCOPE").unwrap_or_else(|| usual.to_owned());
    let mut need = AzureAuth {
        scope,
        authority: params.env("AZURE_AUTHORITY_HOST"),
        tenant_id: text("tenant_id", "AZURE_TENANT_ID"),
        client_id: text("client_id", "AZURE_CLIENT_ID"),
        ..AzureAuth::default()
    };
    match token {
        Some(token) if token.starts_with("oidc/") => need.assertion = Some(Secret::new(token)),
        Some(token) => return Some(Directory::Token(Secret::new(token))),
        None => prove(params, &mut need)?,
    }
    Some(Directory::Ask(AuthNeed::Azure(Box::new(need))))
}

fn prove(params: &Params, need: &mut AzureAuth) -> Option<()> {
    let text = |name: &str, variable: &str| params.str(name).map(str::to_owned).or_else(|| params.env(variable));
    let secret = text("client_secret", "AZURE_CLIENT_SECRET");
    if let (Some(secret), Some(_), Some(_)) = (secret, &need.tenant_id, &need.client_id) {
        need.client_secret = Some(Secret::new(secret));
        return Some(());
    }
    let person = text("azure_username", "AZURE_USERNAME").zip(text("azure_password", "AZURE_PASSWORD"));
    if let (Some((name, password)), Some(_)) = (person, &need.client_id) {
        need.username = Some(name);
        need.password = Some(Secret::new(password));
        return Some(());
    }
    let any =
        params.bool(ANY).unwrap_or_else(|| params.env(ANY_VARIABLE).is_some_and(|v| v.eq_ignore_ascii_case("true")));
    any.then_some(())
}

#[cfg(test)]
mod tests {
    use llm_types::Json;

    use super::*;

    fn asked(fields: &[(&str, &str)]) -> Option<AzureAuth> {
        let params = Params::without_env(fields.iter().map(|(k, v)| (*k, Json::from(*v))));
        match directory(&params)? {
            Directory::Ask(AuthNeed::Azure(need)) => Some(*need),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_is_asked_for() {
        assert!(asked(&[]).is_none());
        assert!(asked(&[("tenant_id", "t"), ("client_id", "c")]).is_none(), "a name is no proof");
        let app = [("tenant_id", "t"), ("client_id", "c"), ("client_secret", "s"), ("azure_scope", "x/.default")];
        let need = asked(&app).unwrap();
        assert_eq!((need.client_secret.unwrap().expose(), need.scope.as_str()), ("s", "x/.default"));
        let need = asked(&[("client_id", "c"), ("azure_username", "u"), ("azure_password", "p")]).unwrap();
        assert_eq!((need.username.as_deref(), need.tenant_id), (Some("u"), None));
        let need = asked(&[("azure_ad_token", "oidc/google/x"), ("tenant_id", "t"), ("client_id", "c")]).unwrap();
        assert_eq!(need.assertion.unwrap().expose(), "oidc/google/x");
        assert!(asked(&[(ANY, "true")]).is_some_and(|need| need.client_secret.is_none() && !need.managed_identity));
        let given = Params::without_env([("azure_ad_token", Json::from("eyJ"))]);
        assert!(matches!(directory(&given), Some(Directory::Token(token)) if token.expose() == "eyJ"));
    }
}
