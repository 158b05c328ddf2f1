//! Files that the gateway keeps itself, for houses that take the requests of a batch inline: rows of the database, as
//! LiteLLM has them. They are their owner's: nobody else learns that there is such a file.

use std::sync::Arc;

use bytes::Bytes;
use llm_accounts::Identity;
use llm_client::resources::deleted;
use llm_store::{Filter, ManagedFileContentRow, ManagedFileRow, Store, StoreError};
use llm_types::{Error, Json, Kind, Result};

use crate::core::Core;

/// How their ids begin.
const ID: &str = "file-batch-";

/// True for ids of such files.
pub(super) fn is_kept(id: &str) -> bool {
    id.starts_with(ID)
}

/// The shelf of a caller.
pub(super) struct Shelf<'a> {
    pub(super) core: &'a Core,
    pub(super) who: &'a Arc<Identity>,
}

impl Shelf<'_> {
    /// Keeps a file and gives OpenAI's object of it.
    ///
    /// # Errors
    /// There is no database, or it fails.
    pub(super) async fn put(&self, filename: &str, purpose: &str, now: u64, data: Bytes) -> Result<Json> {
        let id = format!("{ID}{}", uuid::Uuid::new_v4().simple());
        let object = Json::object([
            ("id", Json::from(id.as_str())),
            ("object", Json::from("file")),
            ("bytes", Json::from(data.len() as u64)),
            ("created_at", Json::from(now)),
            ("filename", Json::from(filename)),
            ("purpose", Json::from(purpose)),
            ("status", Json::from("processed")),
        ]);
        let content = ManagedFileContentRow { content: data.to_vec(), ..ManagedFileContentRow::default() };
        let caller = self.who.caller();
        let row = ManagedFileRow {
            unified_file_id: id,
            file_object: Some(object.to_raw()),
            storage_backend: Some("database".to_owned()),
            storage_url: Some(content.id.clone()),
            created_by: owner(self.who),
            team_id: caller.team_id.as_deref().map(str::to_owned),
            ..ManagedFileRow::default()
        };
        self.run(move |store| async move {
            store.table::<ManagedFileContentRow>().insert(&content).await?;
            store.table::<ManagedFileRow>().insert(&row).await
        })
        .await?;
        Ok(object)
    }

    /// OpenAI's object of a file.
    ///
    /// # Errors
    /// 404 where the caller has no such file.
    pub(super) async fn facts(&self, id: &str) -> Result<Json> {
        let row = self.row(id).await?;
        Ok(row.file_object.as_ref().map(Json::from).unwrap_or_default())
    }

    /// Its bytes.
    ///
    /// # Errors
    /// As [`Self::facts`].
    pub(super) async fn content(&self, id: &str) -> Result<Bytes> {
        let row = self.row(id).await?;
        let at = row.storage_url.unwrap_or_default();
        let content = self.run(move |store| async move { store.table::<ManagedFileContentRow>().get([&*at]).await });
        content.await?.map(|row| Bytes::from(row.content)).ok_or_else(|| none(id))
    }

    /// Throws it away, and says so as OpenAI does.
    ///
    /// # Errors
    /// As [`Self::facts`].
    pub(super) async fn remove(&self, id: &str) -> Result<Json> {
        let row = self.row(id).await?;
        self.run(move |store| async move {
            if let Some(at) = &row.storage_url {
                store.table::<ManagedFileContentRow>().delete([at.as_str()]).await?;
            }
            store.table::<ManagedFileRow>().delete([row.id.as_str()]).await
        })
        .await?;
        Ok(deleted(id))
    }

    /// Remembers a file that others keep.
    ///
    /// # Errors
    /// There is no database, or it fails.
    pub(super) async fn keep(&self, row: ManagedFileRow) -> Result<()> {
        self.run(move |store| async move { store.table::<ManagedFileRow>().insert(&row).await }).await
    }

    /// Forgets it.
    ///
    /// # Errors
    /// As [`Self::keep`].
    pub(super) async fn forget(&self, row: &ManagedFileRow) -> Result<()> {
        let id = row.id.clone();
        self.run(move |store| async move { store.table::<ManagedFileRow>().delete([id.as_str()]).await })
            .await
            .map(drop)
    }

    /// What is remembered of a file.
    ///
    /// # Errors
    /// 404 where the caller has no such file.
    pub(super) async fn row(&self, id: &str) -> Result<ManagedFileRow> {
        let wanted = Filter::new().is("unified_file_id", id.to_owned());
        let rows = self.run(move |store| async move { store.table::<ManagedFileRow>().find(wanted).await }).await?;
        rows.into_iter().next().filter(|row| self.owns(row)).ok_or_else(|| none(id))
    }

    fn owns(&self, row: &ManagedFileRow) -> bool {
        let team = row.team_id.as_deref().is_some_and(|team| self.who.team_id() == Some(team));
        self.who.is_admin() || team || row.created_by.is_some() && row.created_by == owner(self.who)
    }

    /// The store lives on the background runtime.
    async fn run<T, F>(&self, ask: impl FnOnce(Store) -> F) -> Result<T>
    where
        F: Future<Output = Result<T, StoreError>> + Send + 'static,
        T: Send + 'static,
    {
        let why = "files of this provider are kept in the database, and there is none";
        let store = self.core.app.store.clone().ok_or_else(|| Error::new(Kind::Unavailable, why))?;
        let failed = |why: String| Error::new(Kind::Unavailable, why);
        match self.core.app.background.spawn(ask(store)).await {
            Ok(done) => done.map_err(|e| failed(e.to_string())),
            Err(e) => Err(failed(e.to_string())),
        }
    }
}

/// A user owns what its keys put there; a key without a user owns its own.
pub(super) fn owner(who: &Identity) -> Option<String> {
    who.user_id().or_else(|| who.key_hash()).map(str::to_owned)
}

fn none(id: &str) -> Error {
    Error::new(Kind::NotFound, format!("No such File object: {id}")).with_param("id")
}
