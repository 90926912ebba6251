# Shortcuts for development. `just --list` shows them; every one is a command that can be typed as well.

# Lists the recipes.
[private]
default:
    @just --list

# Formats all sources.
fmt:
    cargo fmt --all

# Checks everything but the tests: format, clippy, documentation, dependencies.
check:
    bash tests/run format clippy doc deny

# Runs the tests inside of one crate: `just test results`, `just test nessus`.
test crate *arguments:
    cargo test --package {{ if crate == "server" { "scanhost" } else if path_exists("host" / crate) == "true" { "scanhost-" + crate } else { crate } }} {{ arguments }}

# Runs one suite of tests of the whole host: `just it reload`.
it name *arguments:
    cargo test --package scanhost-it --test {{ name }} {{ arguments }}

# Updates the expected tool list after a change of a schema or a description: read the diff of tests/it/tests/protocol/tools.
expected-output:
    UPDATE_EXPECTED=1 cargo test --package scanhost-it --test protocol expected_output

# Runs everything that CI runs.
ci:
    bash tests/run

# Measures, and prints a table: `just bench pages --sizes 10`.
bench name *arguments:
    cargo bench --package scanhost-bench -- {{ name }} {{ arguments }}

# Fuzzes one target with the nightly toolchain: `just fuzz parser 600`.
fuzz target seconds:
    mkdir -p tests/fuzz/corpus/{{ target }}
    cargo +nightly fuzz run --fuzz-dir tests/fuzz {{ target }} tests/fuzz/corpus/{{ target }} tests/fuzz/seeds/{{ target }} {{ if target == "parser" { "tests/fixtures" } else { "" } }} -- -max_total_time={{ seconds }}

# Runs the program: `just run plugin list`; without arguments it serves.
run *arguments:
    cargo run -- {{ arguments }}

# Serves on the embedded store with a mock scanner, and says where the page for people is.
page:
    @echo "the page for people will be at http://127.0.0.1:8836/"
    cargo run --release

# Builds one plugin as the host does: `just plugin nessus`.
plugin name:
    CARGO_TARGET_WASM32_WASIP2_RUSTFLAGS="-C target-feature=+simd128" cargo build --package {{ name }} --lib --target wasm32-wasip2 --profile plugin
    @echo "the component is in the target folder: wasm32-wasip2/plugin/{{ name }}.wasm"

# Builds the documentation of the code and opens it.
docs:
    cargo doc --workspace --no-deps --open
