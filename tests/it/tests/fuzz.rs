//! The properties that the fuzz targets of `tests/fuzz` check, on their seeds, so that they keep compiling and holding.

use std::{fs, path::Path};

use scanhost_fuzz_checks::{filters, parser, segments};
use scanhost_it::program::workspace;

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
fn parser_checks_hold_on_their_seeds() {
    check_all(&workspace().join("tests/fuzz/seeds/parser"), parser::check);
    check_all(&workspace().join("tests/fixtures"), parser::check);
}

#[test]
fn filter_checks_hold_on_their_seeds() {
    check_all(&workspace().join("tests/fuzz/seeds/filters"), filters::check);
}

#[test]
fn segment_checks_hold_on_their_seeds() {
    check_all(&workspace().join("tests/fuzz/seeds/segments"), segments::check);
}
