//! What a conversation says of the model that answered last: its user's words, repetitions, tools that failed.

use std::collections::HashSet;

use crate::auto::words::stands;

/// A conversation, as a request shows it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct History {
    /// Which conversation it is: the same for every request of it.
    pub key: u64,
    /// Messages in it.
    pub messages: usize,
    /// What the user said.
    pub users: Said,
    /// What the model said.
    pub answers: Said,
    /// The tools that its last turn called: names with their arguments.
    pub calls: Vec<String>,
    /// Those of earlier turns, the last ones first, as far back as is looked.
    pub earlier: Vec<String>,
    /// A tool answered the last call with an error.
    pub failed: bool,
}

/// What one side said: of a long conversation the last two turns are kept.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Said {
    /// Turns.
    pub turns: usize,
    /// The texts of the last two, the last one first.
    pub last: Vec<String>,
}

impl Said {
    /// Takes the turn before those that were taken. Texts that nobody looks at are not made.
    fn before(&mut self, text: impl FnOnce() -> String) {
        self.turns += 1;
        if self.turns <= 2 {
            self.last.push(text());
        }
    }
}

impl History {
    /// Takes a turn of the user's. Turns are taken from the last one backwards.
    pub fn user(&mut self, text: impl FnOnce() -> String) {
        self.users.before(text);
    }

    /// The same of a turn of the model's, with the tools that it called.
    pub fn answer(&mut self, text: impl FnOnce() -> String, calls: impl DoubleEndedIterator<Item = String>) {
        if self.answers.turns == 0 {
            self.calls = calls.collect();
        } else {
            self.earlier.extend(calls.rev().take(CALLS.saturating_sub(self.earlier.len())));
        }
        self.answers.before(text);
    }
}

/// Shares of words in common: below this much two questions are the same one in other words.
const REPHRASED: f64 = 0.45;
/// ... and from this much on two answers are the same.
const REPEATED: f64 = 0.50;
/// A tool is called the same way for the third time.
const LOOP: usize = 3;
/// Calls that are looked back at.
const CALLS: usize = 20;

const GIVES_UP: &[&str] = &[
    "forget it",
    "never mind",
    "nevermind",
    "give up",
    "talk to a human",
    "cancel",
    "stop",
    "abort",
    "isn't working",
    "is not working",
    "do it myself",
    "do it manually",
];
const PLEASED: &[&str] = &[
    "that worked",
    "that did it",
    "works now",
    "fixed it",
    "solved it",
    "nice",
    "thanks",
    "thank you",
    "thx",
    "appreciate it",
    "appreciated",
    "perfect",
    "great",
    "excellent",
    "exactly",
];

/// What is new in a conversation.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct News {
    /// The user said something.
    pub(super) user: bool,
    /// The model did.
    pub(super) answer: bool,
    /// Anything came.
    pub(super) any: bool,
}

/// Successes and failures of the model that answered last. `thanks` says whether the user's pleasure counts; the second value
/// whether it did.
pub(super) fn judge(history: &History, new: News, thanks: bool) -> ((f64, f64), bool) {
    let mut failures = 0.0;
    let mut pleased = false;
    if new.user
        && let Some(said) = history.users.last.first()
    {
        let before = history.users.last.get(1);
        let low = said.to_lowercase();
        let shared = before.map_or(0.0, |before| in_common(before, said));
        failures += count(shared > 0.0 && shared < REPHRASED) + count(GIVES_UP.iter().any(|w| stands(&low, w)));
        pleased = thanks && PLEASED.iter().any(|w| stands(&low, w));
    }
    if new.answer {
        let same = matches!(history.answers.last.as_slice(), [a, b] if in_common(a, b) >= REPEATED);
        failures += count(same) + 0.5 * count(loops(history));
    }
    failures += count(new.any && history.failed);
    ((count(pleased), failures), pleased)
}

const fn count(holds: bool) -> f64 {
    if holds { 1.0 } else { 0.0 }
}

