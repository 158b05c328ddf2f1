//! What credentials are found in besides a deployment's own parameters: variables, files, and the time.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use llm_types::{Error, Kind, Result};

type Lookup = Arc<dyn Fn(&str) -> Option<String> + Send + Sync>;
type Clock = Arc<dyn Fn() -> SystemTime + Send + Sync>;

/// The environment and the clock. Tests bring their own; a gateway lays its configuration's variables over the
/// process's.
#[derive(Clone)]
pub struct Ambient {
    env: Lookup,
    clock: Clock,
}

impl Ambient {
    /// Variables as `env` says them, and the real time.
    pub fn new(env: impl Fn(&str) -> Option<String> + Send + Sync + 'static) -> Self {
        Ambient { env: Arc::new(env), clock: Arc::new(SystemTime::now) }
    }

    /// With another clock.
    #[must_use]
    pub fn with_clock(self, clock: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        Ambient { clock: Arc::new(clock), ..self }
    }

    /// A variable that is set and not empty.
    pub(crate) fn var(&self, name: &str) -> Option<String> {
        (self.env)(name).filter(|value| !value.is_empty())
    }

    /// The first of several variables that is set.
    pub(crate) fn first(&self, names: &[&str]) -> Option<String> {
        names.iter().find_map(|name| self.var(name))
    }

    /// Whether a variable says yes.
    pub(crate) fn flag(&self, name: &str) -> bool {
        self.var(name).is_some_and(|value| matches!(value.to_ascii_lowercase().as_str(), "true" | "1" | "yes" | "on"))
    }

    pub(crate) fn now(&self) -> SystemTime {
        (self.clock)()
    }

    /// Seconds since 1970.
    pub(crate) fn unix(&self) -> u64 {
        self.now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
    }

    pub(crate) fn home(&self) -> Option<PathBuf> {
        self.first(&["HOME", "USERPROFILE"]).map(PathBuf::from)
    }

    /// A path in which `~/` stands for the home directory.
    pub(crate) fn path(&self, text: &str) -> PathBuf {
        match (text.strip_prefix("~/"), self.home()) {
            (Some(rest), Some(home)) => home.join(rest),
            _ => PathBuf::from(text),
        }
    }
}

impl Default for Ambient {
    fn default() -> Self {
        Ambient::new(|name| std::env::var(name).ok())
    }
}

impl fmt::Debug for Ambient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ambient")
    }
}

/// The text of a small file, `None` when there is no such file. `what` names it in messages; the path may be a secret
/// that somebody put into the wrong place, so it is not shown.
pub(crate) async fn read_if_there(path: &Path, what: &str) -> Result<Option<String>> {
    match tokio::fs::read_to_string(path).await {
        Ok(text) => Ok(Some(text)),
        Err(error) if matches!(error.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory) => {
            Ok(None)
        }
        Err(error) => Err(unreadable(what, &error)),
    }
}

/// The text of a small file that has to be there.
pub(crate) async fn read(path: &Path, what: &str) -> Result<String> {
    tokio::fs::read_to_string(path).await.map_err(|error| unreadable(what, &error))
}

fn unreadable(what: &str, error: &std::io::Error) -> Error {
    Error::new(Kind::Authentication, format!("{what} cannot be read: {error}"))
}

/// Writes a file that only we may read, whole or not at all.
pub(crate) async fn write_private(path: &Path, text: String) -> std::io::Result<()> {
    let path = path.to_owned();
    let write = move || {
        use std::io::Write as _;
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        folder.map_or(Ok(()), std::fs::create_dir_all)?;
        let beside = path.with_extension(format!("{}.new", std::process::id()));
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&beside)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&beside, &path)
    };
    tokio::task::spawn_blocking(write).await.unwrap_or_else(|error| Err(std::io::Error::other(error)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn private_files_are_private_and_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/er/token.json");
        assert!(read_if_there(&path, "the token").await.unwrap().is_none());
        for text in ["a long first text", "short"] {
            write_private(&path, text.to_owned()).await.unwrap();
            assert_eq!(read(&path, "the token").await.unwrap(), text);
        }
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
        let error = read(folder.path(), "the token").await.unwrap_err();
        assert_eq!(error.kind, Kind::Authentication);
        assert!(error.message.starts_with("the token cannot be read"), "{}", error.message);
    }

    #[test]
    fn variables_and_paths() {
        let ambient = Ambient::new(|name| match name {
            "HOME" => Some("/home/me".to_owned()),
            "EMPTY" => Some(String::new()),
            "YES" => Some("True".to_owned()),
            _ => None,
        });
        assert_eq!(ambient.var("EMPTY"), None);
        assert_eq!(ambient.first(&["EMPTY", "HOME"]).as_deref(), Some("/home/me"));
        assert!(ambient.flag("YES") && !ambient.flag("NO"));
        assert_eq!(ambient.path("~/a"), Path::new("/home/me/a"));
        assert_eq!(ambient.path("/a"), Path::new("/a"));
    }
}
