use super::{PluginKind, WORLDS, world_of};

fn told(exports: &[&str]) -> Result<PluginKind, String> {
    let exports: Vec<String> = exports.iter().map(|export| (*export).to_owned()).collect();
    world_of(&exports).map(|world| world.kind).map_err(|error| error.to_string())
}

#[test]
fn every_world_has_a_version_of_its_package() {
    for world in WORLDS {
        let exported = format!("{}/scanner@{}", world.package(), world.id().split_once('@').unwrap().1);
        assert_eq!(told(&[&exported]), Ok(world.kind));
    }
}

#[test]
fn world_is_recognised_by_its_exports() {
    let backend = Ok(PluginKind::Backend);
    for (exports, expected) in [
        (&["scanhost:backend/scanner@0.1.0", "scanhost:backend/reader@0.1.0"][..], backend.clone()),
        (&["scanhost:backend/scanner@0.1.9"], backend.clone()),
        (&["wasi:cli/run@0.2.0", "scanhost:backend/reader@0.1.0"], backend),
        (&["scanhost:profile/planner@0.1.0"], Ok(PluginKind::Profile)),
    ] {
        assert_eq!(told(exports), expected, "{exports:?}");
    }
}

#[test]
fn unsupported_version_is_named_with_the_supported_one() {
    for other in ["0.2.0", "0.0.9", "1.0.0"] {
        let problem = told(&[&format!("scanhost:backend/scanner@{other}")]).unwrap_err();
        assert!(problem.contains(&format!("scanhost:backend@{other}")), "{problem}");
        assert!(problem.contains("scanhost:backend@0.1.0"), "{problem}");
    }
}

#[test]
fn foreign_component_is_reported_with_its_exports() {
    let problem = told(&["wasi:cli/run@0.2.0", "add"]).unwrap_err();
    assert!(problem.contains("wasi:cli/run@0.2.0, add"), "{problem}");
    let problem = told(&[]).unwrap_err();
    assert!(problem.contains("nothing"), "{problem}");
}
