//! What the fuzz targets of `tests/fuzz` check, over their seeds: so that they go on to compile and to hold.

use std::{fs, path::Path};

use scanhost_it::program::workspace;

#[path = "../../fuzz/checks/filters.rs"]
mod filters;
#[path = "../../fuzz/checks/parser.rs"]
mod parser;
#[path = "../../fuzz/checks/segments.rs"]
mod segments;

/// Each file as it is, cut at each of some places, and with each of some bytes changed.
fn check_all(folder: &Path, check: fn(&[u8])) {
    const PLACES: usize = 40;
    let files = fs::read_dir(folder).expect("the seeds are there");
    let mut count = 0;
    for path in files.map(|file| file.expect("a seed").path()).filter(|path| path.is_file()) {
        let bytes = fs::read(path).expect("a seed can be read");
        check(&bytes);
        for place in (0..bytes.len()).step_by(1 + bytes.len() / PLACES) {
            check(&bytes[..place]);
            let mut changed = bytes.clone();
            changed[place] ^= 0x11;
            check(&changed);
        }
        count += 1;
    }
    assert!(count > 0, "{} is empty", folder.display());
}

#[test]
fn the_parser_holds_on_its_seeds() {
    check_all(&workspace().join("tests/fuzz/seeds/parser"), parser::check);
    check_all(&workspace().join("tests/fixtures"), parser::check);
}

#[test]
fn filters_hold_on_their_seeds() {
    check_all(&workspace().join("tests/fuzz/seeds/filters"), filters::check);
}

#[test]
fn segments_hold_on_their_seeds() {
    check_all(&workspace().join("tests/fuzz/seeds/segments"), segments::check);
}
