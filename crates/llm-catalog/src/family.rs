//! What is known of model families: for names that the table lacks, and for flags that an entry leaves open.
//!
//! The rows are data (`[[family]]` in `data/models.rules.toml`); here are the shapes of names they speak of.

use crate::{Capability, generated::rules::FAMILIES};

/// A shape of model names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// An AWS id of a Claude model, with at most one geo prefix.
    AwsClaude,
    /// A Claude model of Anthropic's own naming and nothing else.
    BareClaude,
    /// `claude-<family>-<version>` anywhere in the name, of a version within the row's bounds.
    Claude,
    /// Claude families that always think.
    ClaudeAlwaysThinking,
    /// Names under `wandb/`.
    Wandb,
    /// OpenAI's reasoning families.
    OpenaiReasoning,
    /// Gemini text chat models from 2.5 on.
    GeminiChat,
}

/// A row: what holds for names of a shape.
#[derive(Debug, Clone, Copy)]
pub struct Family {
    /// Shape of the names.
    pub shape: Shape,
    /// Lowest version, if any, as major and minor.
    pub from: Option<(u32, u32)>,
    /// Highest version, if any.
    pub to: Option<(u32, u32)>,
    /// Provider of names that carry none.
    pub provider: Option<&'static str>,
    /// Endpoint family.
    pub mode: Option<&'static str>,
    /// Context window and largest answer, in tokens.
    pub limits: Option<(u64, u64)>,
    /// What models of the family can do.
    pub supports: &'static [Capability],
    /// Labels whose entries get the flags they leave open.
    pub fills: &'static [&'static str],
}

impl Family {
    fn matches(&self, name: &str) -> bool {
        match self.shape {
            Shape::AwsClaude => {
                let rest = match name.split_once('.') {
                    // tidy: provider-id: the vendor's part of a model name there
                    Some((geo, rest)) if geo != "anthropic" && is_word(geo, b"-") => rest,
                    _ => name,
                };
                rest.starts_with("anthropic.claude-")
            }
            Shape::BareClaude => is_bare_claude(name),
            Shape::Claude => claude_versions(name).any(|version| self.within(version)),
            Shape::ClaudeAlwaysThinking => name.contains("claude-fable-") || name.contains("claude-mythos-"),
            // tidy: provider-id: the shape of its model names
            Shape::Wandb => name.starts_with("wandb/"),
            Shape::OpenaiReasoning => is_openai_reasoning(name),
            Shape::GeminiChat => is_gemini_chat(name),
        }
    }

    fn within(&self, (major, minor): (u32, Option<u32>)) -> bool {
        // Two-digit majors are not versions: claude-opus-41 is 4.1.
        match (self.from, self.to) {
            (None, None) => true,
            _ if major > 9 => false,
            (from, to) => {
                let version = (major, minor.unwrap_or(0));
                from.is_none_or(|from| version >= from) && to.is_none_or(|to| version <= to)
            }
        }
    }
}

/// Whether a family says that a model of this name can do something its entry leaves open. `None`: no family says.
pub(crate) fn fill_missing(name: &str, label: &str, capability: Capability) -> Option<bool> {
    let speaks = |row: &&Family| row.fills.contains(&label) && row.supports.contains(&capability) && row.matches(name);
    FAMILIES.iter().find(speaks).map(|_| true)
}

/// Whether a model that is in no table can do something, going by its name.
#[must_use]
pub fn supports(name: &str, capability: Capability) -> bool {
    FAMILIES.iter().any(|row| row.supports.contains(&capability) && row.matches(name))
}

/// The provider of a model that is in no table and carries no provider, going by its name.
#[must_use]
pub fn provider(name: &str) -> Option<&'static str> {
    FAMILIES.iter().filter(|row| row.provider.is_some()).find(|row| row.matches(name)).and_then(|row| row.provider)
}

/// Endpoint family of a model that is in no table, going by its name.
#[must_use]
pub fn mode(name: &str) -> Option<&'static str> {
    FAMILIES.iter().filter(|row| row.mode.is_some()).find(|row| row.matches(name)).and_then(|row| row.mode)
}

/// Context window and largest answer of a model that is in no table, in tokens, going by its name.
#[must_use]
pub fn limits(name: &str) -> Option<(u64, u64)> {
    FAMILIES.iter().filter(|row| row.limits.is_some()).find(|row| row.matches(name)).and_then(|row| row.limits)
}

fn is_word(text: &str, also: &[u8]) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_lowercase() || also.contains(&b))
}

/// Leading digits and what follows them.
fn digits(text: &str) -> Option<(&str, &str)> {
    let end = text.bytes().position(|b| !b.is_ascii_digit()).unwrap_or(text.len());
    if end == 0 { None } else { text.split_at_checked(end) }
}

/// Every `claude-<family>-<major>[-._<minor>]` of a name. A minor has one or two digits; more are a date.
fn claude_versions(name: &str) -> impl Iterator<Item = (u32, Option<u32>)> {
    name.match_indices("claude-").filter_map(|(at, found)| {
        let (family, rest) = name.get(at + found.len()..)?.split_once('-')?;
        let (major, rest) = digits(rest).filter(|_| is_word(family, b""))?;
        let minor = rest.strip_prefix(['-', '.', '_']).and_then(digits).filter(|(minor, _)| minor.len() <= 2);
        Some((major.parse().ok()?, minor.and_then(|(minor, _)| minor.parse().ok())))
    })
}

