//! LiteLLM config files for a test.

use llm_simulator::Running;

/// Master key of every gateway in this suite.
pub const MASTER_KEY: &str = "sk-e2e-master-6f1c0a9b";

/// Key that the gateway must present to the simulated providers.
pub const UPSTREAM_KEY: &str = "sk-upstream-0123456789";

/// A config file in parts.
#[derive(Debug, Default)]
pub struct Config {
    base: String,
    models: Vec<String>,
    litellm: Vec<String>,
    router: Vec<String>,
    general: Vec<String>,
}

impl Config {
    /// No models yet; no retries; the master key.
    pub fn empty(sim: &Running) -> Self {
        Self { base: sim.base_url(), ..Self::default() }.router("num_retries: 0")
    }

    /// `gpt`, `claude`, `azure`, `embed`, and the wildcards `openai/*` and `anthropic/*` (for `openai/sim-error-429`).
    pub fn standard(sim: &Running) -> Self {
        Self::empty(sim)
            .model("gpt", "openai/gpt-4o", &[])
            .model("claude", "anthropic/claude-sonnet-4-5", &[])
            .model("azure", "azure/my-gpt", &["api_version: '2024-10-21'"])
            .model("embed", "openai/text-embedding-3-small", &[])
            .model("openai/*", "openai/*", &[])
            .model("anthropic/*", "anthropic/*", &[])
    }

    /// A deployment of the simulator. `params` are further lines of `litellm_params`.
    #[must_use]
    pub fn model(self, name: &str, model: &str, params: &[&str]) -> Self {
        self.model_below(name, model, "", params)
    }

    /// A deployment below a path prefix of the simulator (`/east`), to tell deployments apart by the recorded path.
    #[must_use]
    pub fn model_below(self, name: &str, model: &str, prefix: &str, params: &[&str]) -> Self {
        let base = format!("{}{prefix}", self.base);
        self.model_at(&base, name, model, params)
    }

    /// A deployment of another upstream.
    #[must_use]
    pub fn model_at(mut self, base: &str, name: &str, model: &str, params: &[&str]) -> Self {
        // OpenAI's base ends in /v1; the others append their whole path
        let suffix = if model.starts_with("openai/") { "/v1" } else { "" };
        let base = format!("{base}{suffix}");
        let mut entry = format!(
            "  - model_name: '{name}'\n    litellm_params:\n      model: '{model}'\n      api_base: '{base}'\n      \
             api_key: '{UPSTREAM_KEY}'\n"
        );
        for line in params {
            entry.push_str(&format!("      {line}\n"));
        }
        self.models.push(entry);
        self
    }

    /// A line of `litellm_settings`.
    #[must_use]
    pub fn litellm(mut self, line: &str) -> Self {
        self.litellm.push(line.to_owned());
        self
    }

    /// A line of `router_settings`; a later line for the same key replaces the earlier one.
    #[must_use]
    pub fn router(mut self, line: &str) -> Self {
        let key = line.split(':').next().unwrap_or(line);
        self.router.retain(|old| old.split(':').next() != Some(key));
        self.router.push(line.to_owned());
        self
    }

    /// A line of `general_settings`.
    #[must_use]
    pub fn general(mut self, line: &str) -> Self {
        self.general.push(line.to_owned());
        self
    }

    /// The file.
    pub fn yaml(&self) -> String {
        let section = |name: &str, lines: &[String]| match lines {
            [] => String::new(),
            lines => format!("{name}:\n  {}\n", lines.join("\n  ")),
        };
        let mut out = String::from("model_list:\n");
        out.extend(self.models.iter().map(String::as_str));
        out.push_str(&section("litellm_settings", &self.litellm));
        out.push_str(&section("router_settings", &self.router));
        let mut general = vec![format!("master_key: '{MASTER_KEY}'")];
        general.extend(self.general.iter().cloned());
        out.push_str(&section("general_settings", &general));
        out
    }
}
