//! A program that is missing, crashes, writes nonsense or takes too much: a clear error, and nothing torn.

use std::fs;

use serde_json::{Value, json};

use crate::means::{EMPTY_REPORT, bin, configure, home, place, processes, scanned};

async fn failed(script: &str, limits: &str) -> (String, String) {
    let home = home(script, limits, "");
    let (_server, _, status) = scanned(&home).await;
    assert_eq!(processes(&home), Vec::<String>::new(), "{script}");
    assert_eq!(status["status"], "failed", "{script}: {status}");
    said(&status)
}

fn said(status: &Value) -> (String, String) {
    let text = |key: &str| status["error"][key].as_str().unwrap_or_else(|| panic!("{status}")).to_owned();
    (text("code"), text("message"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_that_ends_badly_fails_the_scan_and_says_how() {
    for (script, limits, code, message) in [
        ("exit 3\n", "", "remote_scan_failed", "exit code 3"),
        ("kill -SEGV $$\n", "", "remote_scan_failed", "signal 11"),
        ("echo '<nmaprun>'; exec BIN/sleeper 60\n", "seconds: 1", "remote_scan_failed", "limits.seconds"),
        (
            "while :; do echo aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa; done\n",
            "output_mib: 1",
            "remote_scan_failed",
            "limits.output_mib",
        ),
        ("a=x; while :; do a=$a$a; done\n", "memory_mib: 64", "remote_scan_failed", ""),
        (
            "for i in 1 2 3 4 5 6 7 8; do BIN/sleeper 60 & done; wait\n",
            "processes: 4",
            "remote_scan_failed",
            "limits.processes",
        ),
    ] {
        let (found, text) = failed(script, limits).await;
        assert!(found == code && text.contains(message), "{script}: {found}: {text}");
    }
}

/// What it wrote is kept, and can be looked at.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_report_is_told_with_its_place_and_kept() {
    for (written, message) in [
        ("garbage", "not XML: it begins with text at byte 0"),
        ("<nmaprun><host>", "truncated at byte 15"),
        ("<other/>", "not a report of nmap"),
    ] {
        let home = home(&format!("printf '{written}'\n"), "", "");
        let (_server, mcp, status) = scanned(&home).await;
        let (code, text) = said(&status);
        assert!(code == "bad_report" && text.contains(message), "{code}: {text}");
        let native = mcp.ok("download_native_scan", json!({ "task_id": status["task_id"] })).await;
        let path = native["path"].as_str().expect("a path");
        assert!(path.ends_with("scan_native.xml"), "{path}");
        assert_eq!(fs::read_to_string(path).expect("the report is there"), written);
    }
}

/// As for any scanner that is away: the scanner is down, and a scan fails after some tries.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_that_cannot_be_run_is_a_scanner_that_is_down() {
    type Prepare = fn(&scanhost_it::server::Home);
    let cases: [(Prepare, &str); 4] = [
        (|home| fs::remove_file(bin(home).join("nmap")).expect("the program is there"), "is not there"),
        (
            |home| {
                let plain = std::os::unix::fs::PermissionsExt::from_mode(0o644);
                fs::set_permissions(bin(home).join("nmap"), plain).expect("a mode can be set");
            },
            "is not executable",
        ),
        (|home| configure(home, &bin(home), "", ""), "is no file"),
        (
            |home| fs::write(bin(home).join("nmap"), "\x7fELF and then nonsense").expect("a file can be written"),
            "Exec format error",
        ),
    ];
    for (prepare, reason) in cases {
        let home = home("exit 1\n", "", "").hasty();
        prepare(&home);
        let (_server, mcp, status) = scanned(&home).await;
        let (_, message) = said(&status);
        assert!(status["status"] == "failed" && message.contains(reason), "{status}");
        let scanners = mcp.ok("list_scanners", json!({})).await;
        assert_eq!(scanners["scanners"][0]["up"], false, "{reason}: {scanners}");
        let check = check(&home);
        assert!(check.code == Some(1) && check.stderr.contains(reason), "{check:?}");
        place(&home, &format!("echo '{EMPTY_REPORT}'\n"));
        configure(&home, &bin(&home).join("nmap"), "", "");
        assert_eq!(self::check(&home).code, Some(0), "{reason}");
    }
}

fn check(home: &scanhost_it::server::Home) -> scanhost_it::output::Output {
    let mut command = home.command(&["config", "check", "--config"]);
    command.arg(home.config());
    scanhost_it::output::Output::of(command)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_scan_of_hosts_that_are_down_completes_and_counts_them() {
    let home = home(&format!("echo '{EMPTY_REPORT}'\n"), "", "");
    let (_server, _, status) = scanned(&home).await;
    assert_eq!(status["status"], "completed", "{status}");
    assert_eq!(status["results_summary"]["total_vulnerabilities"], 0);
    let warnings = status["warnings"].as_array().expect("warnings");
    let has = |code: &str| warnings.iter().any(|warning| warning["code"] == code);
    assert!(has("no_hosts") && has("hosts_down"), "{status}");
}
