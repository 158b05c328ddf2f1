//! The deployments that were called: what metrics of deployments call them, and whether their last attempt went well.

use std::collections::HashMap;
use std::sync::Arc;

use llm_types::LogRecord;
use llm_types::record::Status;

use super::values::sent;

/// Names that are kept at the most: those of wildcards hold what clients write.
const MOST: usize = 2000;

/// A deployment as metrics name it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Home {
    pub(super) id: Arc<str>,
    pub(super) model: Arc<str>,
    pub(super) api_base: Option<Arc<str>>,
    pub(super) provider: Arc<str>,
}

/// Whether the last attempt at each went well.
#[derive(Debug, Default)]
pub(super) struct Homes(HashMap<Home, bool>);

/// A failure that says something of the deployment, not of the request.
const fn at_fault(status: u16) -> bool {
    matches!(status, 401 | 403 | 404 | 408 | 429 | 500..)
}

impl Homes {
    /// Takes over what a call says of the deployments it met.
    pub(super) fn note(&mut self, r: &LogRecord) {
        for attempt in r.trail.failed.iter().filter(|attempt| at_fault(attempt.status)) {
            let (id, model) = (Arc::clone(&attempt.model_id), Arc::clone(&attempt.model));
            let home = Home { id, model, api_base: attempt.api_base.clone(), provider: Arc::clone(&attempt.provider) };
            self.set(home, false);
        }
        if let Some(id) = r.model_id.as_ref().filter(|_| r.status == Status::Success && sent(r)) {
            let (id, model) = (Arc::clone(id), Arc::clone(&r.model));
            self.set(Home { id, model, api_base: r.api_base.clone(), provider: Arc::clone(&r.provider) }, true);
        }
    }

    fn set(&mut self, home: Home, well: bool) {
        if let Some(known) = self.0.get_mut(&home) {
            *known = well;
        } else if self.0.len() < MOST {
            self.0.insert(home, well);
        }
    }

    /// All of them, with whether the last attempt went well.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&Home, bool)> {
        self.0.iter().map(|(home, well)| (home, *well))
    }

    /// Forgets deployments that are not there any more.
    pub(super) fn keep(&mut self, there: impl Fn(&str) -> bool) {
        self.0.retain(|home, _| there(&home.id));
    }
}
