//! A chart of horizontal bars as SVG. It brings its own background, so that its text can be read on any page,
//! and its colours follow the reader's theme.

use std::fmt::Write;

pub(super) struct Chart {
    pub(super) title: String,
    pub(super) unit: String,
    /// Where the figures come from.
    pub(super) source: [String; 2],
    pub(super) bars: Vec<Bar>,
}

pub(super) struct Bar {
    pub(super) label: String,
    pub(super) value: f64,
    /// Least and most.
    pub(super) spread: Option<(f64, f64)>,
    /// What stands at its end.
    pub(super) text: String,
    pub(super) paint: Paint,
}

#[derive(Clone, Copy)]
pub(super) enum Paint {
    Ours,
    Limit,
    Rival,
}

impl Chart {
    pub(super) fn draw(&self) -> String {
        let longest = self.longest();
        let scale = if longest > 0.0 { LONGEST / longest } else { 0.0 };
        let height = TOP + STEP * self.bars.len() as f64 + BOTTOM;
        let (title, unit) = (escape(&self.title), escape(&self.unit));
        let mut svg = format!(
            r#"<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}" role="img">
<title>{title}: {unit}</title>
<style>{STYLE}</style>
<rect class="page" x="0.5" y="0.5" width="{}" height="{}" rx="6"/>
<text class="title" x="{MARGIN}" y="28">{title}</text>
<text class="note" x="{MARGIN}" y="48">{unit}</text>
"#,
            WIDTH - 1.0,
            height - 1.0,
        );
        for (place, bar) in self.bars.iter().enumerate() {
            bar.draw(&mut svg, TOP + STEP * place as f64, scale, longest);
        }
        for (line, y) in self.source.iter().zip([height - 27.0, height - 13.0]) {
            let _ =
                writeln!(svg, r#"<text class="source" x="{MARGIN}" y="{y}">{}</text>"#, escape(&cut(line)));
        }
        svg.push_str("</svg>\n");
        svg
    }

    /// The end of the longest bar; one that is far beyond the others is cut, or nothing could be seen of them.
    fn longest(&self) -> f64 {
        let mut ends: Vec<f64> = self.bars.iter().map(Bar::end).collect();
        ends.sort_by(f64::total_cmp);
        let most = ends.get(ends.len() / 2).map_or(0.0, |middle| middle * FAR_BEYOND);
        ends.into_iter().rev().find(|&end| end <= most).unwrap_or(0.0)
    }
}

impl Bar {
    fn end(&self) -> f64 {
        self.spread.map_or(self.value, |(_, most)| most.max(self.value))
    }

