//! Tables and numbers as people read them.

/// A table; the first column is text, the others are numbers.
pub(super) struct Table {
    text: String,
}

impl Table {
    pub(super) fn new<'a>(columns: impl IntoIterator<Item = &'a str>) -> Self {
        let columns: Vec<_> = columns.into_iter().collect();
        let rule: String = std::iter::once("---|").chain(columns.iter().skip(1).map(|_| "--:|")).collect();
        let mut table = Self { text: String::new() };
        table.row(columns);
        table.text.push('|');
        table.text.push_str(&rule);
        table.text.push('\n');
        table
    }

    pub(super) fn row<S: AsRef<str>>(&mut self, cells: impl IntoIterator<Item = S>) {
        for cell in cells {
            self.text.push_str("| ");
            self.text.push_str(&cell.as_ref().replace('|', "\\|"));
            self.text.push(' ');
        }
        self.text.push_str("|\n");
    }

    pub(super) fn end(self) -> String {
        self.text
    }
}

/// Ours is easy to find.
pub(super) fn client(name: &str) -> String {
    if name == OURS { format!("**{name}**") } else { name.to_owned() }
}

/// Three digits that mean something, at least one behind the point below 100.
pub(super) fn number(value: f64) -> String {
    match value.abs() {
        ..9.995 => format!("{value:.2}"),
        9.995..99.95 => format!("{value:.1}"),
        _ => grouped(value),
    }
}

/// A whole number with its thousands set apart.
pub(super) fn grouped(value: f64) -> String {
    let digits = format!("{:.0}", value.abs());
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    if value < 0.0 { format!("-{text}") } else { text }
}

pub(super) fn or_dash(value: Option<String>) -> String {
    value.unwrap_or_else(|| "–".into())
}

/// For a sentence: what a program said on several lines.
pub(super) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

pub(super) const OURS: &str = "keepalive";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_three_digits_or_their_thousands_set_apart() {
        let cases = [
            (0.0, "0.00"),
            (5.614, "5.61"),
            (9.994, "9.99"),
            (9.996, "10.0"),
            (12.34, "12.3"),
            (99.96, "100"),
            (999.6, "1,000"),
            (123_456.7, "123,457"),
            (1_234_567.0, "1,234,567"),
        ];
        for (value, text) in cases {
            assert_eq!(number(value), text);
        }
        assert_eq!(grouped(-1234.0), "-1,234");
    }

    #[test]
    fn a_table_is_markdown() {
        let mut table = Table::new(["client", "µs"]);
        table.row([client("keepalive"), number(6.5)]);
        table.row(["a|b", "–"]);
        assert_eq!(table.end(), "| client | µs |\n|---|--:|\n| **keepalive** | 6.50 |\n| a\\|b | – |\n");
    }
}
