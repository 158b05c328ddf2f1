//! `providers:` (ours): rows for hosts that no table of ours has.

use super::section::Section;

/// Declares them.
pub(super) fn providers(top: &Section<'_>) {
    for (at, item) in top.list("providers").iter().enumerate() {
        let row = item.json().to_raw().read::<llm_providers::declare::RowSpec>();
        let provider = row.map_err(|e| e.to_string()).and_then(|row| row.provider().map_err(|e| e.message));
        match provider {
            Ok(provider) => llm_providers::declare(provider),
            Err(e) => {
                let message = e.split(" at line ").next().unwrap_or_default().to_owned();
                top.problems().error(&item.mark, format!("providers[{at}]"), message);
            }
        }
    }
}
