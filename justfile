# Shorthands for people; CI runs `.ci/run` and needs none of them.

# Lists the recipes.
default:
    @just --list

# What the README says: the tests.
test:
    cargo test --workspace

# Tests that need other programs (`packages` and `servers` of `scripts/components`).
test-ignored:
    cargo test --workspace -- --ignored

# Formatting, lints, documentation, dependency rules and licences.
lint:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets --all-features -- -D warnings
    RUSTDOCFLAGS=-Dwarnings cargo doc --workspace --no-deps --all-features
    scripts/dependency-rules
    scripts/deny

# The browser build, tried in Node and in a browser.
wasm:
    scripts/wasm
    npm ci --prefix promotion-wasm/tests --no-audit --no-fund
    node --test promotion-wasm/tests/node/*.test.mjs
    cargo build -p promotion-cli
    node --test promotion-wasm/tests/browser/*.test.mjs

# Every fuzz target: its corpus, then some seconds of new inputs.
fuzz seconds="10":
    scripts/fuzz {{seconds}}

# Installs what the other recipes need.
components:
    scripts/components

# Everything, as CI does it.
ci:
    .ci/run
