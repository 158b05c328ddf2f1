//! The configuration is followed: its files are watched, a bucket is asked now and then. What is broken is told once and not
//! served; the last good one goes on.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use notify::{EventKind, RecursiveMode, Watcher as _};
use sha2::{Digest as _, Sha256};
use tokio::sync::mpsc;

use super::Reloader;
use crate::config::{self, Source};

/// Editors and tools write a file in several steps.
const SETTLE: Duration = Duration::from_millis(300);
/// How often files are looked at without being told: file systems of other machines tell nothing.
const LOOK: Duration = Duration::from_secs(30);
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

    fn folders(&self) -> BTreeSet<PathBuf> {
        let folder = |path: &PathBuf| match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
            _ => PathBuf::from("."),
        };
        self.0.iter().map(|(path, _)| folder(path)).collect()
    }
}

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
    let (told, mut changes) = mpsc::channel(1);
    let mut watcher = match notify::recommended_watcher(move |event| heard(&told, event)) {
        Ok(watcher) => Some(watcher),
        Err(error) => {
            tracing::warn!(%error, "files cannot be watched; the configuration is looked at every {LOOK:?}");
            None
        }
    };
    let mut watched = BTreeSet::new();
    loop {
        for folder in reloader.files.lock().folders() {
            if let Some(watcher) = watcher.as_mut().filter(|_| !watched.contains(&folder)) {
                // The folder, for editors put another file in the place of the old one.
                if let Err(error) = watcher.watch(&folder, RecursiveMode::NonRecursive) {
                    tracing::warn!(%error, folder = %folder.display(), "a folder cannot be watched");
                }
                watched.insert(folder);
            }
        }
        if tokio::time::timeout(LOOK, changes.recv()).await.is_ok() {
            tokio::time::sleep(SETTLE).await;
            while changes.try_recv().is_ok() {}
        }
        tell(reloader.follow_files().await);
    }
}

/// Passes a change on; that somebody reads a file is none.
fn heard(told: &mpsc::Sender<()>, event: notify::Result<notify::Event>) {
    match event {
        Ok(event) if matches!(event.kind, EventKind::Access(_)) => {}
        // One that waits already stands for this one too.
        Ok(_) => drop(told.try_send(())),
        Err(error) => tracing::warn!(%error, "watching the configuration failed"),
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
        assert_eq!(first.folders().len(), 2);
        std::fs::write(&more, "model_list: [{}]\n").unwrap();
        let second = Contents::read(&source);
        assert_ne!(first, second);
        assert!(second.blank().is_none());
        std::fs::write(&main, "\n").unwrap();
        assert_eq!(Contents::read(&source).blank(), Some(main.as_path()));
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
