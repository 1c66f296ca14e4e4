//! The alerts and the dashboard that are shipped, with the real Prometheus.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use serde_json::Value;

use crate::support::{Directory, NEVER, Program};

const RULES: &str = include_str!("../../dist/prometheus/saltyrtc-server.rules.yml");
const ALERTS: &str = include_str!("alerts.yml");
const DASHBOARD: &str = include_str!("../../dist/grafana/saltyrtc-server.json");

/// Where Prometheus listens: no other test does there, so that nobody takes the port before it does.
const PROMETHEUS: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 9);

/// Prometheus that watches one server.
struct Prometheus {
    child: Child,
    address: SocketAddr,
}

impl Prometheus {
    fn start(directory: &Directory, server: SocketAddr) -> Self {
        directory.write("saltyrtc-server.rules.yml", RULES);
        let config = format!(
            "global: {{scrape_interval: 100ms, scrape_timeout: 100ms, evaluation_interval: 100ms}}\n\
             rule_files: [saltyrtc-server.rules.yml]\n\
             scrape_configs:\n  - {{job_name: saltyrtc-server, scrape_timeout: 100ms, static_configs: \
             [{{targets: ['{server}']}}]}}\n"
        );
        let config = directory.write("prometheus.yml", config);
        let free = TcpListener::bind((PROMETHEUS, 0)).unwrap().local_addr().unwrap();
        let mut child = Command::new("prometheus")
            .arg(format!("--config.file={config}"))
            .arg(format!("--web.listen-address={free}"))
            .arg(format!("--storage.tsdb.path={}", directory.name("data")))
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("prometheus runs (if it is not installed: make test-tools does it)");
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
        let mut log = Vec::new();
        let ready = lines
            .by_ref()
            .inspect(|line| log.push(line.clone()))
            .any(|line| line.contains("ready to receive"));
        assert!(ready, "{log:#?}");
        // It does not end because nobody reads what it says.
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, address: free }
    }

    /// The result of a query or of another question to the API.
    fn ask(&self, what: &str, query: &str) -> Value {
        let mut encoded = String::new();
        query.bytes().for_each(|byte| encoded += &format!("%{byte:02x}"));
        let mut connection = TcpStream::connect(self.address).unwrap();
        connection.set_read_timeout(Some(NEVER)).unwrap();
        let request = format!("GET /api/v1/{what}?query={encoded} HTTP/1.0\r\n\r\n");
        connection.write_all(request.as_bytes()).unwrap();
        let mut text = String::new();
        connection.read_to_string(&mut text).unwrap();
        let (_, body) = text.split_once("\r\n\r\n").unwrap();
        let answer: Value = serde_json::from_str(body).unwrap_or_else(|_| panic!("{text}"));
        assert_eq!(answer["status"], "success", "{query}: {answer}");
        answer["data"].clone()
    }

    /// Waits until an expression gives some series, or none. On a busy machine the server may miss a scrape, and
    /// nothing is known of it until the next one.
    fn wait_for(&self, some: bool, expression: &str) {
        let end = Instant::now() + NEVER;
        while (self.series(expression) > 0) != some {
            assert!(
                Instant::now() < end,
                "some: {some}, {expression}: {}",
                self.ask("targets", "")
            );
            std::thread::yield_now();
        }
    }

    /// How many series an expression gives.
    fn series(&self, expression: &str) -> usize {
        self.ask("query", expression)["result"].as_array().unwrap().len()
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The metrics in an expression, with the labels that are asked for.
fn selectors(expression: &str) -> Vec<String> {
    let starts =
        expression.match_indices("saltyrtc_server_").map(|(start, _)| &expression[start..]);
    let selector = |text: &str| {
        let name =
            text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(text.len());
        let labels =
            if text[name..].starts_with('{') { text[name..].find('}').unwrap() + 1 } else { 0 };
        text[..name + labels].to_owned()
    };
    starts.map(selector).collect()
}

/// All values of a key, wherever it is.
fn values_of<'a>(key: &str, value: &'a Value, found: &mut Vec<&'a str>) {
    match value {
        Value::Array(values) => values.iter().for_each(|value| values_of(key, value, found)),
        Value::Object(fields) => {
            found.extend(fields.get(key).and_then(Value::as_str));
            fields.values().for_each(|value| values_of(key, value, found));
        }
        _ => {}
    }
}

/// A misspelled metric or label would be an alert that never fires, or an empty panel.
#[test]
fn prometheus_has_an_answer_to_every_expression() {
    let program = Program::start_unsafe(&[]);
    let directory = Directory::new();
    let prometheus = Prometheus::start(&directory, program.admin.unwrap());
    // Rates need two values.
    prometheus.wait_for(true, "count_over_time(saltyrtc_server_build_info[1m]) >= 3");

    let rules = prometheus.ask("rules", "");
    let mut alerts = Vec::new();
    values_of("query", &rules, &mut alerts);
    assert_eq!(alerts.len(), RULES.matches("- alert:").count());
    let dashboard: Value = serde_json::from_str(DASHBOARD).unwrap();
    let mut panels = Vec::new();
    values_of("expr", &dashboard["panels"], &mut panels);
    assert!(panels.len() > 10);
    let panels: Vec<_> = panels
        .iter()
        .map(|text| text.replace("$__rate_interval", "1m").replace("$instance", ".*"))
        .collect();
    for expression in &panels {
        prometheus.wait_for(true, expression);
    }
    for expression in alerts {
        // Nothing is wrong.
        prometheus.wait_for(false, expression);
        for selector in selectors(expression) {
            prometheus.wait_for(true, &selector);
        }
    }
    // What is counted and nobody would see.
    let (_, metrics) = program.get("/metrics");
    for family in metrics.lines().filter_map(|line| line.strip_prefix("# TYPE ")) {
        let name = family.split(' ').next().unwrap();
        assert!(panels.iter().any(|expression| expression.contains(name)), "{name}");
    }
}

/// Each alert fires when it should, and none of them when nothing is wrong.
#[test]
fn alerts_fire_when_something_is_wrong() {
    let directory = Directory::new();
    directory.write("saltyrtc-server.rules.yml", RULES);
    let tests = directory.write("alerts.yml", ALERTS);
    let output = Command::new("promtool")
        .args(["test", "rules", &tests])
        .output()
        .expect("promtool runs (if it is not installed: make test-tools does it)");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    for alert in RULES.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")) {
        assert!(ALERTS.contains(&format!("alertname=\"{alert}\"")), "{alert}");
    }
}
