use super::*;

#[test]
fn a_marked_name_is_found_by_its_task_only() {
    for name in ["audit", "", "  outer space  ", "x [scanhost B]", &"é".repeat(1_000)] {
        let marked = mark(name, "A");
        assert!(is_marked(&marked, "A"), "{marked}");
        assert!(!is_marked(&marked, "B"), "{marked}");
        assert!(!is_marked(&marked, ""), "{marked}");
    }
}

#[test]
fn a_name_stays_readable_and_bounded() {
    assert_eq!(mark("audit", "A"), "audit [scanhost A]");
    assert_eq!(mark("", "A"), "[scanhost A]");
    assert_eq!(mark(&"x".repeat(1_000), "A").len(), NAME_LENGTH + " [scanhost A]".len());
}
