//! Words and patterns, compiled.

use aho_corasick::{AhoCorasick, AhoCorasickBuilder, Input, MatchKind};
use regex::{Regex, RegexBuilder};
use regex_syntax::ParserBuilder;

use super::{Action, FilterSettings, KeywordRule, PatternRule, prebuilt};
use crate::guardrail::Stop;

/// Bytes of an expression's text, and of a word, at the most.
const TEXT_LIMIT: usize = 8 << 10;
/// Bytes of a compiled expression at the most.
const COMPILED_LIMIT: usize = 4 << 20;
/// Words, and patterns, at the most.
const COUNT_LIMIT: usize = 100_000;

/// What is done about a rule's matches.
#[derive(Debug)]
struct Rule {
    /// Name in counts.
    name: String,
    /// What stands in for a match.
    mask: String,
    /// What clients are told.
    message: String,
}

/// The rules of one action.
#[derive(Debug, Default)]
struct Side {
    words: Option<(AhoCorasick, Vec<usize>)>,
    expressions: Vec<(Regex, usize)>,
}

/// A place in a text that a rule matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) rule: usize,
}

/// All rules of a filter.
#[derive(Debug)]
pub(super) struct Rules {
    rules: Vec<Rule>,
    block: Side,
    mask: Side,
    /// Bytes of the longest match, as far as matches have a greatest length.
    pub(super) window: usize,
}

/// Collects rules and what is wrong with them.
struct Draft<'a> {
    settings: &'a FilterSettings,
    rules: Vec<Rule>,
    words: [Vec<(&'a str, usize)>; 2],
    expressions: [Vec<(Regex, usize)>; 2],
    window: usize,
    problems: Vec<(String, String)>,
}

const fn side(action: Action) -> usize {
    match action {
        Action::Block => 0,
        Action::Mask => 1,
    }
}

impl Rules {
    pub(super) fn compile(settings: &FilterSettings) -> Result<Self, Vec<(String, String)>> {
        let mut draft = Draft {
            settings,
            rules: Vec::new(),
            words: Default::default(),
            expressions: Default::default(),
            window: 1,
            problems: Vec::new(),
        };
        if settings.keywords.len() > COUNT_LIMIT || settings.patterns.len() > COUNT_LIMIT {
            return Err(vec![(String::new(), format!("more than {COUNT_LIMIT} words or patterns"))]);
        }
        settings.keywords.iter().enumerate().for_each(|(n, k)| draft.keyword(n, k));
        settings.patterns.iter().enumerate().for_each(|(n, p)| draft.pattern(n, p));
        let Draft { rules, words: [block_words, mask_words], expressions: [block, mask], window, mut problems, .. } =
            draft;
        let mut side = |words: Vec<(&str, usize)>, expressions| Side {
            words: automaton(&words).unwrap_or_else(|e| {
                problems.push(("blocked_words".to_owned(), e));
                None
            }),
            expressions,
        };
        let (block, mask) = (side(block_words, block), side(mask_words, mask));
        if problems.is_empty() { Ok(Self { rules, block, mask, window }) } else { Err(problems) }
    }

    /// The matches of blocking rules from `at` on.
    pub(super) fn block<'a>(&'a self, text: &'a str, at: usize) -> Matches<'a> {
        Matches::new(&self.block, text, at)
    }

    /// Writes `text` from `from` to the last masked match that begins before `cut` to `out`, with the matches
    /// replaced. Returns where the last match ends; `from` without a match.
    pub(super) fn mask_until(
        &self,
        text: &str,
        from: usize,
        cut: usize,
        out: &mut String,
        mut masked: impl FnMut(&str),
    ) -> usize {
        let mut done = from;
        let mut matches = Matches::new(&self.mask, text, from);
        while let Some(found) = matches.first().filter(|f| f.start < cut) {
            let Some(rule) = self.rules.get(found.rule) else { break };
            out.push_str(text.get(done..found.start).unwrap_or_default());
            out.push_str(&rule.mask);
            masked(&rule.name);
            done = found.end;
            matches.skip_to(done);
        }
        done
    }

    pub(super) fn stop(&self, rule: usize) -> Stop {
        Stop::new(self.rules.get(rule).map_or("Content blocked", |r| r.message.as_str()))
    }
}

impl<'a> Draft<'a> {
    fn keyword(&mut self, n: usize, k: &'a KeywordRule) {
        let place = format!("blocked_words[{n}]");
        if k.keyword.is_empty() || k.keyword.len() > TEXT_LIMIT {
            self.problems.push((place, format!("a word has 1 to {TEXT_LIMIT} bytes")));
            return;
        }
        let mut message = format!("Content blocked: keyword '{}' detected", k.keyword.to_lowercase());
        if let Some(why) = &k.description {
            message = format!("{message} ({why})");
        }
        let rule = self.rules.len();
        self.rules.push(Rule {
            name: "KEYWORD".to_owned(),
            mask: self.settings.keyword_redaction.clone(),
            message: self.told(&message, "keyword", &k.keyword),
        });
        let side = side(k.action);
        if k.keyword.is_ascii() {
            self.window = self.window.max(k.keyword.len());
            if let Some(words) = self.words.get_mut(side) {
                words.push((&k.keyword, rule));
            }
        } else {
            // The automaton only folds ASCII; expressions fold every letter.
            self.expression(place, &regex::escape(&k.keyword), side, rule);
        }
    }

    fn pattern(&mut self, n: usize, p: &PatternRule) {
        let place = format!("patterns[{n}]");
        let expression = match &p.expression {
            Some(expression) => expression.as_str(),
            None => match prebuilt::find(&p.name) {
                Some(expression) => expression,
                None => {
                    self.problems.push((place, format!("there is no prebuilt pattern `{}`", p.name)));
                    return;
                }
            },
        };
        let rule = self.rules.len();
        let message = format!("Content blocked: {} pattern detected", p.name);
        self.rules.push(Rule {
            name: p.name.clone(),
            mask: self.settings.pattern_redaction.replace("{pattern_name}", &p.name.to_uppercase()),
            message: self.told(&message, "pattern_name", &p.name),
        });
        self.expression(place, expression, side(p.action), rule);
    }

    fn told(&self, default: &str, key: &str, value: &str) -> String {
        match &self.settings.message {
            None => default.to_owned(),
            Some(template) => template.replace("{default_message}", default).replace(&format!("{{{key}}}"), value),
        }
    }

    fn expression(&mut self, place: String, expression: &str, side: usize, rule: usize) {
        match compile(expression) {
            Err(why) => self.problems.push((place, why)),
            Ok((regex, longest)) => {
                self.window = self.window.max(longest.unwrap_or(self.settings.open_window));
                if let Some(list) = self.expressions.get_mut(side) {
                    list.push((regex, rule));
                }
            }
        }
    }
}

/// An expression with the greatest length of its matches in bytes, if they have one.
fn compile(expression: &str) -> Result<(Regex, Option<usize>), String> {
    if expression.len() > TEXT_LIMIT {
        return Err(format!("the expression is longer than {TEXT_LIMIT} bytes"));
    }
    let one_line = |e: String| e.lines().rev().find(|l| !l.trim().is_empty()).unwrap_or_default().trim().to_owned();
    let tree = ParserBuilder::new().case_insensitive(true).nest_limit(100).build().parse(expression);
    let tree = tree.map_err(|e| one_line(e.to_string()))?;
    if tree.properties().minimum_len() == Some(0) {
        return Err("the expression matches the empty text".to_owned());
    }
    let regex = RegexBuilder::new(expression)
        .case_insensitive(true)
        .nest_limit(100)
        .size_limit(COMPILED_LIMIT)
        .dfa_size_limit(COMPILED_LIMIT)
        .build()
        .map_err(|e| one_line(e.to_string()))?;
    Ok((regex, tree.properties().maximum_len()))
}

fn automaton(words: &[(&str, usize)]) -> Result<Option<(AhoCorasick, Vec<usize>)>, String> {
    if words.is_empty() {
        return Ok(None);
    }
    let automaton = AhoCorasickBuilder::new()
        .match_kind(MatchKind::LeftmostLongest)
        .ascii_case_insensitive(true)
        .build(words.iter().map(|(word, _)| word))
        .map_err(|e| e.to_string())?;
    Ok(Some((automaton, words.iter().map(|(_, rule)| *rule).collect())))
}

/// The matches of the rules of one action, in order. Every rule keeps its own next match, so that a rule without
/// matches reads the text once.
#[derive(Debug)]
pub(super) struct Matches<'a> {
    side: &'a Side,
    text: &'a str,
    next: Vec<Option<Found>>,
}

