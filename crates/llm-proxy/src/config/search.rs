//! `search_tools` become deployments: a tool is a group of its own name, its provider's model is `search`.

use super::node::{Entry, Node, Value};
use super::problem::Problems;

/// The tools as entries of a list of models.
pub(crate) fn as_models(tools: &[Node], problems: &Problems) -> Vec<Node> {
    let tool = |(at, tool): (usize, &Node)| {
        let path = format!("search_tools[{at}]");
        let name = tool.get("search_tool_name").filter(|n| n.text().is_some_and(|t| !t.is_empty()));
        let params = tool.get("litellm_params");
        let provider = params.and_then(|p| p.get("search_provider")?.text()).filter(|p| !p.is_empty());
        let (Some(name), Some(params), Some(provider)) = (name, params, provider) else {
            let missing = "a search tool needs search_tool_name and litellm_params.search_provider";
            problems.error(&tool.mark, path, missing);
            return None;
        };
        let text = |text: &str| Node::new(Value::Text(text.to_owned()), params.mark.clone());
        let entry = |key: &str, node: Node| Entry { key: key.to_owned(), mark: params.mark.clone(), node };
        let mut own: Vec<Entry> = vec![entry("model", text(&format!("{provider}/search")))];
        own.extend(params.entries().iter().filter(|e| e.key != "search_provider").cloned());
        let info = Value::Map(vec![entry("mode", text("search"))]);
        let model = Value::Map(vec![
            entry("model_name", name.clone()),
            entry("litellm_params", Node::new(Value::Map(own), params.mark.clone())),
            entry("model_info", Node::new(info, params.mark.clone())),
        ]);
        Some(Node::new(model, tool.mark.clone()))
    };
    tools.iter().enumerate().filter_map(tool).collect()
}
