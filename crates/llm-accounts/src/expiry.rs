//! When files go away that teams upload, and what their batches make (`enforced_file_expires_after`,
//! `enforced_batch_output_expires_after` of a team's metadata: `{"anchor": "created_at", "seconds": 3600}`).

use llm_types::{Error, Json, Result};

use crate::Identity;
use crate::keys::bad;
use crate::teams::{FILES_EXPIRE, OUTPUTS_EXPIRE};

/// What goes away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expires {
    /// Files that are uploaded.
    Files,
    /// Files that batches make.
    Outputs,
}

impl Expires {
    const ALL: [Self; 2] = [Self::Files, Self::Outputs];

    const fn name(self) -> &'static str {
        match self {
            Self::Files => FILES_EXPIRE,
            Self::Outputs => OUTPUTS_EXPIRE,
        }
    }
}

/// What a team enforces: seconds, or why they cannot be read.
pub(crate) type Enforced = [Option<Result<i64, &'static str>>; 2];

fn seconds(value: &Json) -> Result<i64, &'static str> {
    if value.text("anchor") != Some("created_at") {
        return Err("'anchor' has to be 'created_at'");
    }
    value.get("seconds").and_then(Json::as_i64).filter(|n| *n > 0).ok_or("'seconds' has to be a whole number above 0")
}

/// Of a team's metadata.
pub(crate) fn enforced(metadata: &Json) -> Enforced {
    Expires::ALL.map(|of| metadata.get(of.name()).filter(|value| !value.is_null()).map(seconds))
}

/// Refuses a body with what could not be enforced.
///
/// # Errors
/// 400, naming the field.
pub(crate) fn check(body: &Json) -> Result<()> {
    for of in Expires::ALL {
        if let Some(Err(why)) = body.get(of.name()).filter(|value| !value.is_null()).map(seconds) {
            return Err(bad(format!("{}: {why}", of.name())).with_param(of.name()));
        }
    }
    Ok(())
}

impl Identity {
    /// Seconds after which things of the caller's team go away, whatever the client asks for.
    ///
    /// # Errors
    /// 500 for a rule that cannot be read: without it they would stay.
    pub fn enforced_expiry(&self, of: Expires) -> Result<Option<i64>> {
        let [files, outputs] = &self.switches.expiries;
        match if of == Expires::Files { files } else { outputs } {
            None => Ok(None),
            Some(Ok(seconds)) => Ok(Some(*seconds)),
            Some(Err(why)) => {
                let name = of.name();
                Err(Error::internal(format!("'{name}' of the team is malformed: {why}. Ask an administrator.")))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_rules_are_taken() {
        let json = |text: &str| -> Json { serde_json::from_str(text).unwrap() };
        for (rule, wanted) in [
            (r#"{"anchor":"created_at","seconds":60}"#, Some(60)),
            (r#"{"anchor":"last_active_at","seconds":60}"#, None),
            (r#"{"anchor":"created_at","days":1}"#, None),
            (r#"{"anchor":"created_at","seconds":0}"#, None),
            ("3600", None),
        ] {
            let metadata = json(&format!(r#"{{"enforced_file_expires_after":{rule}}}"#));
            let [files, outputs] = enforced(&metadata);
            assert_eq!((files.unwrap().ok(), outputs.is_none()), (wanted, true), "{rule}");
            assert_eq!(check(&metadata).is_ok(), wanted.is_some(), "{rule}");
        }
    }
}
