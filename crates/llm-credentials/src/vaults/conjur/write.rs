//! Writing a variable, which the policy has to know first.

use std::time::Duration;

use http::Method;
use llm_types::{Json, Result, Secret};

use super::{Conjur, WHO};
use crate::vaults::desk::{below, checked, good};

/// How often a policy that somebody else is changing is tried again.
const TRIES: u32 = 5;
const PAUSE: Duration = Duration::from_millis(200);

/// Declares the variable, which does nothing when it is there, and sets its value.
pub(super) async fn keep(vault: &Conjur, name: &str, value: &Secret) -> Result<()> {
    let url = vault.variable(name)?;
    change(vault, Method::POST, &format!("- !variable {}\n", quoted(name))).await?;
    good(WHO, &vault.send(Method::POST, &url, Some("text/plain"), value.expose()).await?)
}

/// Takes the variable out of the policy, and its values with it.
pub(super) async fn forget(vault: &Conjur, name: &str) -> Result<()> {
    checked(name)?;
    change(vault, Method::PATCH, &format!("- !delete\n  record: !variable {}\n", quoted(name))).await
}

/// A text of YAML: every JSON text is one.
fn quoted(name: &str) -> String {
    Json::from(name).to_string()
}

async fn change(vault: &Conjur, method: Method, policy: &str) -> Result<()> {
    let url = below(&vault.base, ["policies", &vault.account, "policy", "root"])?;
    let _turn = vault.policy.lock().await;
    let mut pause = PAUSE;
    for _ in 1..TRIES {
        let answer = vault.send(method.clone(), &url, Some("application/x-yaml"), policy).await?;
        if answer.status != 409 {
            return good(WHO, &answer);
        }
        tokio::time::sleep(pause).await;
        pause *= 2;
    }
    good(WHO, &vault.send(method, &url, Some("application/x-yaml"), policy).await?)
}
