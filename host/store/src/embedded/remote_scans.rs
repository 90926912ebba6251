//! Remote scans as a part of the embedded store.

use async_trait::async_trait;
use scanhost_domain::scan::Scan;

use super::{
    super::{Leftover, NewScan, RemoteScans, StoreError, Trust},
    EmbeddedStore, read,
    reader::Reader,
    remote, steps,
};

#[async_trait]
impl RemoteScans for EmbeddedStore {
    async fn leftovers(&self) -> Result<Vec<Leftover>, StoreError> {
        read(&self.reader, Reader::leftovers).await
    }

    async fn forget_leftover(&self, leftover: &Leftover) -> Result<(), StoreError> {
        let leftover = leftover.clone();
        self.writer.write(move |tables| remote::forget(tables, &leftover)).await
    }

    async fn trust(&self) -> Result<Option<Trust>, StoreError> {
        self.reader.trust()
    }

    async fn set_trust(&self, trust: &Trust) -> Result<(), StoreError> {
        let trust = trust.clone();
        self.writer.write(move |tables| remote::set_trust(tables, &trust)).await
    }

    async fn adopt(&self, new: NewScan) -> Result<Option<Scan>, StoreError> {
        let adopted = self.writer.write(move |tables| steps::adopt(tables, &new)).await?;
        self.work.notify_one();
        Ok(adopted)
    }
}
