//! Which targets are taken.

use scanhost_it::raw::{arguments, submit};
use serde_json::json;

use crate::Desk;

const POLICY: &str = "pools: {mock: {allowed_targets: [10.0.0.0/8, 'fd00::/8', '*.lab.example'], \
    denied_targets: [10.0.0.1, secret.lab.example], max_addresses: 1000}}\n";
const SCANNERS: &str = "mock: [{instance_id: m1, options: {duration_seconds: 0}}]";

async fn check(settings: &str, table: &[(&str, Result<(), &str>)]) {
    let desk = Desk::new(SCANNERS, settings);
    for (targets, expected) in table {
        let asked = arguments(json!({ "targets": targets }));
        match expected {
            Ok(()) => {
                let id = submit(&desk.mcp, json!({ "targets": targets })).await;
                let status = desk.mcp.ok("get_scan_status", json!({ "task_id": id })).await;
                assert_eq!(status["targets"], targets.trim());
            }
            Err(code) => {
                let (found, message, hint) = desk.mcp.refused("run_untrusted_scan", asked).await;
                assert_eq!(found, *code, "{targets:?}: {message}");
                assert!(!hint.is_empty(), "{targets:?}");
            }
        }
    }
}

#[tokio::test]
async fn the_default_policy_allows_private_and_loopback_networks() {
    let refused = Err("target_not_allowed");
    let table = [
        ("10.1.2.3", Ok(())),
        ("172.16.0.0/16", Ok(())),
        ("192.168.1.77/24", Ok(())),
        ("127.0.0.1 localhost", Ok(())),
        ("10.0.0.1-10.0.0.20,10.0.1.1-20", Ok(())),
        ("fd00::1, ::1", Ok(())),
        ("10.0.0.0/16", Ok(())),
        ("10.0.0.0/15", refused),
        ("8.8.8.8", refused),
        ("10.0.0.1 8.8.8.8", refused),
        ("169.254.169.254", refused),
        ("2001:db8::1", refused),
        ("0.0.0.0/0", refused),
        ("www.example.org", refused),
        ("::ffff:8.8.8.8", refused),
    ];
    check("", &table).await;
}

#[tokio::test]
async fn a_pools_policy_replaces_the_default() {
    let refused = Err("target_not_allowed");
    let table = [
        ("10.0.0.2", Ok(())),
        ("web.lab.example", Ok(())),
        ("WEB.Lab.Example", Ok(())),
        ("secret.lab.example", refused),
        ("SECRET.lab.example", refused),
        ("lab.example", refused),
        ("web.lab.example.org", refused),
        ("localhost", refused),
        ("192.168.0.1", refused),
        ("10.0.0.1", refused),
        ("10.0.0.0/30", refused),
        ("10.2.0.0/22", refused),
        ("10.2.0.0/23", Ok(())),
    ];
    check(POLICY, &table).await;
}

#[tokio::test]
async fn a_refusal_names_its_rule_and_what_an_operator_would_change() {
    let desk = Desk::new(SCANNERS, POLICY);
    let table = [
        ("10.0.0.1", "denied_targets: 10.0.0.1", "denied_targets"),
        ("10.0.0.0/30", "denied_targets: 10.0.0.1", "denied_targets"),
        ("secret.lab.example", "denied_targets: secret.lab.example", "denied_targets"),
        ("192.168.0.1", "no rule of allowed_targets", "its network to the pool's allowed_targets"),
        ("www.example.org", "no rule of allowed_targets", "a glob of it to the pool's allowed_targets"),
        ("10.2.0.0/22", "max_addresses: 1000", "max_addresses"),
    ];
    for (targets, rule, change) in table {
        let asked = arguments(json!({ "targets": targets }));
        let (code, message, hint) = desk.mcp.refused("run_untrusted_scan", asked).await;
        assert_eq!(code, "target_not_allowed", "{targets}");
        assert!(message.contains(targets) || rule.starts_with("max_addresses"), "{targets}: {message}");
        assert!(message.contains(rule), "{targets}: {message}");
        assert!(hint.contains("pool `mock`") && hint.contains(change), "{targets}: {hint}");
    }
    assert_eq!(desk.mcp.ok("list_scans", json!({})).await["scans"], json!([]), "nothing was stored");
}

#[tokio::test]
async fn malformed_targets_are_invalid_arguments() {
    let bad = Err("invalid_argument");
    let table = [
        ("", bad),
        (" , ,\n", bad),
        ("10.0.0.0/33", bad),
        ("10.0.0.0/", bad),
        ("10.0.0.0/x", bad),
        ("10.0.0.256", bad),
        ("10.0.0.20-10.0.0.1", bad),
        ("10.0.0.20-3", bad),
        ("10.0.0.1-::1", bad),
        ("http://10.0.0.1/", bad),
        ("10.0.0.1;reboot", bad),
        ("-oX", bad),
        ("10.0.0.1 10.0.0.999", bad),
    ];
    check("", &table).await;
}
