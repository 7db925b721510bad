//! `summary.json`: for programs. Its names are stable; `v` changes if they must.

use serde::Serialize;
use serde_json::Value;

use super::Report;

#[derive(Serialize)]
struct Summary<'a> {
    v: u32,
    #[serde(flatten)]
    report: &'a Report,
}

pub(super) fn json(report: &Report) -> serde_json::Result<String> {
    let mut value = serde_json::to_value(Summary { v: 1, report })?;
    round(&mut value);
    serde_json::to_string_pretty(&value).map(|text| text + "\n")
}

/// No measurement has more digits than this that mean something.
fn round(value: &mut Value) {
    match value {
        Value::Number(number) if number.is_f64() => {
            let rounded = number.as_f64().map(|number| (number * 1e4).round() / 1e4);
            *value = rounded.into();
        }
        Value::Array(values) => values.iter_mut().for_each(round),
        Value::Object(values) => values.values_mut().for_each(round),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn fractions_are_rounded_and_nothing_else() {
        let mut value = json!({"a": [0.123_456, 7, null], "b": "0.123456", "c": 2.0});
        round(&mut value);
        assert_eq!(value, json!({"a": [0.1235, 7, null], "b": "0.123456", "c": 2.0}));
    }
}
