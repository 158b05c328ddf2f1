//! The list of routes.

use std::future::Future;
use std::pin::Pin;

use http::Method;
use llm_accounts::{Outcome, Permission};

use crate::call::Call;
use crate::pieces::Answer;
use crate::routes;

/// A running call.
pub(crate) type Running = Pin<Box<dyn Future<Output = Outcome<Answer>> + Send>>;

/// How answers and errors are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// As the rest of LiteLLM's management API.
    Plain,
    /// As SCIM wants them.
    Scim,
}

/// One route.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// Method.
    pub method: &'static str,
    /// Path, with `{name}` segments.
    pub path: &'static str,
    /// Who may call it.
    pub permission: Permission,
    pub(crate) dialect: Dialect,
    pub(crate) run: fn(Call) -> Running,
}

impl Row {
    pub(crate) const fn new(
        method: &'static str,
        path: &'static str,
        permission: Permission,
        run: fn(Call) -> Running,
    ) -> Self {
        Self { method, path, permission, dialect: Dialect::Plain, run }
    }

    pub(crate) const fn scim(self) -> Self {
        Self { dialect: Dialect::Scim, ..self }
    }

    /// The method.
    #[must_use]
    pub fn method(&self) -> Method {
        Method::from_bytes(self.method.as_bytes()).unwrap_or(Method::GET)
    }
}

/// Writes a row whose call is an async function, of a JSON value or of an [`Answer`].
macro_rules! row {
    ($method:literal $path:literal $permission:ident $run:path) => {
        $crate::table::Row::new($method, $path, ::llm_accounts::Permission::$permission, |call| {
            Box::pin(async move { $run(call).await.map($crate::pieces::Answer::from) })
        })
    };
}
pub(crate) use row;

/// Every route.
pub fn rows() -> impl Iterator<Item = &'static Row> {
    let subjects = [
        routes::keys::ROWS,
        routes::mappings::ROWS,
        routes::spend::logs::ROWS,
        routes::spend::global::ROWS,
        routes::spend::report::ROWS,
        routes::spend::scoped::ROWS,
        routes::spend::activity::ROWS,
        routes::spend::usage::ROWS,
        routes::spend::seen::ROWS,
        routes::spend::people::ROWS,
        routes::spend::pace::ROWS,
        routes::spend::edge::ROWS,
        routes::spend::capture::ROWS,
        routes::spend::tools::ROWS,
        routes::exports::ROWS,
        routes::compliance::ROWS,
        routes::vaults::ROWS,
        routes::users::ROWS,
        routes::teams::ROWS,
        routes::audit::ROWS,
        routes::organizations::ROWS,
        routes::projects::ROWS,
        routes::customers::ROWS,
        routes::budgets::ROWS,
        routes::tags::ROWS,
        routes::groups::ROWS,
        routes::models::ROWS,
        routes::mcp::ROWS,
        routes::agents::ROWS,
        routes::guardrails::ROWS,
        routes::policies::ROWS,
        routes::tools::ROWS,
        routes::prompts::ROWS,
        routes::memories::ROWS,
        routes::plugins::ROWS,
        routes::workflows::ROWS,
        routes::health::ROWS,
        routes::prices::ROWS,
        routes::tuning::ROWS,
        routes::searching::ROWS,
        routes::credentials::ROWS,
        routes::settings::ROWS,
        routes::pages::ROWS,
        routes::absent::ROWS,
        routes::scim::ROWS,
        routes::login::ROWS,
    ];
    subjects.into_iter().flatten()
}
