//! GitHub Copilot: OpenAI's languages, shown as an editor, with the token of a person who logged in.

use llm_types::{AuthNeed, DeviceLogin, Format, Result};

use crate::endpoint::{join, no_base};
use crate::generated;
use crate::provider::{Call, Endpoint, Provider, Want, not_served};
use crate::row::ProviderRow;

/// The provider.
#[derive(Debug)]
pub struct GithubCopilot;

/// What the host wants to see of whoever calls it.
const EDITOR: [(&str, &str); 7] = [
    ("copilot-integration-id", "vscode-chat"),
    ("editor-version", "vscode/1.95.0"),
    ("editor-plugin-version", "copilot-chat/0.26.7"),
    ("user-agent", "GitHubCopilotChat/0.26.7"),
    ("openai-intent", "conversation-panel"),
    ("x-github-api-version", "2025-04-01"),
    ("x-vscode-user-agent-library-version", "electron-fetch"),
];

impl Provider for GithubCopilot {
    fn row(&self) -> &'static ProviderRow {
        &generated::GITHUB_COPILOT
    }

    /// The headers that depend on the conversation come with the token: who begins it, and whether it has pictures.
    fn endpoint(&self, call: &Call<'_>, out: &mut Endpoint) -> Result<()> {
        let (row, paths) = (self.row(), &self.row().paths);
        let path = match call.format {
            Format::OpenAiChat => paths.chat,
            Format::OpenAiResponses => paths.responses,
            Format::OpenAiEmbeddings => paths.embeddings,
            _ => None,
        };
        let want = Want { operation: call.operation, format: call.format, model: call.model };
        let path = path.ok_or_else(|| not_served(row, &want))?;
        let base = row.base(call.api_base, call.params).ok_or_else(|| no_base(row))?;
        out.url = join(&base, path, row);
        EDITOR.iter().try_for_each(|(name, value)| out.set(name, value))?;
        out.set("content-type", "application/json")?;
        out.auth = Some(AuthNeed::Device(DeviceLogin::GitHubCopilot));
        out.set_extra(call.params)
    }
}
