//! Programs that are missing, crash, write an invalid report or exceed a limit: the scan fails with a clear error.

use std::fs;

use serde_json::{Value, json};

use crate::fake_nmap::{EMPTY_REPORT, bin_folder, configure, home, install, processes, run_scan};

/// Runs a scan by this script, which has to fail, and returns its error code and message.
async fn failed_scan(script: &str, limits: &str) -> (String, String) {
    let home = home(script, limits, "");
    let (_server, _, status) = run_scan(&home).await;
    assert_eq!(processes(&home), Vec::<String>::new(), "{script}");
    assert_eq!(status["status"], "failed", "{script}: {status}");
    error_of(&status)
}

fn error_of(status: &Value) -> (String, String) {
    let text = |key: &str| status["error"][key].as_str().unwrap_or_else(|| panic!("{status}")).to_owned();
    (text("code"), text("message"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn crashed_or_limited_program_fails_the_scan_with_the_reason() {
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
        let (found, text) = failed_scan(script, limits).await;
        assert!(found == code && text.contains(message), "{script}: {found}: {text}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn invalid_report_fails_the_scan_and_is_kept() {
    for (written, message) in [
        ("garbage", "not XML: it begins with text at byte 0"),
        ("<nmaprun><host>", "truncated at byte 15"),
        ("<other/>", "not an nmap report"),
    ] {
        let home = home(&format!("printf '{written}'\n"), "", "");
        let (_server, mcp, status) = run_scan(&home).await;
        let (code, text) = error_of(&status);
        assert!(code == "bad_report" && text.contains(message), "{code}: {text}");
        let native = mcp.call_ok("download_native_scan", json!({ "task_id": status["task_id"] })).await;
        let path = native["path"].as_str().expect("a path");
        assert!(path.ends_with("scan_native.xml"), "{path}");
        assert_eq!(fs::read_to_string(path).expect("the report is there"), written);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn program_that_cannot_be_run_means_a_scanner_that_is_down() {
    type Prepare = fn(&scanhost_it::server::Home);
    let cases: [(Prepare, &str); 4] = [
        (|home| fs::remove_file(bin_folder(home).join("nmap")).expect("the program is there"), "does not exist"),
        (
            |home| {
                let plain = std::os::unix::fs::PermissionsExt::from_mode(0o644);
                fs::set_permissions(bin_folder(home).join("nmap"), plain).expect("a mode can be set");
            },
            "is not executable",
        ),
        (|home| configure(home, &bin_folder(home), "", ""), "is not a file"),
        (
            |home| {
                fs::write(bin_folder(home).join("nmap"), "\x7fELF and then nonsense").expect("a file can be written")
            },
            "Exec format error",
        ),
    ];
    for (prepare, reason) in cases {
        let home = home("exit 1\n", "", "").with_short_timeouts();
        prepare(&home);
        let (_server, mcp, status) = run_scan(&home).await;
        let (_, message) = error_of(&status);
        assert!(status["status"] == "failed" && message.contains(reason), "{status}");
        let scanners = mcp.call_ok("list_scanners", json!({})).await;
        assert_eq!(scanners["scanners"][0]["up"], false, "{reason}: {scanners}");
        let check = config_check(&home);
        assert!(check.code == Some(1) && check.stderr.contains(reason), "{check:?}");
        install(&home, &format!("echo '{EMPTY_REPORT}'\n"));
        configure(&home, &bin_folder(&home).join("nmap"), "", "");
        assert_eq!(config_check(&home).code, Some(0), "{reason}");
    }
}

fn config_check(home: &scanhost_it::server::Home) -> scanhost_it::output::Output {
    let mut command = home.command(&["config", "check", "--config"]);
    command.arg(home.config());
    scanhost_it::output::Output::run(command)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scan_of_hosts_that_are_down_completes_with_warnings() {
    let home = home(&format!("echo '{EMPTY_REPORT}'\n"), "", "");
    let (_server, _, status) = run_scan(&home).await;
    assert_eq!(status["status"], "completed", "{status}");
    assert_eq!(status["results_summary"]["total_vulnerabilities"], 0);
    let warnings = status["warnings"].as_array().expect("warnings");
    let has = |code: &str| warnings.iter().any(|warning| warning["code"] == code);
    assert!(has("no_hosts") && has("hosts_down"), "{status}");
}
