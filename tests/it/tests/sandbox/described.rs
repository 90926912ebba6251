//! Every plugin loads and says what it is.

use scanhost_domain::request::ScanType;
use scanhost_it::guests::{CHATTY, FLOOD, HOARD, MOCK, NESSUS, NOSY, PANIC, SPIN};

use crate::loaded::{self, LIMITS};

async fn check(bytes: &[u8], name: &str, report_extension: &str) {
    let backend = loaded::backend(bytes, LIMITS).await;
    let description = backend.description();
    assert_eq!(description.name.as_str(), name);
    assert_eq!(description.report_extension, report_extension, "{name}");
    assert_eq!(description.scan_types, ScanType::ALL, "{name}");
}

#[tokio::test]
async fn backends_describe_themselves() {
    check(MOCK, "mock", "jsonl").await;
    check(NESSUS, "nessus", "nessus").await;
}

#[tokio::test]
async fn guests_that_misbehave_later_describe_themselves() {
    let guests =
        [(CHATTY, "chatty"), (FLOOD, "flood"), (HOARD, "hoard"), (NOSY, "nosy"), (PANIC, "panic"), (SPIN, "spin")];
    for (bytes, name) in guests {
        check(bytes, name, "txt").await;
    }
}

#[tokio::test]
async fn a_digest_names_the_bytes() {
    let [mock, again, spin] = [MOCK, MOCK, SPIN].map(async |bytes| loaded::backend(bytes, LIMITS).await.digest());
    let mock = mock.await;
    assert_eq!(mock, again.await);
    assert_ne!(mock, spin.await);
    assert_eq!(mock.to_string().len(), 64);
}
