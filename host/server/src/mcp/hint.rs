//! Hints on what an agent can do next, beside an answer: short, without text of a scanner, with the arguments filled
//! in.

use rmcp::model::{Annotations, ContentBlock, Role, TextContent};
use scanhost_domain::scan::{Scan, Status};
use serde_json::{Value, json};

/// The hint after a submit.
pub fn after_submit(scan: &Scan) -> ContentBlock {
    next(format!("Next: wait_for_scan {{\"task_id\": \"{}\"}}.", scan.id))
}

/// The hint after a submit to a paused pool.
pub fn after_submit_to_paused(scan: &Scan) -> ContentBlock {
    next(format!(
        "Pool `{}` is paused: the scan waits until an operator resumes the pool, whatever estimated_wait_seconds \
            says. Next: tell the person who wants the results, then call wait_for_scan {{\"task_id\": \"{id}\"}}, or \
            cancel_scan to end it.",
        scan.request.pool,
        id = scan.id,
    ))
}

/// The hint after a repeated submit: what has become of its scan.
pub fn after_repeated_submit(scan: &Scan, is_deleted: bool) -> ContentBlock {
    if is_deleted {
        return next(
            "The scan submitted with this idempotency_key was deleted. Next: use a new idempotency_key to scan \
                again."
                .to_owned(),
        );
    }
    match scan.status() {
        Status::Queued | Status::Running | Status::Completed => after_status(scan),
        Status::Failed | Status::Timeout | Status::Cancelled => next(format!(
            "The scan submitted with this idempotency_key has ended as {}. Next: use a new idempotency_key to scan \
                again.",
            scan.status()
        )),
    }
}

/// The hint beside the status of a scan.
pub fn after_status(scan: &Scan) -> ContentBlock {
    let id = &scan.id;
    next(match scan.status() {
        Status::Queued | Status::Running => {
            format!("Next: wait_for_scan {{\"task_id\": \"{id}\"}} until it has ended, or cancel_scan to end it.")
        }
        Status::Completed => format!(
            "Next: get_scan_results {{\"task_id\": \"{id}\", \"schema_profile\": \"triage\"}} for what to fix first, one \
             row for each vulnerability; or get_scan_summary for counts."
        ),
        Status::Failed | Status::Timeout => {
            "Next: read `error` and fix the cause, then submit the scan again with a new idempotency_key.".to_owned()
        }
        Status::Cancelled => {
            "Next: submit the scan again, with a new idempotency_key, or delete_scan to remove its record.".to_owned()
        }
    })
}

/// The hint beside an empty list.
pub fn no_scans(is_narrowed: bool) -> ContentBlock {
    next(if is_narrowed {
        "No scan matches. Next: call again with fewer of the arguments status, scan_type, scanner_pool and target. A \
         target matches scans that contain or overlap it. Ended scans are deleted after their retention time."
            .to_owned()
    } else {
        "There are no scans. Next: run_untrusted_scan {\"targets\": \"…\", \"name\": \"…\"} submits one.".to_owned()
    })
}

/// The hint on a page without findings, as one more JSON line. `schema` is the first line of the answer; `all` is how
/// many findings the scan has.
pub fn no_findings(schema: &Value, page: u64, all: u64) -> Option<ContentBlock> {
    let (total, pages) = (schema["total_vulnerabilities"].as_u64()?, schema["total_pages"].as_u64()?);
    let message = if total == 0 && all == 0 {
        "The scan has no findings at all: see warnings and authentication_status in get_scan_status.".to_owned()
    } else if total == 0 {
        format!(
            "None of the scan's {all} findings matches all of the filters in filters_applied. Remove filters one by \
                one. A finding that lacks a field never matches a filter on that field."
        )
    } else if page > pages {
        format!("Page {page} is past the end: the {total} findings end on page {pages}.")
    } else {
        return None;
    };
    Some(ContentBlock::text(json!({ "type": "hint", "message": message }).to_string()))
}

fn next(text: String) -> ContentBlock {
    let annotations = Annotations::default().with_audience(vec![Role::Assistant]);
    ContentBlock::Text(TextContent::new(text).with_annotations(annotations))
}
