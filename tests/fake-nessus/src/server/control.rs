//! The paths below `/fake/`, which control the server and which a real Nessus does not have. They need no login, are
//! not counted, and have no faults.

use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::Deserialize;

use super::Shared;
use crate::fault::Fault;

#[derive(Deserialize)]
struct FaultList {
    faults: Vec<Fault>,
}

pub fn answer(shared: &Shared, path: &str, body: &[u8]) -> Response {
    match path {
        "faults" => match serde_json::from_slice::<FaultList>(body) {
            Ok(list) => {
                shared.lock().faults = list.faults.into_iter().collect();
                StatusCode::NO_CONTENT.into_response()
            }
            Err(error) => (StatusCode::BAD_REQUEST, format!("{error}\n")).into_response(),
        },
        "records" => Json(shared.lock().records.clone()).into_response(),
        "scans" => Json(shared.lock().scanner.scans(shared.now())).into_response(),
        "reset" => {
            shared.lock().reset();
            StatusCode::NO_CONTENT.into_response()
        }
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}
