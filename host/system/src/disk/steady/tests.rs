use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn what_is_written_goes_to_the_disk_on_the_way() {
    let mut steady = Steady::new(tempfile::tempfile().unwrap(), |file| file, Syncing::default()).unwrap();
    for _ in 0..3 {
        steady.write_all(&vec![1; PIECE]).unwrap();
    }
    // The first two pieces went before the third came.
    assert_eq!(steady.waiting, PIECE);
    assert!(steady.syncing.0.lock().unwrap().is_some());
    let file = steady.finish().unwrap();
    assert_eq!(file.metadata().unwrap().len(), 3 * PIECE as u64);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_sync_is_told_with_the_next_piece_or_at_the_end() {
    let mut steady = Steady::new(tempfile::tempfile().unwrap(), |file| file, Syncing::default()).unwrap();
    let failing = || tokio::task::spawn_blocking(|| Err(io::ErrorKind::StorageFull.into()));
    *steady.syncing.0.lock().unwrap() = Some(failing());
    steady.write_all(&vec![1; PIECE]).unwrap();
    assert_eq!(steady.write_all(b"more").unwrap_err().kind(), io::ErrorKind::StorageFull);
    *steady.syncing.0.lock().unwrap() = Some(failing());
    assert_eq!(steady.finish().unwrap_err().kind(), io::ErrorKind::StorageFull);
}

#[test]
fn without_a_runtime_it_is_a_file() {
    let mut steady = Steady::new(tempfile::tempfile().unwrap(), |file| file, Syncing::default()).unwrap();
    steady.write_all(&vec![1; PIECE]).unwrap();
    steady.write_all(&vec![1; PIECE]).unwrap();
    assert_eq!(steady.finish().unwrap().metadata().unwrap().len(), 2 * PIECE as u64);
}
