//! Reading a variable.

use http::Method;
use llm_types::{Result, Secret};

use super::{Conjur, WHO};
use crate::vaults::desk;

/// The value of the variable; nothing when it is not there or has none.
pub(super) async fn read(vault: &Conjur, name: &str) -> Result<Option<Secret>> {
    let answer = vault.send(Method::GET, &vault.variable(name)?, None, "").await?;
    if answer.status == 404 {
        return Ok(None);
    }
    desk::good(WHO, &answer)?;
    let text = std::str::from_utf8(&answer.body).map_err(|_| desk::odd(WHO))?;
    Ok(Some(Secret::new(text)))
}
