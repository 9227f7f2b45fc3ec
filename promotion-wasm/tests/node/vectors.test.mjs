// What Flux's own libraries answered, asked of the WebAssembly build; the same cases as the core's tests.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { check, imagePolicy, order, parse, select } from "promotion-wasm";

const cases = (name) =>
  readFileSync(new URL(`../../../promotion-core/tests/vectors/${name}.jsonl`, import.meta.url), "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line));

/** The answer, or the id of what was thrown instead. */
const ask = (question) => {
  try {
    return { answer: question() };
  } catch (error) {
    assert.ok(error instanceof Error && typeof error.id === "string", String(error));
    return { id: error.id };
  }
};

const every = (name, least, agrees) =>
  test(name, () => {
    const all = cases(name);
    assert.ok(all.length >= least, `${name} has only ${all.length} cases`);
    assert.deepEqual(all.filter((expected) => !agrees(expected)), []);
  });

const constraint = (expected, ok) => {
  const { flux, loose } = parse(expected.version);
  const { answer, id } = ask(() => check(expected.constraint, expected.version));
  const accepted = answer !== undefined && ok(answer);
  return (
    expected.constraint_error === (id === "constraint") &&
    expected.version_error === (flux.version === null) &&
    expected.loose_version_error === (loose.version === null) &&
    expected.ok === (accepted && flux.version !== null) &&
    expected.loose_ok === accepted
  );
};

every("flux_constraints", 5000, (expected) => constraint(expected, (answer) => answer.accepted));
every("flux_include_prerelease", 50, (expected) => constraint(expected, (answer) => answer.including_prereleases));

every("flux_order", 2500, (expected) => {
  const { answer } = ask(() => order(expected.a, expected.b));
  return expected.cmp === (answer ?? null);
});

every("flux_select", 700, (expected) => {
  const { constraint: semver, tags, filter, media_type: mediaType } = expected;
  const { answer, id } = ask(() => select({ semver, tags, filter, mediaType }));
  if (answer === undefined) return expected.error === id.replace("-", "_");
  if (expected.matching !== answer.matching) return false;
  if (answer.tag !== null) return expected.tag === answer.tag;
  return expected.tied_top.toSorted().join() === answer.ambiguous.toSorted().join();
});

const invalid = ["no-policy", "range", "order", "filter"];
const failed = ["nothing-left", "no-version", "not-a-number", "unpredictable"];

every("flux_imagepolicy", 700, (expected) => {
  const { policy, filterTags, exclusionList, tags } = expected;
  const { answer, id } = ask(() => imagePolicy({ policy, filterTags, exclusionList }, tags));
  if (answer === undefined) {
    const error = { exclusion: "scan", "no-tags": "no_tags" }[id];
    return expected.error === (error ?? (invalid.includes(id) ? "invalid_policy" : failed.includes(id) && "apply"));
  }
  if (answer.selected !== undefined) return expected.tag === answer.selected;
  return expected.possible.toSorted().join() === answer.ambiguous.possible.toSorted().join();
});
