//! The workers' reports about scanners as they are stored: JSON, one key per scanner, which expires.

use jiff::Timestamp;
use scanhost_domain::{breaker::Circuit, ids::ScannerId};
use serde::{Deserialize, Serialize};

use super::{
    super::{REPORT_LIFE, ScannerReport, StoreError, record::BadRecord},
    RedisStore, parse_scanner,
};

#[derive(Serialize, Deserialize)]
struct ReportRecord {
    up: bool,
    message: String,
    #[serde(default)]
    refuses_login: bool,
    circuit: String,
    changed_at: Option<Timestamp>,
    reported_at: Timestamp,
}

impl RedisStore {
    pub(super) async fn put_report(&self, scanner: &ScannerId, report: ScannerReport) -> Result<(), StoreError> {
        let record = ReportRecord {
            up: report.up,
            message: report.message,
            refuses_login: report.refuses_login,
            circuit: report.circuit.name().to_owned(),
            changed_at: report.changed_at,
            reported_at: report.reported_at,
        };
        let record = serde_json::to_string(&record).map_err(BadRecord::from)?;
        let mut commands = redis::pipe();
        let name = scanner.to_string();
        let life = REPORT_LIFE.as_millis().to_string();
        commands.cmd("SADD").arg(self.keys.scanners()).arg(&name).ignore();
        commands.cmd("SET").arg(self.keys.report(&name)).arg(record).arg("PX").arg(life).ignore();
        // A breaker that has closed lets waiting scans start.
        commands.cmd("PUBLISH").arg(self.keys.events()).arg("").ignore();
        self.connection.write_all(&commands).await
    }

    pub(super) async fn list_reports(&self) -> Result<Vec<(ScannerId, ScannerReport)>, StoreError> {
        let mut all = redis::cmd("SMEMBERS");
        let names: Vec<String> = self.connection.query(all.arg(self.keys.scanners())).await?;
        let mut commands = redis::pipe();
        for name in &names {
            commands.cmd("GET").arg(self.keys.report(name));
        }
        let records: Vec<Option<String>> = self.connection.query_all(&commands).await?;
        let records = names.into_iter().zip(records).filter_map(|(name, record)| Some((name, record?)));
        let report = |(scanner, record): (String, String)| {
            let record: ReportRecord = serde_json::from_str(&record).map_err(BadRecord::from)?;
            let circuit = Circuit::ALL.into_iter().find(|circuit| circuit.name() == record.circuit);
            let report = ScannerReport {
                up: record.up,
                message: record.message,
                refuses_login: record.refuses_login,
                circuit: circuit.ok_or(BadRecord::Value("circuit"))?,
                changed_at: record.changed_at,
                reported_at: record.reported_at,
            };
            Ok((parse_scanner(&scanner)?, report))
        };
        records.map(report).collect()
    }
}
