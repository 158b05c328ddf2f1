//! The binary under test.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use anyhow::{Context, Result, bail};

static BINARY: OnceLock<Result<PathBuf, String>> = OnceLock::new();

/// Path of `llm-proxy` in the target folder this test was built into, built first with the same profile. The variable
/// `LLM_PROXY_BIN` names a finished binary instead.
pub(crate) fn path() -> Result<PathBuf> {
    let built = BINARY.get_or_init(|| find().map_err(|e| format!("{e:#}")));
    match built {
        Ok(path) => Ok(path.clone()),
        Err(why) => bail!("{why}"),
    }
}

fn find() -> Result<PathBuf> {
    if let Some(path) = std::env::var_os("LLM_PROXY_BIN") {
        return Ok(PathBuf::from(path));
    }
    // a test runs from <target>/<profile>/deps/: so the target folder and the profile are right whatever set them
    let test = std::env::current_exe().context("where this test lies")?;
    let folder = test.ancestors().nth(2).context("a test outside a target folder")?;
    build(folder)?;
    let path = folder.join(format!("llm-proxy{}", std::env::consts::EXE_SUFFIX));
    if !path.is_file() {
        bail!("cargo built no {}", path.display());
    }
    Ok(path)
}

fn build(folder: &Path) -> Result<()> {
    let name = folder.file_name().and_then(|n| n.to_str()).context("a target folder without a name")?;
    let profile = if name == "debug" { "dev" } else { name };
    let target = folder.parent().context("a profile folder without a target folder")?;
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    // of the whole workspace, as the tests are: another choice of features would compile everything a second time
    let output = Command::new(cargo)
        .args(["build", "--quiet", "--workspace", "--bin", "llm-proxy", "--profile", profile])
        .arg("--target-dir")
        .arg(target)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .context("cargo could not be started")?;
    if !output.status.success() {
        bail!("llm-proxy does not build:\n{}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(())
}
