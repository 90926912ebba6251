//! The descriptions of plugins after loading.

use scanhost_domain::request::ScanType;
use scanhost_it::guests::{CHATTY, FLOOD, HOARD, MOCK, NESSUS, NOSY, PANIC, SPIN};

use crate::test_sandbox::{self, LIMITS};

async fn check_description(bytes: &[u8], name: &str, report_extension: &str) {
    let backend = test_sandbox::backend(bytes, LIMITS).await;
    let description = backend.description();
    assert_eq!(description.name.as_str(), name);
    assert_eq!(description.report_extension, report_extension, "{name}");
    assert_eq!(description.scan_types, ScanType::ALL, "{name}");
}

#[tokio::test]
async fn backends_describe_themselves() {
    check_description(MOCK, "mock", "jsonl").await;
    check_description(NESSUS, "nessus", "nessus").await;
}

#[tokio::test]
async fn misbehaving_guests_describe_themselves() {
    let guests =
        [(CHATTY, "chatty"), (FLOOD, "flood"), (HOARD, "hoard"), (NOSY, "nosy"), (PANIC, "panic"), (SPIN, "spin")];
    for (bytes, name) in guests {
        check_description(bytes, name, "txt").await;
    }
}

#[tokio::test]
async fn digest_identifies_the_bytes() {
    let [mock, again, spin] = [MOCK, MOCK, SPIN].map(async |bytes| test_sandbox::backend(bytes, LIMITS).await.digest());
    let mock = mock.await;
    assert_eq!(mock, again.await);
    assert_ne!(mock, spin.await);
    assert_eq!(mock.to_string().len(), 64);
}
