//! A query that was checked against its report, and is ready to run. Tools, the command line and exports all use it.

use std::{io::Write, ops::Range, sync::Arc};

use scanhost_domain::page::PageRequest;

use crate::{
    Report, ReportError, Selected, View,
    jsonl::{self, ScanMetadata, WriteError, WriteOptions},
    rows::{self, Row, Shape, ShapeError},
    shaped::ShapedRow,
};

/// Passes rows, each a JSON object, through a profile's plugin. Returns as many rows, which are checked against the view.
pub type ShapeRows = Box<dyn Fn(&[String], &View) -> Result<Vec<ShapedRow>, ShapeError> + Send + Sync>;

/// A query that was checked against its report.
pub struct PreparedQuery {
    pub report: Arc<Report>,
    pub view: View,
    page: PageRequest,
    shape: Option<ShapeRows>,
}

impl PreparedQuery {
    /// `shape` is none if the rows of the report are shown as they are.
    pub fn new(report: Arc<Report>, view: View, page: PageRequest, shape: Option<ShapeRows>) -> Self {
        Self { report, view, page, shape }
    }

    /// Writes all lines. It reads files and may wait for a plugin: call it where blocking is allowed, inside the runtime.
    pub fn write(
        &self,
        out: &mut impl Write,
        metadata: &ScanMetadata,
        budget: Option<usize>,
        resource: Option<&str>,
    ) -> Result<(), WriteError> {
        let selected = self.select()?;
        self.shaping(|shape| {
            let options = WriteOptions { metadata, budget, resource, shape };
            jsonl::write(out, &self.report, &self.view, &selected, &options)
        })
    }

    /// Calls `take` with the rows of the page, as they are shown, until it returns false. It may be called where
    /// [`write`](Self::write) may.
    pub fn each<E: From<ReportError> + From<ShapeError>>(
        &self,
        take: impl FnMut(Row<'_>) -> Result<bool, E>,
    ) -> Result<(), E> {
        let selected = self.select()?;
        self.shaping(|shape| rows::each(&selected, &self.view, shape, take))
    }

    /// The places of the page's records, counted from 0, and how many records there are in all; none if the page has all
    /// of them.
    pub fn part(&self) -> Result<Option<(Range<u64>, u64)>, ReportError> {
        let total = self.select()?.total();
        let page = self.page.records(total);
        Ok((page != (0..total)).then_some((page, total)))
    }

    /// How many records the query has on all pages, and which page it is about.
    pub(crate) fn total(&self) -> Result<(u64, PageRequest), ReportError> {
        Ok((self.select()?.total(), self.page))
    }

    fn select(&self) -> Result<Selected<'_>, ReportError> {
        Selected::select(&self.report, &self.view, self.page)
    }

    fn shaping<T>(&self, with: impl FnOnce(Option<Shape<'_>>) -> T) -> T {
        match &self.shape {
            Some(shape) => with(Some(&|rows: &[String]| shape(rows, &self.view))),
            None => with(None),
        }
    }
}
