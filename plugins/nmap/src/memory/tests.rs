use super::Memory;

#[test]
fn only_its_own_state_is_a_scans() {
    let memory = Memory::new("task", "nmap", vec!["-sV".to_owned()]);
    assert_eq!(Memory::of(&memory.write(), "task"), Ok(memory.clone()));
    for (state, id) in [(memory.write(), "other"), (b"{}".to_vec(), "task"), (b"\xff".to_vec(), "task"), (vec![], "")] {
        assert!(Memory::of(&state, id).is_err(), "{id:?}");
    }
}
