// The page's simulator, without the page: whatever is played, it goes on, and a repair leaves nothing half done.
import assert from "node:assert/strict";
import { test } from "node:test";

import * as promotion from "promotion-wasm";

import { simulate } from "../../page/simulator.js";

const WHAT = ["build", "build", "validate", "validate", "promote", "promote", "reject", "rollback", "repair", "write", "write", "all", "all", "crash", "retry", "constructor"];

/** The same histories on every machine. */
const histories = (count, length) => {
  let seed = 20260301;
  const next = (below) => Math.floor(((seed = (seed * 48271) % 2147483647) / 2147483647) * below);
  // Most of what is begun is finished, or nothing would ever happen.
  const event = () => [[WHAT[next(WHAT.length)], next(4)], ...(next(3) > 0 ? [["all"]] : [])];
  return Array.from({ length: count }, () => Array.from({ length }, event).flat());
};

test("any history of clicks can be played, and a repair finishes what it left", () => {
  const policy = promotion.defaultPolicy();
  let crashes = 0;
  let releases = 0;
  for (const history of histories(150, 24)) {
    const { board, story, artifacts, plan } = simulate([...history, ["crash"], ["repair"], ["all"]], policy, promotion);
    assert.deepEqual(board.unfinished, [], JSON.stringify(history));
    assert.ok(plan === null || plan.done === plan.actions.length);
    crashes += story.filter(({ kind }) => kind === "crash").length;
    releases += artifacts.filter(({ selected }) => selected.includes("live")).length;
  }
  assert.ok(crashes > 100 && releases > 10, `${crashes} crashes and ${releases} releases are too few to tell`);
});

test("playing the same again gives the same, and no event changes what came before", () => {
  for (const history of histories(10, 20)) {
    const once = simulate(history, {}, promotion);
    assert.deepEqual(simulate(history, {}, promotion), once);
    const earlier = simulate(history.slice(0, 10), {}, promotion).story;
    assert.deepEqual(once.story.slice(0, earlier.length), earlier);
  }
});
