// What is pasted, and what every stage makes of it.
import assert from "node:assert/strict";
import { test } from "node:test";

import { forecast, readTags } from "promotion-wasm";

test("every form in which tools print tags", () => {
  const expected = ["1.0.0", "latest"];
  for (const text of [
    "1.0.0\nlatest\n",
    '\n [ "1.0.0",\n "latest" ]',
    '{"name": "acme/platform", "size": 1.5, "tags": ["1.0.0", "latest"]}',
    '{"Repository": "ghcr.io/acme/platform", "Tags": ["1.0.0", "latest"]}',
    "ghcr.io/acme/platform:1.0.0\r\nlocalhost:5000/acme/platform:latest\r\n",
    "ARTIFACT\tDIGEST\nghcr.io/acme/platform:1.0.0\tsha256:00\nghcr.io/acme/platform:latest\tsha256:00",
  ]) assert.deepEqual(readTags(text), expected, text);
  for (const text of ["", " \n\n", "[]", '{"tags": null}', "# nothing"]) assert.deepEqual(readTags(text), []);
});

test("a document that is none is an error that says so", () => {
  const refused = (text, message) => assert.throws(() => readTags(text), (error) => error.id === "input" && message.test(error.message));
  refused('["1.0.0"', /^not JSON/);
  refused("[1]", /expected a string/);
  refused('{"name": "x"}', /missing field `tags`/);
  refused("[".repeat(100_000), /^not JSON/);
  refused(`${"[".repeat(500)}${"]".repeat(500)}`, /nests too deeply/);
});

test("picks, runners-up, ambiguity, poison and masks", () => {
  const { stages, line, counts } = forecast(["1.4.0", "1.4.0-rc.3", "v1.4.1", "1.3.0", "latest", "sha-1234567", "<script>"]);
  assert.deepEqual(stages.map(({ stage, tag, runners_up, poison }) => [stage, tag, runners_up[0], poison]), [
    ["integration", "v1.4.1", "1.4.0", ["v1.4.1"]],
    ["live", "v1.4.1", "1.4.0", ["v1.4.1"]],
  ]);
  assert.equal(stages[1].because, "1.4.1 is accepted by >=0.0.0");
  assert.deepEqual(line.map(({ tag, kind, masked_by }) => [tag, kind, masked_by]), [
    ["v1.4.1", "stranger", null], ["1.4.0", "release", null], ["1.4.0-rc.3", "candidate", "1.4.0"], ["1.3.0", "release", null],
  ]);
  assert.deepEqual(counts, { tags: 7, releases: 2, candidates: 1, marks: 1, channels: 0, strangers: 1, others: 1, invalid: 1 });
});

test("hostile text is text", () => {
  const hostile = ["<script>alert(1)</script>", "x".repeat(10_000_000), "\u0000", "1.0.0\u202e", "__proto__", "1".repeat(300)];
  const { counts, stages } = forecast([...hostile, "1.0.0"]);
  assert.equal(stages[1].tag, "1.0.0");
  // A tag may be called __proto__, and 128 characters long.
  assert.deepEqual([counts.invalid, counts.others], [5, 1]);
  assert.equal(readTags(hostile[1])[0].length, 10_000_000);
});
