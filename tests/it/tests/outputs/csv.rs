//! CSV for spreadsheets, which execute cells that look like a formula.

use scanhost_it::server::Home;

use crate::reference_host::{run, write_file};

const REPORT: &str = r#"<Report><ReportHost name="=cmd()"><ReportItem pluginID="-7" pluginName="+1" severity="1">
<cve>@a</cve><cve>b</cve><note>- one, "two"
three</note><cvss_base_score>-1.5</cvss_base_score></ReportItem></ReportHost></Report>"#;

#[test]
fn texts_of_a_report_never_become_formulas() {
    let home = Home::new(&[]);
    let file = write_file(&home, "odd.nessus", REPORT);
    let fields = "host,plugin_name,cve,note,plugin_id,cvss_base_score,solution";
    let output = run(&home, &["report", &file, "--format", "csv", "--fields", fields]);
    // The finding lacks the last field, so its cell is empty.
    let row = "'=cmd(),'+1,\"'@a, b\",\"'- one, \"\"two\"\"\nthree\",-7,-1.5,\n";
    assert_eq!((output.code, output.stdout), (Some(0), format!("{fields}\n{row}")), "{}", output.stderr);
}
