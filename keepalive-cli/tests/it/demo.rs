//! `keepalive demo`: its numbers, its table, its words.

use serde_json::Value;

use crate::program::keepalive;

/// The runs of `demo --json ARGS`, by name.
fn runs(args: &[&str]) -> [Value; 3] {
    let run = keepalive([&["demo", "--json"], args].concat()).expect(0);
    assert_eq!(run.stderr, "");
    assert_eq!(run.stdout.lines().count(), 1);
    let json: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(json["v"], 1);
    assert_eq!(json["runs"].as_array().unwrap().len(), 3);
    ["one_shot", "keep_alive_off", "keep_alive"].map(|name| {
        let runs = json["runs"].as_array().unwrap();
        runs.iter().find(|run| run["name"] == name).unwrap().clone()
    })
}

fn number(run: &Value, key: &str) -> u64 {
    run[key].as_u64().unwrap_or_else(|| panic!("{key} is no number in {run}"))
}

#[test]
fn the_defaults_show_what_each_way_costs() {
    let [one_shot, off, on] = runs(&[]);
    for run in [&one_shot, &off, &on] {
        assert_eq!((number(run, "requests"), number(run, "failed")), (200, 0));
    }
    assert_eq!(number(&one_shot, "sockets_opened"), 200);
    assert_eq!(number(&one_shot, "reused"), 0);
    assert!(number(&one_shot, "max_open") > 5);

    assert!(number(&off, "sockets_opened") > 5, "{off}");
    assert!(number(&off, "max_open") <= 5, "{off}");
    assert_eq!(number(&off, "reused") + number(&off, "sockets_opened"), 200);

    assert_eq!(number(&on, "sockets_opened"), 5);
    assert!(number(&on, "max_open") <= 5, "{on}");
    assert_eq!(number(&on, "reused"), 195);
}

#[test]
fn the_json_has_all_its_fields() {
    let [one_shot, off, on] = runs(&["--requests", "20"]);
    for run in [&one_shot, &off, &on] {
        let (p50, p95) = (run["queue_ms"]["p50"].as_f64().unwrap(), run["queue_ms"]["p95"].as_f64().unwrap());
        assert!(0.0 <= p50 && p50 <= p95);
        assert!(run["wall_ms"].as_f64().unwrap() > 0.0);
    }
    // 10 at once over 5 sockets: half of them wait for the other half's answers, which take 2 ms.
    assert!(on["queue_ms"]["p95"].as_f64().unwrap() > 1.0, "{on}");
}

#[test]
fn one_request_and_one_socket_work() {
    for run in runs(&["--requests", "1"]) {
        assert_eq!((number(&run, "requests"), number(&run, "failed")), (1, 0));
        assert_eq!((number(&run, "sockets_opened"), number(&run, "max_open")), (1, 1));
    }
    let [one_shot, off, on] = runs(&["--requests", "30", "--max-sockets", "1"]);
    assert_eq!(number(&one_shot, "sockets_opened"), 30);
    assert!(number(&off, "sockets_opened") > 1);
    assert_eq!(number(&off, "max_open"), 1);
    assert_eq!((number(&on, "sockets_opened"), number(&on, "max_open")), (1, 1));
}

#[test]
fn large_values_work() {
    for run in runs(&["--requests", "3000", "--max-sockets", "100000"]) {
        assert_eq!((number(&run, "requests"), number(&run, "failed")), (3000, 0));
    }
}

#[test]
fn zero_is_a_usage_error() {
    for option in ["--requests", "--max-sockets"] {
        let run = keepalive(["demo", option, "0"]).expect(2);
        assert!(run.stderr.contains(option) && run.stderr.contains("1 or more"), "{run:?}");
        assert_eq!(run.stdout, "");
    }
}

#[test]
fn the_table_is_aligned_and_two_sentences_follow() {
    let run = keepalive(["demo"]).expect(0);
    assert_eq!(run.stderr, "");
    assert!(run.stdout.is_ascii(), "no colour codes, no box drawing: {}", run.stdout);
    let lines: Vec<_> = run.stdout.lines().collect();
    let head = lines.iter().position(|line| line.contains("sockets opened")).unwrap();
    for title in ["requests", "failed", "most open at once", "reused", "queue p50", "queue p95", "wall time"]
    {
        assert!(lines[head].contains(title), "{title} is missing in {}", run.stdout);
    }
    let table = &lines[head..head + 5];
    assert!(table.iter().all(|line| line.len() == table[0].len()), "{}", run.stdout);
    for (row, label) in
        table[2..].iter().zip(["one-shot sockets", "agent, keep-alive off", "agent, keep-alive on"])
    {
        assert!(row.starts_with(label), "{row}");
    }
    let end_of_opened = table[0].find("sockets opened").unwrap() + "sockets opened".len();
    assert!(table[2][..end_of_opened].ends_with(" 200"), "{}", run.stdout);
    assert!(table[4][..end_of_opened].ends_with(" 5"), "{}", run.stdout);

    let text = lines[head + 6..].join(" ");
    assert_eq!(text.matches('.').count() - text.matches("97.5").count(), 2, "two sentences: {text}");
    assert!(text.contains("opened 200 sockets") && text.contains("held that to 5"), "{text}");
    assert!(text.contains("opened 5 sockets") && text.contains("195 of 200"), "{text}");
}
