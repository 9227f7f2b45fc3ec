// Proves that what `scripts/wasm` built loads in Node and answers: `node --test promotion-wasm/tests/node/*.test.mjs`.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { version } from "promotion-wasm";

test("the module says the workspace's version", () => {
  const manifest = readFileSync(new URL("../../../Cargo.toml", import.meta.url), "utf8");
  const [, expected] = manifest.match(/\[workspace\.package\]\s+version = "([^"]+)"/);
  assert.equal(version(), expected);
});
