//! The configuration is followed: its files are looked at, a bucket is asked now and then. What is broken is told once and not
//! served; the last good one goes on.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use sha2::{Digest as _, Sha256};

use super::Reloader;
use crate::config::{self, Source};

/// Editors and tools write a file in several steps.
const SETTLE: Duration = Duration::from_millis(300);
/// How often the files' stamps are looked at. The system could tell of changes, but only of all in a folder, and the store's
/// file and the journal often lie there: each of their writes would wake somebody. It tells nothing of other machines' folders.
const LOOK: Duration = Duration::from_secs(1);
/// How often files are read though their stamps are the old ones: a copy may keep the time and the length.
const READ: Duration = Duration::from_secs(30);
/// How often a bucket is asked.
const ASK: Duration = Duration::from_secs(60);

/// What the files of a configuration hold.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Contents(Vec<(PathBuf, Content)>);

#[derive(Debug, PartialEq, Eq)]
enum Content {
    Missing,
    Blank,
    Text([u8; 32]),
}

impl Contents {
    /// Reads the files that a configuration is made of.
    pub(super) fn read(source: &Source) -> Self {
        let content = |path: &Path| match std::fs::read(path) {
            Err(_) => Content::Missing,
            Ok(bytes) if bytes.iter().all(u8::is_ascii_whitespace) => Content::Blank,
            Ok(bytes) => Content::Text(Sha256::digest(&bytes).into()),
        };
        Self(config::files(source).into_iter().map(|path| (path.clone(), content(&path))).collect())
    }

    /// A file that is there and holds nothing: somebody is about to write it.
    fn blank(&self) -> Option<&Path> {
        self.0.iter().find(|(_, content)| *content == Content::Blank).map(|(path, _)| path.as_path())
    }

    fn stamps(&self) -> Stamps {
        let stamp = |path: &PathBuf| {
            let about = std::fs::metadata(path).ok()?;
            Some((about.modified().ok()?, about.len()))
        };
        self.0.iter().map(|(path, _)| stamp(path)).collect()
    }
}

/// When files were changed, and their lengths; nothing for what is not there.
type Stamps = Vec<Option<(SystemTime, u64)>>;

impl Reloader {
    /// Serves what the files say now, when that is something else.
    ///
    /// # Errors
    /// What is wrong, for people; the last good configuration is still served.
    async fn follow_files(&self) -> Result<bool, Vec<String>> {
        let source = self.source();
        let read = tokio::task::spawn_blocking(move || Contents::read(&source)).await;
        let now = read.map_err(|error| vec![error.to_string()])?;
        if *self.files.lock() == now {
            return Ok(false);
        }
        let blank = now.blank().map(|path| format!("{} is empty", path.display()));
        *self.files.lock() = now;
        if let Some(blank) = blank {
            return Err(vec![blank]);
        }
        for warning in self.anew().await? {
            tracing::warn!("{warning}");
        }
        Ok(true)
    }

    /// The stamps of the files as they are now. A folder of another machine may keep the caller waiting.
    async fn stamps(self: &Arc<Self>) -> Option<Stamps> {
        let myself = Arc::clone(self);
        tokio::task::spawn_blocking(move || myself.files.lock().stamps()).await.ok()
    }

    /// Serves what the bucket holds now, when that is something else.
    async fn follow_bucket(&self) -> Result<bool, Vec<String>> {
        let before = self.fetched.load_full();
        // Asked twice where something changed: once to know, once to serve.
        self.fetch_config().await.map_err(|problem| vec![problem])?;
        if before.as_ref().map(|f| &f.text) == self.fetched.load().as_ref().map(|f| &f.text) {
            return Ok(false);
        }
        for warning in self.anew().await? {
            tracing::warn!("{warning}");
        }
        Ok(true)
    }
}

fn tell(outcome: Result<bool, Vec<String>>) {
    if let Err(problems) = outcome {
        let problems = problems.join("; ");
        tracing::error!(%problems, "THE CHANGED CONFIGURATION IS NOT SERVED; the last good one is. Mend it");
    }
}

/// Follows the configuration for as long as the process runs.
pub async fn follow(reloader: Arc<Reloader>) {
    if reloader.source().path.is_none() {
        if reloader.fetched.load().is_none() {
            return;
        }
        loop {
            tokio::time::sleep(ASK).await;
            tell(reloader.follow_bucket().await);
        }
    }
    let (mut known, mut read) = (None, Instant::now());
    loop {
        tokio::time::sleep(LOOK).await;
        let mut now = reloader.stamps().await;
        if known.is_some() && known != now {
            tokio::time::sleep(SETTLE).await;
            now = reloader.stamps().await;
        }
        if known != now || read.elapsed() >= READ {
            (known, read) = (now, Instant::now());
            tell(reloader.follow_files().await);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contents_are_those_of_all_files() {
        let folder = std::env::temp_dir().join(format!("llm-proxy-watch-{}", uuid::Uuid::new_v4()));
        std::fs::create_dir_all(folder.join("more")).unwrap();
        let main = folder.join("config.yaml");
        std::fs::write(&main, "include: [more/models.yaml]\ngeneral_settings: {}\n").unwrap();
        let more = folder.join("more/models.yaml");
        std::fs::write(&more, "model_list: []\n").unwrap();
        let source = Source { path: Some(main.clone()), ..Source::default() };
        let first = Contents::read(&source);
        assert_eq!(first, Contents::read(&source));
        let stamps = first.stamps();
        assert!(stamps.len() == 2 && stamps.iter().all(Option::is_some) && stamps == first.stamps());
        std::fs::write(&more, "model_list: [{}]\n").unwrap();
        assert_ne!(stamps, first.stamps());
        let second = Contents::read(&source);
        assert_ne!(first, second);
        assert!(second.blank().is_none());
        std::fs::write(&main, "\n").unwrap();
        assert_eq!(Contents::read(&source).blank(), Some(main.as_path()));
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
