//! A report with planted scripts, which every page has to show as plain text.

use scanhost_it::{
    page_client::{PageClient, PageResponse},
    testbed::{ScannerLogin, Testbed, instant_scans},
};
use serde_json::json;

/// Markup that would run a script, with invisible and bidirectional control characters.
pub const PLANTED: &str = "</td><script>attacked=1</script>\"><img src=x onerror=attacked=1>' \u{202e}esrever\u{200b}";

/// A report with the planted text in every field, where a script that ran would set `attacked`.
pub fn report() -> Vec<u8> {
    let planted = PLANTED.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
    let item = |id: u32, severity: u32| {
        format!(
            "<ReportItem port=\"22\" svc_name=\"{planted}\" protocol=\"{planted}\" severity=\"{severity}\" pluginID=\"{id}\" \
             pluginName=\"{planted} {id}\" pluginFamily=\"{planted}\"><plugin_output>{planted}\n\tline \u{1b}[2J</plugin_output>\
             <solution>{planted}</solution><cve>{planted}</cve><see_also>javascript:attacked=1</see_also>\
             <script>{planted}</script></ReportItem>"
        )
    };
    let items: String = (1..=12).map(|id| item(id, id % 5)).collect();
    format!(
        "<?xml version=\"1.0\"?><NessusClientData_v2><Report name=\"{planted}\"><ReportHost name=\"{planted}\">\
         <HostProperties><tag name=\"operating-system\">{planted}</tag></HostProperties>{items}</ReportHost></Report>\
         </NessusClientData_v2>"
    )
    .into_bytes()
}

#[tokio::test]
async fn report_full_of_scripts_is_shown_as_text() {
    let testbed = Testbed::with_login(instant_scans(report()), ScannerLogin::ApiKeys, "").await;
    let name = "<script>attacked=1</script>\u{202e}";
    let id = testbed.submit_with("run_untrusted_scan", json!({ "name": name, "description": PLANTED })).await;
    assert_eq!(testbed.wait_for_end(&id).await["status"], "completed");
    let again = testbed.submit_with("run_untrusted_scan", json!({ "name": name })).await;
    assert_eq!(testbed.wait_for_end(&again).await["status"], "completed");
    let client = PageClient::new(&testbed.server);
    let scan = format!("/scans/{id}");
    let paths = [
        "/".to_owned(),
        "/scans".to_owned(),
        scan.clone(),
        format!("{scan}?profile=full&page_size=100"),
        format!("{scan}?profile=triage"),
        format!("{scan}?filter=plugin_name%3D%3Cscript%3E%E2%80%AE"),
        format!("{scan}?filter=%3Cscript%3E%3D1"),
        format!("{scan}?profile=%3Cscript%3E%E2%80%AE"),
        format!("/compare?baseline_task_id={again}&task_id={id}"),
        "/compare?baseline_task_id=%3Cscript%3E&task_id=%3Cscript%3E".to_owned(),
        "/scans?target=%3Cscript%3E%E2%80%AE".to_owned(),
        "/%3Cscript%3E".to_owned(),
    ];
    for path in paths {
        let response = client.get(&path).await;
        check_harmless(&path, &response);
    }
    let page = client.page(&format!("{scan}?profile=full")).await;
    assert!(page.contains("&lt;script&gt;attacked=1&lt;/script&gt;"), "{page}");
    assert!(page.contains("U+202E") && page.contains("U+200B") && page.contains("U+001B"), "{page}");
    // A download as data has the original text of the scanner.
    let (_, csv) = client.get_bytes(&format!("{scan}/findings/jsonl?profile=full")).await;
    assert!(String::from_utf8(csv).expect("text").contains("\u{202e}esrever"));
}

/// Checks that the planted text is neither markup nor invisible.
fn check_harmless(path: &str, response: &PageResponse) {
    assert_eq!(response.body.matches("<script").count(), 1, "{path} has another script than the page's own");
    for markup in ["<img", "attacked=1\"", "\"javascript:", "<b>"] {
        assert!(!response.body.contains(markup), "{path} has {markup}");
    }
    let is_hidden =
        |c: char| (c.is_control() && c != '\n') || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}');
    assert!(!response.body.contains(is_hidden), "{path} has an invisible character");
}
