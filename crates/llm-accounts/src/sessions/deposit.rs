//! Texts that are kept for a while for whoever shows the code: sessions on their way from one page to another. Where gateways
//! share a store they lie there, sealed, so that any gateway finishes what another began.

use std::time::Duration;

use bytes::Bytes;
use llm_kv::{Kv, Window};
use llm_types::{Error, Kind};

use crate::request::Outcome;
use crate::{Accounts, KeyDigest};

impl Accounts {
    /// Keeps a text under a code, for `time`.
    ///
    /// # Errors
    /// When it cannot be sealed.
    pub async fn deposit(&self, code: &str, text: &str, time: Duration) -> Outcome<()> {
        let (place, inner) = (place(code), self.inner());
        if let (Some(shared), Some(seal)) = (inner.shared.get(), self.seal()) {
            let sealed = Bytes::from(seal.seal(text)?);
            match shared.kv().set(&place, sealed, Some(time)).await {
                Ok(()) => return Ok(()),
                Err(error) => tracing::warn!(%error, "a login can be finished at this gateway only"),
            }
        }
        inner.kv.set(&place, Bytes::from(text.to_owned()), Some(time));
        Ok(())
    }

    /// The text under a code, which stays there.
    ///
    /// # Errors
    /// 503 when the shared store cannot be asked.
    pub async fn deposited(&self, code: &str) -> Outcome<Option<String>> {
        let (place, inner) = (place(code), self.inner());
        if let Some(bytes) = inner.kv.get(&place) {
            return Ok(String::from_utf8(bytes.to_vec()).ok());
        }
        let (Some(shared), Some(seal)) = (inner.shared.get(), self.seal()) else { return Ok(None) };
        let sealed = shared.kv().get(&place).await.map_err(|_| away())?;
        Ok(sealed.and_then(|sealed| seal.open(std::str::from_utf8(&sealed).ok()?)))
    }

    /// The text under a code, which is used up: of several who show it one gets it.
    ///
    /// # Errors
    /// As [`Accounts::deposited`].
    pub async fn redeem(&self, code: &str) -> Outcome<Option<String>> {
        let Some(text) = self.deposited(code).await? else { return Ok(None) };
        let (place, inner) = (place(code), self.inner());
        if inner.kv.delete(&place) {
            return Ok(Some(text));
        }
        let Some(shared) = inner.shared.get() else { return Ok(None) };
        let mine = shared.kv().delete(&place).await.map_err(|_| away())?;
        Ok(mine.then_some(text))
    }

    /// True for the first who shows a code within `time`: what is good once.
    ///
    /// # Errors
    /// 503 when the shared store cannot be asked: it may have been shown elsewhere.
    pub async fn first_use(&self, code: &str, time: Duration) -> Outcome<bool> {
        let (place, inner) = (format!("{}:shown", place(code)), self.inner());
        let kv: &dyn Kv = match inner.shared.get() {
            Some(shared) => shared.kv(),
            None => &inner.kv,
        };
        let shown = kv.incr_window(&place, 1, Window::FirstUse(time)).await.map_err(|_| away())?;
        Ok(shown.value == 1)
    }

    /// True where gateways share a store (Redis).
    #[must_use]
    pub fn shares(&self) -> bool {
        self.inner().shared.get().is_some()
    }
}

fn place(code: &str) -> String {
    format!("llm:login:kept:{}", KeyDigest::of(code).hex())
}

fn away() -> Error {
    Error::new(Kind::Unavailable, "The login cannot be finished now. Try again later.").with_type("auth_error")
}
