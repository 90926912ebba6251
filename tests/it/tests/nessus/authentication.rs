//! Whether the credentials worked, from what reports say about it.

use scanhost_it::lab::{Lab, instant, task_id};
use serde_json::{Value, json};

/// A host: its tag `Credentialed_Scan`, what plugin 19506 prints about credentials, and which other plugins fired.
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

async fn check(tool: &str, hosts: &[Host], expected: &str, warning: Option<&str>) {
    let lab = Lab::new(instant(report(hosts))).await;
    let login = match tool {
        "run_untrusted_scan" => json!({}),
        _ => json!({ "ssh_username": "audit", "ssh_password": "some-password" }),
    };
    let id = lab.submitted_to(tool, login).await;
    let status = lab.ended(&id).await;
    assert_eq!(status["status"], "completed", "{status}");
    assert_eq!(status["authentication_status"], expected, "{status}");
    let none = Vec::new();
    let codes: Vec<&Value> = status["warnings"].as_array().unwrap_or(&none).iter().map(|one| &one["code"]).collect();
    assert_eq!(codes.iter().any(|code| code.as_str().is_some_and(|code| Some(code) == warning)), warning.is_some());
    let lines = lab.mcp.results(json!({ "task_id": task_id(&status) })).await;
    assert_eq!(lines[1]["authentication_status"], expected, "the results say the same");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn success_when_the_credentials_worked_on_every_host() {
    let hosts = [Host(Some("true"), YES, &[141_118]), Host(None, YES, &[]), Host(None, None, &[117_887])];
    check("run_trusted_scan", &hosts, "success", None).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn partial_when_they_worked_on_some_hosts() {
    let hosts = [Host(Some("true"), YES, &[]), Host(Some("false"), NO, &[104_410])];
    check("run_trusted_scan", &hosts, "partial", Some("authentication_partial")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn partial_when_they_gave_too_few_rights() {
    let hosts = [Host(Some("true"), YES, &[110_385])];
    check("run_trusted_scan", &hosts, "partial", Some("authentication_partial")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn failed_when_they_worked_nowhere_and_the_scan_still_completes() {
    let hosts = [Host(Some("false"), NO, &[104_410, 21745]), Host(None, NO, &[])];
    check("run_trusted_scan", &hosts, "failed", Some("authentication_failed")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unknown_when_the_report_says_nothing() {
    check("run_trusted_scan", &[Host(None, None, &[22964])], "unknown", None).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn not_applicable_without_credentials() {
    check("run_untrusted_scan", &[Host(Some("false"), NO, &[110_723])], "not_applicable", None).await;
}
