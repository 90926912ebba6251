//! Behaves, and says which version of itself it is: in its description, its health and its one finding. A test makes
//! other versions by writing other digits into the mark.

use std::hint::black_box;

use guests::{Backend, Guest, one_finding, plain_description};
use scanhost_sdk::backend::{
    reader::{ParseError, ReportInfo},
    scanner::{Description, RemoteScan, RemoteState, ScanError, ScanRequest},
};

/// Long enough to stay in one piece in the component.
static MARK: &str = "steady guest of version 0001 with state 0001 that fails in 0000 of its looks";

fn number_after(word: &str) -> u32 {
    let (_, rest) = black_box(MARK).split_once(word).expect("the mark has the word");
    rest[1..5].parse().expect("a number follows it")
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
        // How many looks at its status the scan takes.
        let looks: u8 = request.description.parse().unwrap_or(0);
        Ok(RemoteScan { id: request.task_id, state: vec![looks] })
    }

    fn status(state: &mut Vec<u8>) -> RemoteState {
        assert!(number_after("fails in") == 0, "as it was made to");
        match state.first_mut() {
            Some(looks) if *looks > 0 => {
                *looks -= 1;
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
