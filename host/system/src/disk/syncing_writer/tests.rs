use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn written_bytes_are_synced_while_more_is_written() {
    let mut writer = SyncingWriter::new(tempfile::tempfile().unwrap(), |file| file, PendingSync::default()).unwrap();
    for _ in 0..3 {
        writer.write_all(&vec![1; PIECE]).unwrap();
    }
    // The first two pieces went before the third came.
    assert_eq!(writer.waiting, PIECE);
    assert!(writer.syncing.0.lock().unwrap().is_some());
    let file = writer.finish().unwrap();
    assert_eq!(file.metadata().unwrap().len(), 3 * PIECE as u64);
}

#[tokio::test(flavor = "multi_thread")]
async fn failed_sync_is_reported_with_the_next_piece_or_at_the_end() {
    let mut writer = SyncingWriter::new(tempfile::tempfile().unwrap(), |file| file, PendingSync::default()).unwrap();
    let failing = || tokio::task::spawn_blocking(|| Err(io::ErrorKind::StorageFull.into()));
    *writer.syncing.0.lock().unwrap() = Some(failing());
    writer.write_all(&vec![1; PIECE]).unwrap();
    assert_eq!(writer.write_all(b"more").unwrap_err().kind(), io::ErrorKind::StorageFull);
    *writer.syncing.0.lock().unwrap() = Some(failing());
    assert_eq!(writer.finish().unwrap_err().kind(), io::ErrorKind::StorageFull);
}

#[test]
fn writer_without_a_runtime_only_writes_the_file() {
    let mut writer = SyncingWriter::new(tempfile::tempfile().unwrap(), |file| file, PendingSync::default()).unwrap();
    writer.write_all(&vec![1; PIECE]).unwrap();
    writer.write_all(&vec![1; PIECE]).unwrap();
    assert_eq!(writer.finish().unwrap().metadata().unwrap().len(), 2 * PIECE as u64);
}
