use super::joined;

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
