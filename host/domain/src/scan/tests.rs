use super::*;

fn slot() -> Slot {
    Slot {
        scanner: ScannerId { pool: "nessus".parse().unwrap(), instance: "scanner1".parse().unwrap() },
        backend: "nessus".parse().unwrap(),
        plugin: PluginVersion { version: "0.1.0".into(), digest: "00".into() },
    }
}

fn remote() -> String {
    "17".to_owned()
}

#[test]
fn phases_advance_one_by_one_and_a_report_can_be_fetched_again() {
    let path = [
        Phase::Creating,
        Phase::Created { remote_id: remote() },
        Phase::Launching { remote_id: remote() },
        Phase::Launched { remote_id: remote() },
        Phase::Exporting { remote_id: remote(), fetches: 0 },
        Phase::Ingesting { remote_id: remote(), fetches: 0 },
        Phase::Exporting { remote_id: remote(), fetches: 1 },
    ];
    let mut running = Queued.start(slot(), Timestamp::UNIX_EPOCH);
    for phase in path {
        running = running.enter(phase).unwrap();
    }
    assert_eq!(running.phase.remote_id(), Some("17"));
}

#[test]
fn no_phase_is_skipped_or_repeated() {
    let allowed = PhaseName::ALL
        .iter()
        .flat_map(|from| PhaseName::ALL.iter().map(move |to| (*from, *to)))
        .filter(|(from, to)| from.may_become(*to))
        .map(|(from, to)| format!("{from} {to}"))
        .collect::<Vec<_>>();
    let expected = [
        "claimed creating",
        "creating created",
        "created launching",
        "launching launched",
        "launched exporting",
        "exporting ingesting",
        "ingesting exporting",
    ];
    assert_eq!(allowed, expected);
}

#[test]
fn recovery_raises_fence_and_counters_and_keeps_other_fields() {
    let running = Queued.start(slot(), Timestamp::UNIX_EPOCH);
    let recovered = running.clone().recover();
    let expected = RunningFields { fence: Fence(2), recoveries: 1, ..RunningFields::clone(&running) };
    assert_eq!(recovered, Running::restore(expected));
}

#[test]
fn crashes_count_until_the_scan_makes_progress_and_recoveries_alone_are_none() {
    let running = Queued.start(slot(), Timestamp::UNIX_EPOCH).recover().recover();
    assert_eq!((running.recoveries, running.crashes), (2, 0));
    let running = running.crashed().recover().crashed();
    assert_eq!((running.recoveries, running.crashes), (3, 2));
    assert_eq!(running.clone().enter(Phase::Creating).unwrap().crashes, 0);
    assert_eq!(running.progressed().crashes, 0);
}

#[test]
fn progress_never_decreases() {
    let mut running = Queued.start(slot(), Timestamp::UNIX_EPOCH);
    for (percent, expected) in [(10, 10), (7, 10), (255, 100), (3, 100)] {
        running.advance(percent);
        assert_eq!(running.progress, expected);
    }
}
