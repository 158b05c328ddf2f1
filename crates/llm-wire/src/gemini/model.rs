//! What the generation of a model changes. The names are Google's: `gemini-2.5-flash`, `models/gemini-3-pro-preview`,
//! `google/gemini-...`.

/// Facts on a model, read off its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Model {
    /// The number behind `gemini-`; nothing for models of another family.
    generation: Option<u32>,
    flash: bool,
    lite: bool,
    pro: bool,
    two_five: bool,
    penalties: bool,
    system: bool,
}

impl Model {
    pub(super) fn of(name: &str) -> Self {
        let lower = name.to_ascii_lowercase();
        let has = |piece: &str| lower.contains(piece);
        let tail = lower.split_once("gemini-").map(|(_, tail)| tail).unwrap_or_default();
        let digits: String = tail.chars().take_while(char::is_ascii_digit).collect();
        Self {
            generation: digits.parse().ok(),
            flash: has("flash"),
            lite: has("flash-lite"),
            pro: has("pro"),
            two_five: has("gemini-2.5"),
            penalties: !has("gemini-2.5-pro-preview-06-05"),
            // Gemma and Lyria know no instructions
            system: !has("gemma") && !has("lyria"),
        }
    }

    /// Gemini 3 and newer: levels in place of budgets, ids of calls, signatures demanded, temperature 1.
    pub(super) fn is_three(self) -> bool {
        self.generation.is_some_and(|g| g >= 3)
    }

    /// Penalties for what was said before are understood.
    pub(super) fn takes_penalties(self) -> bool {
        self.penalties && !self.is_three()
    }

    /// Gemini 2 and newer take JSON schemas as they are.
    pub(super) fn takes_json_schema(self) -> bool {
        self.generation.is_some_and(|g| g >= 2)
    }

    /// Resolution of pictures is a matter of the whole request.
    pub(super) fn one_resolution(self) -> bool {
        self.generation == Some(2)
    }

    pub(super) const fn takes_system(self) -> bool {
        self.system
    }

    /// The smallest thinking budget.
    pub(super) const fn minimal_budget(self) -> u64 {
        match (self.two_five, self.lite, self.flash, self.pro) {
            (true, true, ..) => 512,
            (true, false, true, _) => 1,
            _ => 128,
        }
    }

    /// The lowest thinking level.
    pub(super) const fn lowest_level(self) -> &'static str {
        if self.flash { "minimal" } else { "low" }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_the_generation() {
        assert!(Model::of("gemini-3-pro-preview").is_three() && Model::of("models/gemini-3.1-flash").is_three());
        let two = Model::of("gemini-2.5-flash-lite");
        assert!(!two.is_three() && two.takes_json_schema() && two.one_resolution() && two.minimal_budget() == 512);
        assert_eq!(Model::of("gemini-2.5-flash").minimal_budget(), 1);
        assert_eq!(Model::of("gemini-2.5-pro").minimal_budget(), 128);
        assert!(!Model::of("gemini-1.5-pro").takes_json_schema());
        assert!(!Model::of("gemma-3-27b-it").takes_system() && !Model::of("1234567890").is_three());
        assert!(Model::of("gemini-2.5-pro").takes_penalties() && !Model::of("gemini-3-pro-preview").takes_penalties());
        assert_eq!(Model::of("gemini-3-flash-preview").lowest_level(), "minimal");
    }
}
