//! The authentication status, which is derived from the report.

use scanhost_it::testbed::{Testbed, instant_scans, task_id};
use serde_json::{Value, json};

/// A host of a report: its tag `Credentialed_Scan`, the line about credentials in the output of plugin 19506, and the
/// other plugins that have findings.
struct Host(Option<&'static str>, Option<&'static str>, &'static [u32]);

fn report(hosts: &[Host]) -> Vec<u8> {
    let item = |plugin: u32, output: &str| {
        format!(
            "<ReportItem port=\"0\" svc_name=\"general\" protocol=\"tcp\" severity=\"0\" pluginID=\"{plugin}\" \
             pluginName=\"Plugin {plugin}\" pluginFamily=\"Settings\"><risk_factor>None</risk_factor>\
             <plugin_output>{output}</plugin_output></ReportItem>\n"
        )
    };
    let host = |(number, Host(tag, information, plugins)): (usize, &Host)| {
        let tag = tag.map(|value| format!("<tag name=\"Credentialed_Scan\">{value}</tag>")).unwrap_or_default();
        let line = information.map(|text| format!("Credentialed checks : {text}\n")).unwrap_or_default();
        let information = item(19506, &format!("Information about this scan :\n\nNessus version : 10.8.3\n{line}"));
        let others: String = plugins.iter().map(|plugin| item(*plugin, "see the description")).collect();
        format!(
            "<ReportHost name=\"10.20.0.{number}\"><HostProperties>{tag}</HostProperties>\n{information}{others}\
             </ReportHost>\n"
        )
    };
    let hosts: String = hosts.iter().enumerate().map(host).collect();
    format!(
        "<?xml version=\"1.0\" ?>\n<NessusClientData_v2><Report name=\"r\">\n{hosts}</Report></NessusClientData_v2>\n"
    )
    .into_bytes()
}

const YES: Option<&str> = Some("yes, as &apos;audit&apos; via ssh");
const NO: Option<&str> = Some("no");

async fn check_status(tool: &str, hosts: &[Host], expected: &str, warning: Option<&str>) {
    let testbed = Testbed::new(instant_scans(report(hosts))).await;
    let login = match tool {
        "run_untrusted_scan" => json!({}),
        _ => json!({ "ssh_username": "audit", "ssh_password": "some-password" }),
    };
    let id = testbed.submit_with(tool, login).await;
    let status = testbed.wait_for_end(&id).await;
    assert_eq!(status["status"], "completed", "{status}");
    assert_eq!(status["authentication_status"], expected, "{status}");
    let none = Vec::new();
    let codes: Vec<&Value> =
        status["warnings"].as_array().unwrap_or(&none).iter().map(|warning| &warning["code"]).collect();
    assert_eq!(codes.iter().any(|code| code.as_str().is_some_and(|code| Some(code) == warning)), warning.is_some());
    let lines = testbed.mcp.results(json!({ "task_id": task_id(&status) })).await;
    assert_eq!(lines[1]["authentication_status"], expected, "the results have the same authentication status");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn status_is_success_when_the_login_worked_on_every_host() {
    let hosts = [Host(Some("true"), YES, &[141_118]), Host(None, YES, &[]), Host(None, None, &[117_887])];
    check_status("run_trusted_scan", &hosts, "success", None).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn status_is_partial_when_the_login_worked_on_some_hosts() {
    let hosts = [Host(Some("true"), YES, &[]), Host(Some("false"), NO, &[104_410])];
    check_status("run_trusted_scan", &hosts, "partial", Some("authentication_partial")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn status_is_partial_when_the_login_had_too_few_privileges() {
    let hosts = [Host(Some("true"), YES, &[110_385])];
    check_status("run_trusted_scan", &hosts, "partial", Some("authentication_partial")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn status_is_failed_when_the_login_worked_nowhere_but_the_scan_completes() {
    let hosts = [Host(Some("false"), NO, &[104_410, 21745]), Host(None, NO, &[])];
    check_status("run_trusted_scan", &hosts, "failed", Some("authentication_failed")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn status_is_unknown_when_the_report_says_nothing() {
    check_status("run_trusted_scan", &[Host(None, None, &[22964])], "unknown", None).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn status_is_not_applicable_without_credentials() {
    check_status("run_untrusted_scan", &[Host(Some("false"), NO, &[110_723])], "not_applicable", None).await;
}
