use super::*;

#[test]
fn a_marked_name_tells_its_task_to_its_installation_only() {
    for name in ["audit", "", "  outer space  ", "x [scanhost i B]", "x [scanhost", &"é".repeat(1_000)] {
        let marked = mark(name, "i", "A");
        assert_eq!(task_of(&marked, "i"), Some("A"), "{marked}");
        for stranger in ["j", "", "i A"] {
            assert_eq!(task_of(&marked, stranger), None, "{marked}");
        }
    }
}

#[test]
fn other_names_tell_no_task() {
    for name in ["", "audit", "[scanhost i A] copy", "[scanhost i]", "[scanhost i ]", "[scanhost A]", "scanhost i A]"] {
        assert_eq!(task_of(name, "i"), None, "{name}");
    }
}

#[test]
fn a_name_stays_readable_and_bounded() {
    assert_eq!(mark("audit", "i", "A"), "audit [scanhost i A]");
    assert_eq!(mark("", "i", "A"), "[scanhost i A]");
    assert_eq!(mark(&"x".repeat(1_000), "i", "A").len(), NAME_LENGTH + " [scanhost i A]".len());
}