/// The share of the words of two texts that both have; 0 when one has none.
#[allow(clippy::cast_precision_loss, reason = "words of a text")]
fn in_common(a: &str, b: &str) -> f64 {
    let words = |text: &str| -> HashSet<String> {
        text.split(|c: char| !c.is_ascii_alphanumeric())
            .filter(|w| !w.is_empty())
            .map(str::to_ascii_lowercase)
            .collect()
    };
    let (a, b) = (words(a), words(b));
    let all = a.union(&b).count();
    if all == 0 { 0.0 } else { a.intersection(&b).count() as f64 / all as f64 }
}

fn loops(history: &History) -> bool {
    let before = |call: &String| history.earlier.iter().filter(|old| *old == call).count();
    history.calls.iter().any(|call| before(call) + 1 >= LOOP)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: News = News { user: true, answer: true, any: true };

    fn talk(users: &[&str], answers: &[&str]) -> History {
        let mut history = History { messages: users.len() + answers.len(), ..History::default() };
        users.iter().rev().for_each(|text| history.user(|| (*text).to_owned()));
        answers.iter().rev().for_each(|text| history.answer(|| (*text).to_owned(), std::iter::empty()));
        history
    }

    /// The same with the tools that were called, turn by turn.
    fn called(turns: &[&str]) -> History {
        let mut history = talk(&["a"], &[]);
        turns.iter().rev().for_each(|call| history.answer(String::new, std::iter::once((*call).to_owned())));
        history
    }

    #[test]
    fn of_a_long_conversation_the_end_is_kept() {
        let history = talk(&["a", "b", "c"], &[]);
        assert_eq!((history.users.turns, &history.users.last[..]), (3, &["c".to_owned(), "b".to_owned()][..]));
        let many: Vec<&str> = (0..99).map(|_| "read(a)").collect();
        assert_eq!((called(&many).earlier.len(), called(&many).answers.turns), (CALLS, 99));
    }

    #[test]
    fn users_show_what_they_think() {
        let judged = |users: &[&str], thanks| judge(&talk(users, &[]), ALL, thanks);
        let question = "how do I sort a list in python";
        assert_eq!(
            judged(&[question, "sorting of a list, in descending way, how"], true),
            ((0.0, 1.0), false),
            "rephrased"
        );
        assert_eq!(judged(&[question, question], true), ((0.0, 0.0), false), "repeated");
        assert_eq!(judged(&[question, "what about weather"], true), ((0.0, 0.0), false), "another subject");
        assert_eq!(judged(&["xyz", "Forget it."], true), ((0.0, 1.0), false));
        assert_eq!(judged(&["xyz", "Perfect, thanks!"], true), ((1.0, 0.0), true));
        assert_eq!(judged(&["xyz", "Perfect, thanks!"], false), ((0.0, 0.0), false), "too early, or once more");
        let old = News { user: false, ..ALL };
        assert_eq!(judge(&talk(&["xyz", "Forget it."], &[]), old, true), ((0.0, 0.0), false), "heard before");
    }

    #[test]
    fn answers_that_repeat_and_tools_that_fail_count() {
        let said = talk(&["a"], &["the file is empty", "the file is still empty"]);
        assert_eq!(judge(&said, ALL, true).0, (0.0, 1.0));
        assert_eq!(judge(&said, News { answer: false, ..ALL }, true).0, (0.0, 0.0));
        let twice = called(&["read(a)", "read(a)"]);
        let thrice = called(&["read(a)", "read(b)", "read(a)", "read(a)"]);
        assert_eq!((judge(&twice, ALL, true).0, judge(&thrice, ALL, true).0), ((0.0, 0.0), (0.0, 0.5)));
        let failed = History { failed: true, ..talk(&["a"], &[]) };
        assert_eq!(judge(&failed, ALL, true).0, (0.0, 1.0));
        assert_eq!(judge(&failed, News::default(), true).0, (0.0, 0.0));
    }
}
