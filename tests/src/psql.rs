//! SQL, beside the gateway.

use std::path::PathBuf;
use std::process::Command;

/// Runs SQL in a PostgreSQL database; what it answers.
///
/// # Panics
/// When `psql` is not there, or refuses.
#[allow(clippy::unwrap_used, reason = "a failure is a failed test")]
pub fn psql(url: &str, args: &[&str]) -> String {
    let found = std::fs::read_dir("/usr/lib/postgresql").ok().and_then(|mut versions| {
        versions.find_map(|version| Some(version.ok()?.path().join("bin/psql")).filter(|path| path.is_file()))
    });
    let program = found.unwrap_or_else(|| PathBuf::from("psql"));
    let done =
        Command::new(program).args(["-X", "-q", "-At", "-v", "ON_ERROR_STOP=1", url]).args(args).output().unwrap();
    assert!(done.status.success(), "{args:?}: {}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8_lossy(&done.stdout).trim().to_owned()
}
