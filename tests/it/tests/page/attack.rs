//! A report that attacks its readers: it shows as text, wherever it shows.

use scanhost_it::{
    lab::{Access, Lab, instant},
    visitor::{Seen, Visitor},
};
use serde_json::json;

/// Markup in every way into a page, with what hides text or turns it around.
pub const PLANTED: &str = "</td><script>attacked=1</script>\"><img src=x onerror=attacked=1>' \u{202e}esrever\u{200b}";

/// A report that has it everywhere, and a script that would be noticed.
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
async fn a_report_full_of_scripts_shows_as_text() {
    let lab = Lab::with(instant(report()), Access::Keys, "").await;
    let name = "<script>attacked=1</script>\u{202e}";
    let id = lab.submitted_to("run_untrusted_scan", json!({ "name": name, "description": PLANTED })).await;
    assert_eq!(lab.ended(&id).await["status"], "completed");
    let again = lab.submitted_to("run_untrusted_scan", json!({ "name": name })).await;
    assert_eq!(lab.ended(&again).await["status"], "completed");
    let visitor = Visitor::of(&lab.server);
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
        let seen = visitor.get(&path).await;
        harmless(&path, &seen);
    }
    let page = visitor.page(&format!("{scan}?profile=full")).await;
    assert!(page.contains("&lt;script&gt;attacked=1&lt;/script&gt;"), "{page}");
    assert!(page.contains("U+202E") && page.contains("U+200B") && page.contains("U+001B"), "{page}");
    // As data it is what the scanner wrote.
    let (_, csv) = visitor.get_bytes(&format!("{scan}/findings/jsonl?profile=full")).await;
    assert!(String::from_utf8(csv).expect("text").contains("\u{202e}esrever"));
}

/// Nothing of it is markup, and nothing is unseen.
fn harmless(path: &str, seen: &Seen) {
    assert_eq!(seen.body.matches("<script").count(), 1, "{path}: the page's own script alone");
    for markup in ["<img", "attacked=1\"", "\"javascript:", "<b>"] {
        assert!(!seen.body.contains(markup), "{path} has {markup}");
    }
    let is_hidden =
        |c: char| (c.is_control() && c != '\n') || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}');
    assert!(!seen.body.contains(is_hidden), "{path} has what is not seen");
}
