//! Keys that a program of the user's prints (`credential_process`).

use std::process::Stdio;
use std::time::Duration;

use llm_types::{Result, Secret};
use serde::Deserialize;

use super::{Keys, sts};
use crate::flow::denied;
use crate::shelf::Issued;

/// How long the program may take.
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Printed {
    version: u32,
    access_key_id: String,
    secret_access_key: Secret,
    session_token: Option<Secret>,
    expiration: Option<String>,
}

/// Runs `command` in a shell and reads what it prints. What it says on its error channel goes to the log: it is for the
/// operator, not for the caller of a model.
pub(super) async fn keys(profile: &str, command: &str) -> Result<Issued<Keys>> {
    let failed = |why: String| denied(format!("the credential_process of AWS profile {profile} {why}"));
    let (shell, flag) = if cfg!(windows) { ("cmd.exe", "/C") } else { ("sh", "-c") };
    let mut run = tokio::process::Command::new(shell);
    run.arg(flag).arg(command).stdin(Stdio::null()).kill_on_drop(true);
    let output = tokio::time::timeout(PATIENCE, run.output()).await;
    let output = output.map_err(|_| failed(format!("takes longer than {} s", PATIENCE.as_secs())))?;
    let output = output.map_err(|error| failed(format!("cannot be started: {error}")))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        tracing::warn!(profile, status = %output.status, said = %said.trim(), "credential_process failed");
        return Err(failed(format!("failed ({})", output.status)));
    }
    let printed: Printed =
        serde_json::from_slice(&output.stdout).map_err(|_| failed("printed something else than keys".to_owned()))?;
    if printed.version != 1 {
        return Err(failed(format!("printed version {}; only 1 is known", printed.version)));
    }
    let expires = printed.expiration.map(|text| sts::moment(&text, "credential_process")).transpose()?;
    let keys = Keys { id: printed.access_key_id, secret: printed.secret_access_key, token: printed.session_token };
    Ok(Issued { value: keys, expires })
}
