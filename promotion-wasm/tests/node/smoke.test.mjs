// Proves that what `scripts/wasm` built loads in Node and answers: `node --test promotion-wasm/tests/node/*.test.mjs`.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { test } from "node:test";

const require = createRequire(import.meta.url);
const { version } = require("../../pkg/nodejs/promotion_wasm.js");

test("the module says the workspace's version", () => {
  const manifest = readFileSync(new URL("../../../Cargo.toml", import.meta.url), "utf8");
  const [, expected] = manifest.match(/\[workspace\.package\]\s+version = "([^"]+)"/);
  assert.equal(version(), expected);
});
