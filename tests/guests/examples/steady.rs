//! A backend that behaves correctly and reports its version number, in its description and in its only finding.
//!
//! Tests make other versions of it by overwriting the digits in [`MARK`].

use std::hint::black_box;

use guests::{Backend, Guest, one_finding, plain_description};
use scanhost_sdk::backend::{
    reader::{ParseError, ReportInfo},
    scanner::{Description, RemoteScan, RemoteState, ScanError, ScanRequest},
};

/// Text that tests change in the bytes of the component. It is long, so that the compiler keeps it in one piece.
static MARK: &str = "steady guest of version 0001 with state 0001 that fails in 0000 of its status calls";

fn number_after(words: &str) -> u32 {
    let (_, rest) = black_box(MARK).split_once(words).expect("the mark has these words");
    rest[1..5].parse().expect("a number follows them")
}

struct Steady;

impl Guest for Steady {
    const NAME: &'static str = "steady";

    fn describe() -> Description {
        Description {
            version: format!("1.{}.0", number_after("version")),
            state_version: number_after("state"),
            ..plain_description(Self::NAME)
        }
    }

    fn create(request: ScanRequest) -> Result<RemoteScan, ScanError> {
        // A test gives the number of status calls for which the scan is running as its description.
        let remaining_polls: u8 = request.description.parse().unwrap_or(0);
        Ok(RemoteScan { id: request.task_id, state: vec![remaining_polls] })
    }

    fn status(state: &mut Vec<u8>) -> RemoteState {
        assert!(number_after("fails in") == 0, "this variant fails in every status call");
        match state.first_mut() {
            Some(remaining_polls) if *remaining_polls > 0 => {
                *remaining_polls -= 1;
                RemoteState::Running(50)
            }
            _ => RemoteState::Completed,
        }
    }

    fn parse() -> Result<ReportInfo, ParseError> {
        one_finding(&format!("found by version {}", number_after("version")))
    }
}

type Component = Backend<Steady>;
scanhost_sdk::export_backend!(Component);
