//! Files made by `cargo xtask codegen`: written, or compared with what is committed.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result, bail};

/// A file that a generator makes.
#[derive(Debug)]
pub(crate) struct Generated {
    /// Path below the root of the workspace.
    pub(crate) path: PathBuf,
    pub(crate) content: Vec<u8>,
}

impl Generated {
    /// A Rust file, formatted. `content` starts with the command that makes it.
    pub(crate) fn rust(path: &str, content: &str) -> Result<Self> {
        Ok(Self { path: path.into(), content: rustfmt(content).with_context(|| path.to_owned())? })
    }
}

/// The root of the workspace.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map(Path::to_owned).unwrap_or_default()
}

/// Writes the files that changed and returns their paths.
pub(crate) fn write(files: &[Generated]) -> Result<Vec<&Path>> {
    let stale = stale(files);
    for file in files.iter().filter(|file| stale.contains(&file.path.as_path())) {
        let path = root().join(&file.path);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::write(&path, &file.content).with_context(|| path.display().to_string())?;
    }
    Ok(stale)
}

/// The files whose committed content differs from the generated one.
pub(crate) fn stale(files: &[Generated]) -> Vec<&Path> {
    let differs = |file: &&Generated| !std::fs::read(root().join(&file.path)).is_ok_and(|old| old == file.content);
    files.iter().filter(differs).map(|file| file.path.as_path()).collect()
}

fn rustfmt(source: &str) -> Result<Vec<u8>> {
    let mut child = Command::new("rustfmt")
        .args(["--edition", "2024", "--config-path"])
        .arg(root())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot start rustfmt")?;
    let mut stdin = child.stdin.take().context("rustfmt has no input")?;
    let source = source.to_owned();
    // rustfmt may answer before it has read everything.
    let writer = std::thread::spawn(move || stdin.write_all(source.as_bytes()));
    let output = child.wait_with_output()?;
    writer.join().map_err(|_| anyhow::anyhow!("writing to rustfmt failed"))??;
    if !output.status.success() {
        bail!("rustfmt refuses the generated source");
    }
    Ok(output.stdout)
}
