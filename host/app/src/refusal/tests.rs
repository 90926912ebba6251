use scanhost_store::{StoreError, record::BadRecord};

use super::{ErrorCode, Refusal, joined};

#[test]
fn a_full_stop_is_between_what_is_wrong_and_what_to_do() {
    let table = [
        ("there is no such pool", "Pools are: mock", "there is no such pool. Pools are: mock"),
        ("did you mean `host`?", "Ask again.", "did you mean `host`? Ask again."),
        ("Nothing was changed.", "Try again.", "Nothing was changed. Try again."),
        ("it is gone", "", "it is gone"),
    ];
    for (message, hint, expected) in table {
        assert_eq!(joined(message, hint), expected);
    }
}

#[test]
fn failed_store_says_what_was_changed_and_what_to_do() {
    let table: [(StoreError, ErrorCode, &[&str]); 4] = [
        (StoreError::Unavailable("away".into()), ErrorCode::Unavailable, &["Nothing was changed"]),
        (StoreError::AnswerLost("away".into()), ErrorCode::Unavailable, &["list_scans", "idempotency_key"]),
        (StoreError::Damaged(BadRecord::Value("id")), ErrorCode::Internal, &["Nothing was changed", "the operator"]),
        (
            StoreError::Damaged(BadRecord::Version(2)),
            ErrorCode::Unavailable,
            &["Nothing was changed", "update this one"],
        ),
    ];
    for (error, code, advice) in table {
        let (was_lost, refusal) = (matches!(error, StoreError::AnswerLost(_)), Refusal::from(error));
        assert_eq!(refusal.code, code, "{refusal}");
        for words in advice {
            assert!(refusal.hint.contains(words), "{refusal}");
        }
        assert_eq!(refusal.hint.contains("Nothing was changed"), !was_lost, "{refusal}");
    }
}