    fn draw(&self, svg: &mut String, top: f64, scale: f64, longest: f64) {
        let class = match self.paint {
            Paint::Ours => "ours",
            Paint::Limit => "limit",
            Paint::Rival => "rival",
        };
        let (label, text) = (escape(&self.label), escape(&self.text));
        let middle = top + THICK / 2.0;
        let (base, width) = (middle + 4.5, self.value.min(longest) * scale);
        let _ =
            writeln!(svg, r#"<text class="label {class}" x="{}" y="{base:.1}">{label}</text>"#, LEFT - 8.0);
        let _ = writeln!(
            svg,
            r#"<rect class="{class}" x="{LEFT}" y="{top:.1}" width="{width:.1}" height="{THICK}" rx="2"/>"#
        );
        let end = LEFT + self.end().min(longest) * scale;
        if self.end() > longest {
            let (from, bottom) = (end - 24.0, top + THICK);
            let _ = writeln!(svg, r#"<path class="cut" d="M{from:.1} {bottom:.1}l6 -{THICK}"/>"#);
        } else if let Some((least, most)) = self.spread {
            let (from, to) = (LEFT + least * scale, LEFT + most * scale);
            let _ = writeln!(svg, r#"<path class="spread" d="M{from:.1} {middle:.1}H{to:.1}"/>"#);
        }
        let end = end + 8.0;
        let _ = writeln!(svg, r#"<text class="value {class}" x="{end:.1}" y="{base:.1}">{text}</text>"#);
    }
}

/// A line that would run out of the picture.
fn cut(line: &str) -> String {
    if line.chars().count() <= LONGEST_LINE {
        return line.to_owned();
    }
    line.chars().take(LONGEST_LINE - 1).chain(['…']).collect()
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            // XML allows no others, not even escaped.
            character if character.is_control() && !matches!(character, '\t' | '\n' | '\r') => {}
            character => escaped.push(character),
        }
    }
    escaped
}

const STYLE: &str = "
text { font: 13px system-ui, sans-serif; fill: #1f2328 }
.title { font-size: 16px; font-weight: 600 }
.note { font-size: 12px; fill: #59636e }
.source { font-size: 10px; fill: #59636e }
.label { text-anchor: end }
text.ours { font-weight: 700 }
.page { fill: #ffffff; stroke: #d1d9e0 }
rect.ours { fill: #0969da }
rect.limit { fill: #b4bdc7 }
rect.rival { fill: #818b98 }
.spread { stroke: #1f2328; stroke-width: 1.5 }
.cut { stroke: #ffffff; stroke-width: 4 }
@media (prefers-color-scheme: dark) {
text { fill: #f0f6fc }
.note, .source { fill: #9198a1 }
.page { fill: #0d1117; stroke: #3d444d }
rect.ours { fill: #4493f8 }
rect.limit { fill: #454c54 }
rect.rival { fill: #656c76 }
.spread { stroke: #f0f6fc }
.cut { stroke: #0d1117 }
}
";

const WIDTH: f64 = 760.0;
const MARGIN: f64 = 16.0;
const LEFT: f64 = 150.0;
/// The longest bar, with room for its text.
const LONGEST: f64 = 420.0;
const TOP: f64 = 64.0;
const STEP: f64 = 26.0;
const THICK: f64 = 18.0;
const BOTTOM: f64 = 48.0;
/// A bar so many times as long as the one in the middle is cut.
const FAR_BEYOND: f64 = 8.0;
/// Characters of the smallest print.
const LONGEST_LINE: usize = 120;

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(label: &str, value: f64) -> String {
        let bar = Bar { label: label.into(), value, spread: None, text: String::new(), paint: Paint::Rival };
        Chart {
            title: "<&>".into(),
            unit: "\"µs\"".into(),
            source: ["a\u{1b}b".into(), "x".repeat(200)],
            bars: vec![bar],
        }
        .draw()
    }

    #[test]
    fn text_is_escaped() {
        let svg = chart("a<b&c", 1.0);
        assert!(svg.contains(">a&lt;b&amp;c</text>"), "{svg}");
        assert!(svg.contains("<title>&lt;&amp;&gt;: &quot;µs&quot;</title>"), "{svg}");
        assert!(svg.contains(">ab</text>"), "{svg}");
        assert!(svg.contains(&format!(">{}…</text>", "x".repeat(LONGEST_LINE - 1))), "{svg}");
    }

    #[test]
    fn a_bar_far_beyond_the_others_is_cut() {
        let bar = |value: f64| Bar {
            label: String::new(),
            value,
            spread: None,
            text: value.to_string(),
            paint: Paint::Rival,
        };
        let bars = [1.0, 1.5, 2.0, 40.0].map(bar).into();
        let chart = Chart { title: String::new(), unit: String::new(), source: Default::default(), bars };
        let svg = chart.draw();
        assert_eq!(svg.matches("width=\"420.0\"").count(), 2, "{svg}");
        assert_eq!(svg.matches("class=\"cut\"").count(), 1, "{svg}");
        assert!(svg.contains(">40</text>"), "{svg}");
    }

    #[test]
    fn the_longest_bar_fills_its_room_and_nothing_is_not_drawn_at_all() {
        let bar = |value| Bar {
            label: String::new(),
            value,
            spread: None,
            text: String::new(),
            paint: Paint::Ours,
        };
        let chart = Chart {
            title: String::new(),
            unit: String::new(),
            source: Default::default(),
            bars: vec![bar(5.0), bar(20.0)],
        };
        let svg = chart.draw();
        assert!(svg.contains(r#"width="105.0""#) && svg.contains(r#"width="420.0""#), "{svg}");
        assert!(self::chart("none", 0.0).contains(r#"width="0.0""#));
    }
}