impl<'a> Matches<'a> {
    fn new(side: &'a Side, text: &'a str, at: usize) -> Self {
        let count = side.expressions.len() + 1;
        let next = (0..count).map(|n| find(side, text, n, at)).collect();
        Self { side, text, next }
    }

    /// The leftmost match; of several there, that of the first rule.
    pub(super) fn first(&self) -> Option<Found> {
        self.next.iter().flatten().min_by_key(|f| f.start).copied()
    }

    /// Forgets matches that begin before `at`.
    fn skip_to(&mut self, at: usize) {
        for (n, next) in self.next.iter_mut().enumerate() {
            if next.is_some_and(|f| f.start < at) {
                *next = find(self.side, self.text, n, at);
            }
        }
    }
}

/// The next match of the words (0) or of an expression (from 1) that begins at `at` or later.
fn find(side: &Side, text: &str, n: usize, at: usize) -> Option<Found> {
    match n.checked_sub(1) {
        None => {
            let (automaton, rules) = side.words.as_ref()?;
            let found = automaton.find(Input::new(text).range(at..))?;
            let rule = *rules.get(found.pattern().as_usize())?;
            Some(Found { start: found.start(), end: found.end(), rule })
        }
        Some(n) => {
            let (regex, rule) = side.expressions.get(n)?;
            let found = regex.find_at(text, at)?;
            Some(Found { start: found.start(), end: found.end(), rule: *rule })
        }
    }
}
