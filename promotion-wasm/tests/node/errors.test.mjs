// Whatever JavaScript hands over, the answer is a value or an `Error` with an id, and the module goes on working.
import assert from "node:assert/strict";
import { test } from "node:test";

import * as wasm from "promotion-wasm";

const idOf = (question) => {
  try {
    question();
  } catch (error) {
    assert.ok(error instanceof Error, String(error));
    assert.notEqual(error.message, "");
    return error.id;
  }
  return assert.fail("nothing was thrown");
};

const deep = (depth) => {
  let tree = { message: "deepest" };
  for (let level = 0; level < depth; level += 1) tree = { message: "above", because: [tree] };
  return tree;
};

test("errors can be told apart", () => {
  const selecting = (part) => () => wasm.select({ semver: "*", tags: ["1.0.0"], ...part });
  const image = (policy, tags) => () => wasm.imagePolicy(policy, tags ?? ["1.0.0"]);
  const stages = [{ name: "only", source: "oci", semver: "*" }];
  const expected = [
    ["input", () => wasm.parse()],
    ["input", () => wasm.parse(1)],
    ["input", selecting({ filters: "typo" })],
    ["input", () => wasm.audit({ tags: ["not a tag"] })],
    ["input", () => wasm.converge({ tags: [] }, { kind: "destroy" }, "2026-03-01T12:00:00Z")],
    ["input", () => wasm.converge({ tags: [] }, { kind: "repair" }, "yesterday")],
    ["policy", () => wasm.prove({ stages })],
    ["version", () => wasm.order("1.0.0", "latest")],
    ["constraint", () => wasm.check(">1<2", "1.0.0")],
    ["constraint", selecting({ semver: "" })],
    ["filter", selecting({ filter: "[" })],
    ["unpredictable", selecting({ filter: "a".repeat(5000) })],
    ["no-match", selecting({ semver: ">= 2" })],
    ["no-policy", image({ policy: {} })],
    ["range", image({ policy: { semver: { range: "" } } })],
    ["order", image({ policy: { numerical: { order: "up" } } })],
    ["no-tags", image({ policy: { alphabetical: {} } }, [])],
    ["not-a-number", image({ policy: { numerical: {} } })],
    ["unknown-reason", () => wasm.explain("because")],
  ];
  for (const [id, question] of expected) assert.equal(idOf(question), id, question.toString());
});

test("nothing that JavaScript can hand over makes the module panic", () => {
  const circular = {};
  circular.self = circular;
  const throwing = { toJSON: () => { throw new RangeError("no"); } };
  const values = [
    undefined, null, true, 0, -1, 1.5, NaN, 10n, "", "\ud800", "\0", "v".repeat(100_000), Symbol("s"), () => 1,
    [], [[]], {}, circular, throwing, new Date(NaN), new Map(), new Proxy({}, {}), deep(10_000), deep(120),
    { tags: null }, { tags: [], digests: { "": null } }, { tags: [], policy: { versions: { initial: "-1" } } },
  ];
  const functions = Object.values(wasm).filter((value) => typeof value === "function");
  assert.ok(functions.length >= 11);
  for (const ask of functions) {
    for (const first of values) {
      for (const second of values) {
        try {
          ask(first, second, second);
        } catch (error) {
          // A panic is a WebAssembly.RuntimeError, and has no id.
          assert.equal(typeof error.id, "string", `${ask.name}: ${error.stack}`);
        }
      }
    }
  }
  assert.equal(wasm.order("1.0.0", "1.0.0"), 0);
});