fn is_bare_claude(name: &str) -> bool {
    let Some((family, rest)) = name.strip_prefix("claude-").and_then(|rest| rest.split_once('-')) else {
        return false;
    };
    let Some((_, rest)) = digits(rest).filter(|_| is_word(family, b"")) else { return false };
    let after_number = |rest: &str| rest.strip_prefix(['-', '.']).and_then(digits).map(|(_, rest)| rest.to_owned());
    let dated =
        |rest: &str| rest.strip_prefix('-').and_then(digits).is_some_and(|(d, rest)| d.len() == 8 && rest.is_empty());
    rest.is_empty() || dated(rest) || after_number(rest).is_some_and(|rest| rest.is_empty() || dated(&rest))
}

fn is_openai_reasoning(name: &str) -> bool {
    if name.contains("search-api") {
        return false;
    }
    let last = name.rsplit('/').next().unwrap_or(name);
    let last = last.strip_prefix("ft:").unwrap_or(last);
    let ends = |rest: &str| !rest.bytes().next().is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    let line = |text: &str| {
        ["codex", "deep-research", "chat-latest"].iter().any(|line| text.strip_prefix(line).is_some_and(ends))
    };
    let o_series = last.strip_prefix('o').and_then(digits).is_some_and(|(n, rest)| !n.starts_with('0') && ends(rest));
    let gpt = last.strip_prefix("gpt-");
    let gpt_5 = gpt.and_then(digits).is_some_and(|(major, rest)| {
        let rest = rest.strip_prefix('.').and_then(digits).map_or(rest, |(_, rest)| rest);
        matches!(major, "5" | "6" | "7" | "8" | "9") && !rest.starts_with('.')
    });
    let gpt_line = gpt
        .and_then(digits)
        .is_some_and(|(_, rest)| rest.match_indices('-').any(|(at, _)| rest.get(at + 1..).is_some_and(line)));
    o_series || gpt_5 || line(last) || gpt_line
}

fn is_gemini_chat(name: &str) -> bool {
    const OTHER: [&str; 9] =
        ["-tts", "-image", "-live", "-audio", "-embedding", "-computer-use", "-robotics", "-transcribe", "-translate"];
    name.match_indices("gemini-").any(|(at, found)| {
        let Some(rest) = name.get(at + found.len()..) else { return false };
        if OTHER.iter().any(|other| rest.contains(other)) {
            return false;
        }
        let Some((major, rest)) = digits(rest) else { return false };
        let minor = rest.strip_prefix(['.', '-']).and_then(digits);
        let new_enough = match (major, minor) {
            ("2", Some((minor, _))) => matches!(minor, "5" | "6" | "7" | "8" | "9"),
            (major, minor) => {
                major.len() == 1 && ("3"..="9").contains(&major) && minor.is_none_or(|(minor, _)| minor.len() <= 2)
            }
        };
        let rest = minor.map_or(rest, |(_, rest)| rest);
        let line = ["-pro-lite", "-flash-lite", "-pro", "-flash"].iter().find_map(|line| rest.strip_prefix(line));
        new_enough && line.is_some_and(|rest| !rest.bytes().next().is_some_and(|b| b.is_ascii_lowercase()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claude_versions_bound_the_flags() {
        for (name, adaptive, legacy) in [
            ("claude-opus-4-6", true, true),
            ("claude-sonnet-4-6-20260219", true, true),
            ("us.anthropic.claude-opus-4-7-v1:0", true, false),
            ("claude-opus-4-5-20251101", false, false),
            ("claude-opus-4-20250514", false, false),
            ("claude-opus-41", false, false),
            ("claude-newfamily-5", true, false),
            ("team-sonnet-5-1", false, false),
        ] {
            assert_eq!(supports(name, Capability::AdaptiveThinking), adaptive, "{name}");
            assert_eq!(supports(name, Capability::LegacyThinking), legacy, "{name}");
        }
    }

    #[test]
    fn providers_are_told_by_shape() {
        assert_eq!(provider("eu.anthropic.claude-new-9-v1:0"), Some("bedrock"));
        assert_eq!(provider("claude-new-9-1-20290101"), Some("anthropic"));
        assert_eq!(provider("bedrockz/anthropic.claude-x"), None);
        assert_eq!(provider("claude-new-9-beta"), None);
    }

    #[test]
    fn reasoning_families_of_openai() {
        for (name, yes) in [
            ("o3-pro", true),
            ("openai/o1", true),
            ("gpt-5.5-cyber", true),
            ("gpt-6-astra", true),
            ("codex-mini", true),
            ("gpt-4.1-codex", true),
            ("gpt-5-search-api", false),
            ("gpt-4o", false),
            ("gpt-5.1.2", false),
            ("oak", false),
        ] {
            assert_eq!(is_openai_reasoning(name), yes, "{name}");
        }
    }

    #[test]
    fn gemini_chat_models() {
        for (name, yes) in [
            ("gemini-2.5-pro", true),
            ("vertex_ai/gemini-3-flash-lite-preview", true),
            ("gemini-2.0-flash", false),
            ("gemini-3.1-flash-image", false),
            ("gemini-2.5-flashy", false),
            ("databricks-gemini-3-1-pro", true),
        ] {
            assert_eq!(is_gemini_chat(name), yes, "{name}");
        }
    }
}
