//! Live counts of requests, tokens and calls in flight, and their limits.

use std::sync::Arc;
use std::time::Duration;

use llm_kv::{Counter, MemoryKv, Stamp, Window};
use llm_store::BudgetRow;

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Counted {
    /// Requests per window.
    Requests,
    /// Tokens per window, those that `token_rate_limit_type` names.
    Tokens,
    /// Tokens of prompts per window.
    Input,
    /// Tokens of answers per window.
    Output,
    /// Tokens per day.
    Daily,
    /// Calls at the same time.
    Parallel,
    /// Calls of a session, from its first one on.
    Calls {
        /// How long they are counted.
        seconds: u32,
    },
}

impl Counted {
    /// LiteLLM's word in messages and headers.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Requests => "requests",
            Self::Tokens => "tokens",
            Self::Input => "input_tokens",
            Self::Output => "output_tokens",
            Self::Daily => "tokens_per_day",
            Self::Parallel => "max_parallel_requests",
            Self::Calls { .. } => "max_iterations",
        }
    }

    /// Which of these tokens are counted; nothing where none are.
    pub(crate) const fn of(self, tokens: Tokens) -> Option<i64> {
        match self {
            Self::Requests | Self::Parallel | Self::Calls { .. } => None,
            Self::Tokens | Self::Daily => Some(tokens.main),
            Self::Input => Some(tokens.input),
            Self::Output => Some(tokens.output),
        }
    }
}

/// Tokens of a call.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Tokens {
    /// Those that count against ordinary limits.
    pub(crate) main: i64,
    pub(crate) input: i64,
    pub(crate) output: i64,
}

/// When a limit holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Rule {
    /// Always.
    #[default]
    Always,
    /// Always. While less than this is used, there is room to spare.
    Capacity(i64),
    /// Where there is no room to spare; otherwise its uses are only counted.
    Share,
    /// While the model fails; otherwise nothing is counted.
    Failing,
}

/// Whether a group of models has room to spare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Room {
    /// It has: a call is let in only as long as that is so.
    Spare,
    /// It need not: every limit holds.
    Tight,
}

/// One limit with its live count. The count belongs to the entity and outlives this.
#[derive(Debug, Clone)]
pub(crate) struct Gate {
    /// `api_key`, `user`, `team`, `model_per_key` ...
    pub(crate) descriptor: &'static str,
    /// Which one, as people see it.
    pub(crate) value: Arc<str>,
    /// What is counted.
    pub(crate) counted: Counted,
    /// At the most.
    pub(crate) limit: i64,
    /// When that holds.
    pub(crate) rule: Rule,
    /// The count's name.
    pub(crate) name: Arc<str>,
    /// The live count.
    pub(crate) counter: Arc<Counter>,
}

/// The limits of one entity.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Limits {
    pub(crate) rpm: Option<i64>,
    pub(crate) tpm: Option<i64>,
    pub(crate) input: Option<i64>,
    pub(crate) output: Option<i64>,
    pub(crate) daily: Option<i64>,
    pub(crate) parallel: Option<i64>,
}

impl Limits {
    /// The limits of a budget's row.
    pub(crate) const fn of_budget(row: &BudgetRow) -> Self {
        Self {
            rpm: row.rpm_limit,
            tpm: row.tpm_limit,
            input: None,
            output: None,
            daily: row.tpd_limit,
            parallel: row.max_parallel_requests,
        }
    }

    /// These, and where there is none the other's.
    pub(crate) fn or(self, other: Self) -> Self {
        Self {
            rpm: self.rpm.or(other.rpm),
            tpm: self.tpm.or(other.tpm),
            input: self.input.or(other.input),
            output: self.output.or(other.output),
            daily: self.daily.or(other.daily),
            parallel: self.parallel.or(other.parallel),
        }
    }

    /// The gates of an entity. `id` names its counters, `shown` the entity.
    pub(crate) fn gates(
        self,
        kv: &MemoryKv,
        descriptor: &'static str,
        id: &str,
        shown: &Arc<str>,
        out: &mut Vec<Gate>,
    ) {
        let wanted = [
            (Counted::Requests, self.rpm),
            (Counted::Tokens, self.tpm),
            (Counted::Input, self.input),
            (Counted::Output, self.output),
            (Counted::Daily, self.daily),
            (Counted::Parallel, self.parallel),
        ];
        for (counted, limit) in wanted {
            let Some(limit) = limit else { continue };
            let name = format!("{descriptor}:{id}:{}", counted.word());
            let counter = kv.counter(&name);
            let name = name.into();
            let (value, rule) = (Arc::clone(shown), Rule::Always);
            out.push(Gate { descriptor, value, counted, limit, rule, name, counter });
        }
    }
}

impl Gate {
    /// What a call that sets `tokens` aside adds, and to which kind of window; `minute` is that of rates.
    pub(crate) fn claim(&self, tokens: Tokens, minute: Window) -> (i64, Window) {
        let window = match self.counted {
            Counted::Parallel => Window::InFlight,
            Counted::Daily => Window::FirstUse(DAY),
            Counted::Calls { seconds } => Window::FirstUse(Duration::from_secs(seconds.into())),
            _ => minute,
        };
        (self.counted.of(tokens).unwrap_or(1), window)
    }

    /// The count that must not be passed; nothing where it is only counted. Without tokens set aside one more must fit: the
    /// window is not used up.
    pub(crate) fn claim_limit(&self, tokens: Tokens, room: Room) -> Option<i64> {
        let by = self.counted.of(tokens).unwrap_or(1);
        let limit = if by == 0 { self.limit.saturating_sub(1) } else { self.limit };
        match (self.rule, room) {
            (Rule::Share, Room::Spare) => None,
            (Rule::Capacity(spare), Room::Spare) => Some(limit.min(spare.saturating_sub(1).saturating_add(by))),
            _ => Some(limit),
        }
    }

    /// True for the capacity of a group, as far as is known here, without room to spare.
    pub(crate) fn is_tight(&self, now: Stamp) -> bool {
        match self.rule {
            Rule::Capacity(spare) => self.counter.read(now).is_some_and(|reading| reading.value >= spare),
            Rule::Always | Rule::Share | Rule::Failing => false,
        }
    }

    /// The same limit, of which only a part is left.
    pub(crate) fn throttled(&self, part: f64) -> Self {
        Self { limit: ((self.limit as f64 * part).floor() as i64).max(1), ..self.clone() }
    }
}

const DAY: Duration = Duration::from_secs(86_400);
