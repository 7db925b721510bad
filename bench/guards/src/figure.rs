//! One measured number, and the rule it must keep.

use std::fmt;

use super::Baseline;

/// One measured number.
#[derive(Debug, Clone)]
pub struct Figure {
    /// What it counts, from the general to the particular, with dots between.
    pub name: String,
    /// The number.
    pub value: f64,
    /// What it must keep to.
    pub rule: Rule,
}

/// What a figure must keep to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Rule {
    /// A limit that is promised.
    AtMost(f64),
    /// What is committed, and this share of it more.
    Baseline(f64),
    /// Nothing: it is for people.
    None,
}

/// Whether a figure keeps its rule.
#[derive(Debug)]
pub struct Verdict<'a> {
    figure: &'a Figure,
    limit: Option<f64>,
    text: String,
}

impl Figure {
    pub(crate) fn new(name: impl Into<String>, value: f64, rule: Rule) -> Self {
        Self { name: name.into(), value, rule }
    }

    /// Holds it against its limit, or against the committed figure of that name.
    #[must_use]
    pub fn judge(&self, baseline: &Baseline) -> Verdict<'_> {
        let (limit, text) = match self.rule {
            Rule::AtMost(limit) => (Some(limit), format!("at most {}", Short(limit))),
            Rule::Baseline(margin) => match baseline.get(&self.name) {
                Some(before) => {
                    // The last term makes a zero of a negative zero.
                    let change = ((self.value / before - 1.0) * 1000.0).round() / 10.0 + 0.0;
                    let text = format!("baseline {} ({change:+.1} %)", Short(before));
                    (Some(before * (1.0 + margin)), text)
                }
                None => (None, "no baseline for it: --update makes one".to_owned()),
            },
            Rule::None => (Some(f64::INFINITY), String::new()),
        };
        Verdict { figure: self, limit, text }
    }
}

impl Verdict<'_> {
    /// Whether the figure keeps its rule. One that nothing is known of does not.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        self.limit.is_some_and(|limit| self.figure.value <= limit)
    }
}

/// One line.
impl fmt::Display for Verdict<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Figure { name, value, .. } = self.figure;
        let word = match self.figure.rule {
            Rule::None => "-",
            _ if self.is_ok() => "ok",
            _ => "FAILED",
        };
        let line = format!("{word:<7} {name:<44} {:>10}  {}", Short(*value).to_string(), self.text);
        f.write_str(line.trim_end())?;
        match self.limit {
            Some(limit) if !self.is_ok() => write!(f, ": {} above {}", Short(value - limit), Short(limit)),
            _ => Ok(()),
        }
    }
}

/// A number without digits that mean nothing.
struct Short(f64);

impl fmt::Display for Short {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = if self.0.fract() == 0.0 || self.0.abs() >= 1000.0 { 0 } else { 2 };
        write!(f, "{:.digits$}", self.0)
    }
}
