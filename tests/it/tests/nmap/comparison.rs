//! An agent scans one host with Nessus and with nmap, and compares the two scans, all by MCP tools.

use std::collections::BTreeSet;

use fake_nessus::{ApiKeys, FakeNessus};
use scanhost_it::{
    mcp::McpClient,
    server::Home,
    testbed::{FAST_POLLING, SCAN_TIMEOUT, instant_scans},
};
use serde_json::{Value, json};

use crate::fake_nmap::{ALLOW, bin_folder, install};

/// The report of Nessus, with two ports, one of which is also in the report of nmap.
const NESSUS_REPORT: &str = r#"<NessusClientData_v2><Report name="lab"><ReportHost name="127.0.0.1">
<ReportItem port="22" svc_name="ssh" protocol="tcp" severity="0" pluginID="10267" pluginName="SSH Server Type and Version Information" pluginFamily="Service detection"/>
<ReportItem port="22" svc_name="ssh" protocol="tcp" severity="4" pluginID="1001" pluginName="OpenSSH RCE" pluginFamily="Misc."><cve>CVE-2023-38408</cve><cvss3_base_score>9.8</cvss3_base_score></ReportItem>
<ReportItem port="443" svc_name="www" protocol="tcp" severity="0" pluginID="22964" pluginName="Service Detection" pluginFamily="Service detection"/>
</ReportHost></Report></NessusClientData_v2>"#;

/// The report of nmap about the same host.
const NMAP_REPORT: &str = r#"<?xml version="1.0"?><nmaprun><host><status state="up"/><address addr="127.0.0.1" addrtype="ipv4"/><ports><port protocol="tcp" portid="22"><state state="open"/><service name="ssh" product="OpenSSH" version="9.2p1"/><script id="vulners" output="CVE-2023-38408 9.8"><table key="cpe"><table><elem key="id">CVE-2023-38408</elem><elem key="cvss">9.8</elem></table></table></script></port><port protocol="tcp" portid="6379"><state state="open"/><service name="redis" product="Redis key-value store" version="7.0.15"/></port></ports></host><runstats><finished exit="success"/><hosts up="1" down="0" total="1"/></runstats></nmaprun>"#;

/// Runs a scan in this pool to its end, and returns its task id.
async fn run_scan(mcp: &McpClient, pool: &str) -> String {
    let arguments = json!({ "targets": "127.0.0.1", "name": "one host, two scanners", "scanner_pool": pool });
    let submitted = mcp.call_ok("run_untrusted_scan", arguments).await;
    let id = submitted["task_id"].as_str().expect("a task id").to_owned();
    let status = mcp.wait_for_end(&id, SCAN_TIMEOUT).await;
    assert_eq!((&status["status"], &status["backend"]), (&json!("completed"), &json!(pool)), "{status}");
    id
}

async fn findings(mcp: &McpClient, arguments: Value) -> Vec<Value> {
    let lines = mcp.results(arguments).await;
    lines.into_iter().filter(|line| line["type"] == "vulnerability").collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scans_of_one_host_by_two_scanners_are_compared() {
    let settings = instant_scans(NESSUS_REPORT.as_bytes().to_vec());
    let ApiKeys { access, secret } = settings.api_keys.clone().unwrap_or_default();
    let nessus = FakeNessus::start(settings).await;
    let scanners = format!(
        "nessus: [{{instance_id: n1, url: \"{}\", auth: {{access_key: {access}, secret_key: {secret}}}}}]\nnmap: [{{instance_id: nmap1}}]\n",
        nessus.url(),
    );
    let home = Home::new(&[("scanners.yaml", &scanners)]);
    std::fs::create_dir(bin_folder(&home)).expect("a folder can be made");
    std::fs::write(bin_folder(&home).join("report.xml"), NMAP_REPORT).expect("a file can be written");
    install(&home, "exec /bin/cat BIN/report.xml\n");
    let command = format!("{{program: \"{}/nmap\", allow: {ALLOW}}}", bin_folder(&home).display());
    home.write("scanhost.yaml", &format!("{FAST_POLLING}commands:\n  nmap: {command}\n"));
    let server = home.start();
    let mcp = server.mcp();

    let pools = mcp.call_ok("list_pools", json!({})).await;
    let pools: Vec<&str> =
        pools["pools"].as_array().expect("pools").iter().filter_map(|pool| pool["name"].as_str()).collect();
    assert_eq!(pools, ["nessus", "nmap"]);
    let (by_nessus, by_nmap) = (run_scan(&mcp, "nessus").await, run_scan(&mcp, "nmap").await);

    let mut ports = Vec::new();
    for id in [&by_nessus, &by_nmap] {
        let fields = json!({ "task_id": id, "page": 0, "custom_fields": ["port", "cve", "severity", "svc_name"] });
        let found = findings(&mcp, fields).await;
        ports.push(found.iter().filter_map(|record| record["port"].as_u64()).collect::<BTreeSet<_>>());
        let critical =
            json!({ "task_id": id, "page": 0, "filters": { "cve": "CVE-2023-38408", "severity": ">=High" } });
        assert_eq!(findings(&mcp, critical).await.len(), 1, "both reports have this CVE: {id}");
    }
    assert_eq!(ports, [BTreeSet::from([22, 443]), BTreeSet::from([22, 6379])]);

    let compared = mcp.call_ok("compare_scans", json!({ "baseline_task_id": by_nessus, "task_id": by_nmap })).await;
    let count = |list: &str| compared[list].as_array().unwrap_or_else(|| panic!("{compared}")).len();
    assert_eq!((count("gone"), count("new")), (3, 3), "the plugin ids of the scanners differ: {compared}");
    let triage = mcp.results(json!({ "task_id": by_nmap, "page": 0, "schema_profile": "triage" })).await;
    assert!(triage.iter().any(|line| line.to_string().contains("CVE-2023-38408")), "{triage:#?}");
    let summary = mcp.call_ok("get_scan_summary", json!({ "task_id": by_nmap })).await;
    assert_eq!(summary["severity_counts"]["critical"], 1, "{summary}");
}
