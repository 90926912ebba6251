use super::*;

/// The batches that the host would get, one line each: `new fields | finding; finding`, a finding as `field=value,…`.
fn written(write: impl FnOnce(&mut Findings<'_>) -> Result<(), String>) -> Vec<String> {
    let mut batches = Vec::new();
    let mut findings = Findings::into_sink(|batch| {
        batches.push(show(batch));
        Ok(())
    });
    write(&mut findings).unwrap();
    findings.finish().unwrap();
    batches
}

fn show(batch: &Batch) -> String {
    let mut cells = batch.cells.iter().map(|cell| {
        let bytes = &batch.arena[cell.offset as usize..][..cell.length as usize];
        format!("{}={}", cell.field, std::str::from_utf8(bytes).unwrap())
    });
    let findings: Vec<String> =
        batch.findings.iter().map(|count| cells.by_ref().take(*count as usize).collect::<Vec<_>>().join(",")).collect();
    assert_eq!(cells.next(), None, "cells without a finding");
    format!("{} | {}", batch.new_fields.join(","), findings.join("; "))
}

#[test]
fn fields_are_numbered_by_first_appearance() {
    let batches = written(|findings| {
        findings.begin_finding()?;
        findings.cell("host", "a");
        findings.cell("cve", "CVE-1");
        findings.cell("cve", "CVE-2");
        findings.begin_finding()?;
        findings.cell("cve", "é");
        findings.cell("port", "");
        findings.begin_finding()
    });
    assert_eq!(batches, ["host,cve | 0=a,1=CVE-1,1=CVE-2; 1=é; "]);
}

#[test]
fn full_batch_is_sent_between_two_findings() {
    let half = "x".repeat(BATCH_BYTES / 2);
    let batches = written(|findings| {
        for name in ["a", "b", "a"] {
            findings.begin_finding()?;
            findings.cell(name, &half);
        }
        Ok(())
    });
    assert_eq!(batches, [format!("a,b | 0={half}; 1={half}"), format!(" | 0={half}")]);
}

#[test]
fn writer_without_findings_sends_no_batch() {
    assert_eq!(written(|_| Ok(())), [""; 0]);
}

#[test]
fn refusal_of_the_host_is_returned() {
    let mut findings = Findings::into_sink(|_| Err("full".to_owned()));
    findings.begin_finding().unwrap();
    assert_eq!(findings.finish(), Err("full".to_owned()));
}
