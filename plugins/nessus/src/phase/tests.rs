use super::*;

#[test]
fn only_documented_words_are_known() {
    for word in "pending empty running pausing paused resuming initializing processing publishing stopping canceling \
                 completed imported canceled stopped aborted"
        .split(' ')
    {
        assert_ne!(Phase::of(word), Phase::Unknown, "{word}");
    }
    for word in ["", "Completed", "exploded"] {
        assert_eq!(Phase::of(word), Phase::Unknown, "{word}");
    }
}
