//! What the accounts ask of the gateway that runs.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use llm_accounts::{Changed, Policies, ServedPrompt, Serves, Serving, Stored, StoredVault};
use llm_blob::{Blob as _, Bucket, Key, Object};
use llm_client::Target;
use llm_credentials::Vault;
use llm_http::{Body, Timeouts};
use llm_types::Json;
use llm_types::record::OwnCallback;

use super::{Reloader, errors};
use crate::app::App;
use crate::config;

/// How long services of the operator may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// Bytes of their answers.
const LARGEST_ANSWER: usize = 8 << 20;

impl Serving for Reloader {
    fn check(&self, stored: &Stored, changed: Changed<'_>) -> Result<(), Vec<String>> {
        let found = match changed {
            Changed::Model(id) => {
                let (loaded, problems) = self.load(stored);
                let Some(loaded) = loaded else { return Err(errors(&problems)) };
                if loaded.deployments.iter().any(|d| &*d.id == id) {
                    return Ok(());
                }
                let place = config::place(id);
                problems.iter().filter(|p| *p.mark.file == *place).map(|p| p.message.clone()).collect()
            }
            Changed::Rest => {
                let mut found = self.faults(stored);
                if !found.is_empty() {
                    // What was wrong before is not this change's fault.
                    let known = self.faults(&self.last.load());
                    found.retain(|fault| !known.contains(fault));
                }
                found
            }
        };
        if found.is_empty() { Ok(()) } else { Err(found) }
    }

    fn reload(&self) -> Serves<'_, Result<Vec<String>, Vec<String>>> {
        Box::pin(self.anew())
    }

    fn reload_prices(&self) -> Serves<'_, Result<usize, String>> {
        Box::pin(self.prices_anew())
    }

    fn prices(&self) -> Json {
        self.prices.load().told()
    }

    fn serves(&self, id: &str) -> bool {
        self.app().is_ok_and(|app| app.snapshot.load().engine.router.deployment(id).is_some())
    }

    fn params_of(&self, id: &str) -> Option<Json> {
        let snapshot = self.app().ok()?.snapshot.load_full();
        let target = snapshot.engine.router.deployment(id)?.payload::<Target>()?;
        Some(Json::object(target.params.iter().map(|(name, value)| (name, value.clone()))))
    }

    fn in_force(&self, name: &str) -> Json {
        let mut section = match self.section(name) {
            section @ Json::Object(_) => section,
            _ => Json::Object(Vec::new()),
        };
        let stored = self.last.load();
        let over = stored.sections.iter().find(|(known, _)| known == name);
        for (field, value) in over.and_then(|(_, content)| content.as_object()).unwrap_or_default() {
            section.set(field, value.clone());
        }
        section
    }

    fn environment(&self) -> Box<dyn Fn(&str) -> Option<String> + '_> {
        let section = self.section("environment_variables");
        Box::new(move |name| {
            let told = section.text(name).filter(|text| !text.starts_with("os.environ/"));
            told.map(str::to_owned).or_else(|| self.env.filled(name))
        })
    }

    fn check_callback(&self, callback: &OwnCallback) -> Result<(), String> {
        let env = self.variables();
        llm_callbacks::remote::check(callback, &|name| env.filled(name))
    }

    fn try_callback(&self, callback: OwnCallback) -> Serves<'_, Result<(), String>> {
        Box::pin(async move {
            let http = self.http.get().ok_or("the gateway is starting")?;
            let (env, record) = (self.variables(), crate::operate::mock_record());
            llm_callbacks::remote::try_out(http, &callback, &move |name: &str| env.filled(name), record).await
        })
    }

    fn send(&self, request: http::Request<Bytes>) -> Serves<'_, Result<(u16, Bytes), String>> {
        Box::pin(async move {
            let http = self.http.get().ok_or("the gateway is starting")?;
            let limits = Timeouts { total: Some(PATIENCE), ..Timeouts::default() };
            let reply = http.request(request.map(Body::from), limits).await.map_err(|error| error.to_string())?;
            let status = reply.status().as_u16();
            let body = reply.into_body().collect(LARGEST_ANSWER).await.map_err(|error| error.to_string())?;
            Ok((status, body))
        })
    }

    fn put(&self, key: String, object: Bytes) -> Serves<'_, Result<(), String>> {
        Box::pin(async move {
            let http = self.http.get().ok_or("the gateway is starting")?;
            let app = self.app().map_err(|why| why.join("; "))?;
            let bucket = app.snapshot.load().focus.clone().ok_or("no bucket is configured")?;
            let wire = Arc::new(crate::cache::Wire(http.clone()));
            let bucket = Bucket::open(bucket.cloud, &bucket.name, &bucket.options, wire).map_err(|e| e.to_string())?;
            let key = Key::new(key).map_err(|e| e.to_string())?;
            let object = Object { bytes: object, content_type: Some("text/csv".to_owned()), ..Object::default() };
            bucket.put(&key, object).await.map_err(|e| e.to_string())
        })
    }

    fn vault(&self) -> Option<Arc<dyn Vault>> {
        self.secrets.vault()
    }

    fn open_vault(&self, vault: &StoredVault) -> Result<Arc<dyn Vault>, String> {
        crate::secrets::trial(vault, &self.source(), &self.env)
    }

    fn key_copies(&self) -> Option<llm_accounts::KeyCopies> {
        self.secrets.key_copies()
    }

    fn prompts(&self) -> Vec<ServedPrompt> {
        let served = |prompt: &crate::templates::Prompt| ServedPrompt {
            id: prompt.id.clone(),
            version: prompt.version,
            environment: prompt.environment.clone(),
            in_file: !prompt.stored,
            params: prompt.params.clone(),
            content: prompt.template.content.clone(),
            metadata: prompt.template.metadata.clone(),
        };
        self.app().map_or_else(|_| Vec::new(), |app| app.snapshot.load().templates.iter().map(served).collect())
    }

    fn policies(&self) -> Arc<Policies> {
        self.app().map_or_else(|_| Arc::default(), |app| Arc::clone(&app.snapshot.load().policies))
    }

    fn serves_group(&self, name: &str) -> bool {
        self.app().is_ok_and(|app| app.snapshot.load().engine.router.has_group(name))
    }

    fn group_fails(&self, name: &str) -> bool {
        let fails = |app: &App| app.snapshot.load().engine.router.group_fails(name, std::time::Instant::now());
        self.app().map_or(true, |app| fails(&app))
    }

    fn section(&self, name: &str) -> Json {
        config::written(&self.source(), name)
    }
}
