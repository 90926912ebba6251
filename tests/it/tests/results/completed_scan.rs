//! A completed scan with a known report, and the reading of its results.

use std::time::Duration;

use fake_nessus::{ApiKeys, FakeNessus, Reports, Settings};
use scanhost_it::{
    mcp::McpClient,
    scans::submit,
    server::{Home, Server},
};
use serde_json::{Value, json};

/// A report of seven findings on three hosts. Tests refer to the findings by their plugin ids.
pub const REPORT: &str = r#"<?xml version="1.0" ?>
<NessusClientData_v2>
<Report name="weekly">
<ReportHost name="alpha"><HostProperties><tag name="host-ip">10.0.0.1</tag></HostProperties>
<ReportItem port="443" svc_name="www" protocol="tcp" severity="4" pluginID="1" pluginName="Apache Log4j RCE" pluginFamily="Web Servers">
<synopsis>code runs</synopsis><description>remote code</description><solution>update</solution>
<cve>CVE-2021-44228</cve><cve>CVE-2021-45046</cve>
<cvss_base_score>9.3</cvss_base_score><cvss3_base_score>10.0</cvss3_base_score>
<exploit_available>true</exploit_available><plugin_output>log4j 2.14 found</plugin_output>
</ReportItem>
<ReportItem port="22" svc_name="ssh" protocol="tcp" severity="3" pluginID="2" pluginName="OpenSSH Too Old" pluginFamily="Misc.">
<synopsis>it leaks</synopsis><cve>CVE-2016-0777</cve><cvss3_base_score>7.5</cvss3_base_score>
<exploit_available>false</exploit_available>
</ReportItem>
<ReportItem port="0" svc_name="general" protocol="tcp" severity="2" pluginID="3" pluginName="SSL Certificate Cannot Be Trusted" pluginFamily="General">
<synopsis>a broken chain</synopsis><description>that the chain is whole is not true</description><cvss3_base_score>6.5</cvss3_base_score>
</ReportItem>
</ReportHost>
<ReportHost name="beta">
<ReportItem port="22" svc_name="ssh" protocol="tcp" severity="1" pluginID="4" pluginName="SSH Weak Algorithms" pluginFamily="Misc.">
<cvss_base_score>2.6</cvss_base_score>
</ReportItem>
<ReportItem port="0" svc_name="general" protocol="tcp" severity="0" pluginID="5" pluginName="Scan Information" pluginFamily="Settings">
</ReportItem>
<ReportItem port="445" svc_name="cifs" protocol="tcp" severity="3" pluginID="6" pluginName="SMB Remote Code" pluginFamily="Windows">
<cve>CVE-2017-0144</cve><cvss3_base_score>8.1</cvss3_base_score><exploit_available>true</exploit_available>
</ReportItem>
</ReportHost>
<ReportHost name="aaron">
<ReportItem port="80" svc_name="www" protocol="tcp" severity="3" pluginID="7" pluginName="PHP Unsupported" pluginFamily="CGI abuses">
<cvss3_base_score>7.5</cvss3_base_score>
</ReportItem>
</ReportHost>
</Report>
</NessusClientData_v2>
"#;

const LIMITS: &str = "limits: {poll_seconds: 0.1}\n";

/// A completed scan, with its scanner and its host.
pub struct CompletedScan {
    pub home: Home,
    pub mcp: McpClient,
    pub task_id: String,
    pub server: Server,
    _scanner: FakeNessus,
}

impl CompletedScan {
    /// Runs a scan that gets [`REPORT`], on a host with these profiles.
    pub async fn with_profiles(profiles: &str) -> Self {
        Self::with_report(REPORT, profiles, json!({})).await
    }

    /// Runs a scan that gets this report, with these arguments beside the usual ones.
    pub async fn with_report(report: &str, profiles: &str, more: Value) -> Self {
        let settings = Settings {
            reports: Reports::Same(report.to_owned().into()),
            queue_duration: Duration::ZERO,
            scan_duration: Duration::ZERO,
            settle_duration: Duration::ZERO,
            export_duration: Duration::ZERO,
            ..Settings::default()
        };
        let scanner = FakeNessus::start(settings).await;
        let ApiKeys { access, secret } = ApiKeys::default();
        let scanners = format!(
            "nessus: [{{instance_id: n1, url: '{}', auth: {{access_key: '{access}', secret_key: '{secret}'}}}}]",
            scanner.url()
        );
        let mut files = vec![("scanners.yaml", scanners.as_str()), ("scanhost.yaml", LIMITS)];
        if !profiles.is_empty() {
            files.push(("profiles.yaml", profiles));
        }
        let home = Home::new(&files);
        let server = home.start();
        let mcp = server.mcp();
        let task_id = submit(&mcp, more).await;
        let status = mcp.wait_for_end(&task_id, Duration::from_secs(60)).await;
        assert_eq!(status["status"], "completed", "{status}");
        Self { home, mcp, task_id, server, _scanner: scanner }
    }

    /// Calls `get_scan_results`, and returns all lines.
    pub async fn lines(&self, mut arguments: Value) -> Vec<Value> {
        arguments["task_id"] = self.task_id.as_str().into();
        self.mcp.results(arguments).await
    }

    /// Calls `get_scan_results`, which has to be refused, and returns the code, message and hint.
    pub async fn refused_results(&self, mut arguments: Value) -> (String, String, String) {
        arguments["task_id"] = self.task_id.as_str().into();
        self.mcp.call_refused("get_scan_results", arguments).await
    }

    /// The plugin ids of the findings that match.
    pub async fn matching_ids(&self, filters: Value) -> Vec<u64> {
        let lines = self.lines(json!({ "custom_fields": ["plugin_id"], "filters": filters, "page": 0 })).await;
        assert_eq!(lines[0]["total_vulnerabilities"], lines.len() - 2, "the total counts the findings after filtering");
        plugin_ids(&lines)
    }
}

/// The plugin ids of the findings among these lines, in order.
pub fn plugin_ids(lines: &[Value]) -> Vec<u64> {
    records(lines).iter().map(|line| line["plugin_id"].as_u64().expect("a finding has a plugin id")).collect()
}

/// The findings among these lines.
pub fn records(lines: &[Value]) -> Vec<&Value> {
    lines.iter().filter(|line| line["type"] == "vulnerability").collect()
}

/// The keys of an object, in order.
pub fn keys(line: &Value) -> Vec<&str> {
    line.as_object().expect("a line is an object").keys().map(String::as_str).collect()
}
