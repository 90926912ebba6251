//! How the workers see their scanners, as it is stored: JSON, one field a scanner.

use jiff::Timestamp;
use scanhost_domain::{breaker::Circuit, ids::ScannerId};
use serde::{Deserialize, Serialize};

use super::{
    super::{ScannerReport, StoreError, record::BadRecord},
    RedisStore, parse_scanner,
};

#[derive(Serialize, Deserialize)]
struct ReportRecord {
    up: bool,
    message: String,
    circuit: String,
    reported_at: Timestamp,
}

impl RedisStore {
    pub(super) async fn put_report(&self, scanner: &ScannerId, report: ScannerReport) -> Result<(), StoreError> {
        let record = ReportRecord {
            up: report.up,
            message: report.message,
            circuit: report.circuit.name().to_owned(),
            reported_at: report.reported_at,
        };
        let record = serde_json::to_string(&record).map_err(BadRecord::from)?;
        let mut commands = redis::pipe();
        commands.cmd("HSET").arg(self.keys.scanners()).arg(scanner.to_string()).arg(record).ignore();
        // A breaker that has closed lets waiting scans start.
        commands.cmd("PUBLISH").arg(self.keys.events()).arg("").ignore();
        self.connection.query_all(&commands).await
    }

    pub(super) async fn list_reports(&self) -> Result<Vec<(ScannerId, ScannerReport)>, StoreError> {
        let mut all = redis::cmd("HGETALL");
        let records: Vec<(String, String)> = self.connection.query(all.arg(self.keys.scanners())).await?;
        let report = |(scanner, record): (String, String)| {
            let record: ReportRecord = serde_json::from_str(&record).map_err(BadRecord::from)?;
            let circuit = Circuit::ALL.into_iter().find(|circuit| circuit.name() == record.circuit);
            let report = ScannerReport {
                up: record.up,
                message: record.message,
                circuit: circuit.ok_or(BadRecord::Value("circuit"))?,
                reported_at: record.reported_at,
            };
            Ok((parse_scanner(&scanner)?, report))
        };
        records.into_iter().map(report).collect()
    }
}
