//! Searches of the web that a model makes.

use llm_providers::Quirk;
use llm_types::{Format, OperationKind};
use llm_wire::top::Top;

use crate::call::Call;
use crate::target::Target;

/// A search that the provider makes in its Responses API only.
pub(crate) fn elsewhere(target: &Target, call: &Call) -> bool {
    let row = target.provider.row();
    if !row.quirks.has(Quirk::SearchAsResponses) || row.paths.responses.is_none() {
        return false;
    }
    let says = |text: &[u8]| memchr::memmem::find(&call.body, text).is_some();
    let field = |name: &str, holds: &dyn Fn(&str) -> bool| {
        Top::parse(&call.body).is_ok_and(|top| top.get(name).is_some_and(holds))
    };
    match (call.operation, call.format) {
        (OperationKind::Generate, Format::OpenAiChat) => {
            says(b"web_search_options") && field("web_search_options", &|options| options != "null")
        }
        (OperationKind::Generate, Format::AnthropicMessages) => {
            says(b"\"web_search_") && field("tools", &|tools| tools.contains("\"web_search_"))
        }
        _ => false,
    }
}
