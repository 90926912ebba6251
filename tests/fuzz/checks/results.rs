//! How findings are kept on disk: the host's own modules, which belong to a program and so can only be had as files.

#![expect(dead_code, reason = "the host uses more of them than the check does")]

#[path = "../../../host/server/src/results/answered.rs"]
pub mod answered;
#[path = "../../../host/server/src/results/blocks.rs"]
pub mod blocks;
#[path = "../../../host/server/src/results/column.rs"]
pub mod column;
#[path = "../../../host/server/src/results/column_writer.rs"]
pub mod column_writer;
#[path = "../../../host/server/src/results/dictionary.rs"]
pub mod dictionary;
#[path = "../../../host/server/src/results/directory.rs"]
pub mod directory;
#[path = "../../../host/server/src/results/meta.rs"]
pub mod meta;
#[path = "../../../host/server/src/results/report.rs"]
pub mod report;
#[path = "../../../host/server/src/results/segment_writer.rs"]
pub mod segment_writer;
