//! The targets that a submit accepts.

use scanhost_it::scans::{scan_arguments, submit};
use serde_json::json;

use crate::TestHost;

const POLICY: &str = "pools: {mock: {allowed_targets: [10.0.0.0/8, 'fd00::/8', '*.lab.example'], \
    denied_targets: [10.0.0.1, secret.lab.example], max_addresses: 1000}}\n";
const SCANNERS: &str = "mock: [{instance_id: m1, options: {duration_seconds: 0}}]";

async fn check_targets(settings: &str, table: &[(&str, Result<(), &str>)]) {
    let host = TestHost::start(SCANNERS, settings);
    for (targets, expected) in table {
        let arguments = scan_arguments(json!({ "targets": targets }));
        match expected {
            Ok(()) => {
                let id = submit(&host.mcp, json!({ "targets": targets })).await;
                let status = host.mcp.call_ok("get_scan_status", json!({ "task_id": id })).await;
                assert_eq!(status["targets"], targets.trim());
            }
            Err(code) => {
                let (found, message, hint) = host.mcp.call_refused("run_untrusted_scan", arguments).await;
                assert_eq!(found, *code, "{targets:?}: {message}");
                assert!(!hint.is_empty(), "{targets:?}");
            }
        }
    }
}

#[tokio::test]
async fn default_policy_allows_private_and_loopback_networks() {
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
    check_targets("", &table).await;
}

#[tokio::test]
async fn policy_of_a_pool_replaces_the_default() {
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
    check_targets(POLICY, &table).await;
}

#[tokio::test]
async fn refusal_names_the_rule_and_the_setting_to_change() {
    let host = TestHost::start(SCANNERS, POLICY);
    let table = [
        ("10.0.0.1", "denied_targets: 10.0.0.1", "denied_targets"),
        ("10.0.0.0/30", "denied_targets: 10.0.0.1", "denied_targets"),
        ("secret.lab.example", "denied_targets: secret.lab.example", "denied_targets"),
        ("192.168.0.1", "no rule of allowed_targets", "its network to the pool's allowed_targets"),
        ("www.example.org", "no rule of allowed_targets", "a glob that matches it to the pool's allowed_targets"),
        ("10.2.0.0/22", "1000 that max_addresses allows", "max_addresses"),
    ];
    for (targets, rule, change) in table {
        let arguments = scan_arguments(json!({ "targets": targets }));
        let (code, message, hint) = host.mcp.call_refused("run_untrusted_scan", arguments).await;
        assert_eq!(code, "target_not_allowed", "{targets}");
        assert!(message.contains(targets) || rule.contains("max_addresses"), "{targets}: {message}");
        assert!(message.contains(rule), "{targets}: {message}");
        assert!(hint.contains("pool `mock`") && hint.contains(change), "{targets}: {hint}");
    }
    assert_eq!(host.mcp.call_ok("list_scans", json!({})).await["scans"], json!([]), "nothing was stored");
}

#[tokio::test]
async fn malformed_targets_are_invalid_arguments() {
    let invalid = Err("invalid_argument");
    let table = [
        ("", invalid),
        (" , ,\n", invalid),
        ("10.0.0.0/33", invalid),
        ("10.0.0.0/", invalid),
        ("10.0.0.0/x", invalid),
        ("10.0.0.256", invalid),
        ("10.0.0.20-10.0.0.1", invalid),
        ("10.0.0.20-3", invalid),
        ("10.0.0.1-::1", invalid),
        ("http://10.0.0.1/", invalid),
        ("10.0.0.1;reboot", invalid),
        ("-oX", invalid),
        ("10.0.0.1 10.0.0.999", invalid),
    ];
    check_targets("", &table).await;
}
