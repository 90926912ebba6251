use super::*;

#[test]
fn only_its_own_installation_finds_the_task_of_a_marked_name() {
    for name in ["audit", "", "  outer space  ", "x [scanhost i B]", "x [scanhost", &"é".repeat(1_000)] {
        let marked = mark(name, "i", "A");
        assert_eq!(task_of(&marked, "i"), Some("A"), "{marked}");
        for stranger in ["j", "", "i A"] {
            assert_eq!(task_of(&marked, stranger), None, "{marked}");
        }
    }
}

#[test]
fn unmarked_names_have_no_task() {
    for name in ["", "audit", "[scanhost i A] copy", "[scanhost i]", "[scanhost i ]", "[scanhost A]", "scanhost i A]"] {
        assert_eq!(task_of(name, "i"), None, "{name}");
    }
}

#[test]
fn marked_name_keeps_the_agents_name_up_to_a_limit() {
    assert_eq!(mark("audit", "i", "A"), "audit [scanhost i A]");
    assert_eq!(mark("", "i", "A"), "[scanhost i A]");
    assert_eq!(mark(&"x".repeat(1_000), "i", "A").len(), NAME_LENGTH + " [scanhost i A]".len());
}
