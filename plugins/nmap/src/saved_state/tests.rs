use super::SavedState;

#[test]
fn only_the_state_of_the_scan_is_read() {
    let saved = SavedState::new("task", "nmap", vec!["-sV".to_owned()]);
    assert_eq!(SavedState::of(&saved.write(), "task"), Ok(saved.clone()));
    for (state, id) in [(saved.write(), "other"), (b"{}".to_vec(), "task"), (b"\xff".to_vec(), "task"), (vec![], "")] {
        assert!(SavedState::of(&state, id).is_err(), "{id:?}");
    }
}
