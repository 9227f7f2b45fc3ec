// A repository that is known completely: the board, plans carried out in memory, and what a crash leaves.
import assert from "node:assert/strict";
import { test } from "node:test";

import { apply, audit, board, converge, defaultPolicy, digestOf } from "promotion-wasm";

const now = "2026-03-01T12:00:00Z";
const empty = () => ({ digests: {}, manifests: {}, complete: true });

/** Pushes an artifact of a commit. */
const push = (world, digit) => {
  const artifact = digestOf(`{"commit":"${digit.repeat(40)}"}`);
  world.manifests[artifact] = { revision: `main@sha1:${digit.repeat(40)}` };
  return artifact;
};

const planned = (world, goal) => {
  const plan = converge(world, goal, now);
  assert.equal(plan.answer, "plan", plan.text);
  return plan.actions;
};

const evidence = (digest) => [{ kind: "kustomization", digest, stage: "integration", observed_at: now, source: "a test" }];
const selected = (world) => board(world).stages.map(({ selects }) => selects?.tag ?? null);

test("a crash after any write is finished by whoever comes next", () => {
  let world = empty();
  const artifact = push(world, "a");
  assert.match(artifact, /^sha256:[0-9a-f]{64}$/);
  world = apply(world, planned(world, { kind: "build", artifact }));
  assert.deepEqual(selected(world), ["0.1.0-rc.1", null]);
  assert.deepEqual(board(world).pending.map(({ candidate, admitted }) => [candidate, admitted]), [["0.1.0-rc.1", "integration"]]);
  const promote = planned(world, { kind: "promote", artifact, evidence: evidence(artifact) });
  assert.deepEqual(promote.map(({ tag }) => tag), ["validated-aaaaaaa", "0.1.0"]);
  for (let crash = 0; crash <= promote.length; crash += 1) {
    const torn = apply(world, promote.slice(0, crash));
    assert.equal(board(torn).unfinished.length, crash === 1 ? 1 : 0);
    const whole = apply(torn, planned(torn, { kind: "promote", artifact, evidence: evidence(artifact) }));
    assert.deepEqual(selected(whole), ["0.1.0", "0.1.0"]);
    assert.deepEqual(audit(whole).findings.filter(({ severity }) => severity === "error"), []);
  }
});

test("a write that does not fit is a conflict, and what is given is not changed", () => {
  const world = empty();
  const [artifact, other] = [push(world, "a"), push(world, "b")];
  const actions = planned(world, { kind: "build", artifact });
  const theirs = apply(world, [{ ...actions[0], digest: other }]);
  assert.throws(() => apply(theirs, actions), ({ id, message }) => id === "conflict" && message.includes(other));
  assert.deepEqual(world.digests, {});
  assert.equal(apply(apply(world, actions), actions).digests[actions[2].tag], artifact);
});

test("the default policy is the one that is used when none is given", () => {
  const policy = defaultPolicy();
  assert.deepEqual(policy.stages.map(({ name, semver }) => [name, semver ?? null]), [
    ["dev", null], ["integration", ">= 0.0.0-0"], ["live", ">= 0.0.0"],
  ]);
  const world = empty();
  const artifact = push(world, "a");
  const ask = (known) => converge(known, { kind: "build", artifact }, now);
  assert.deepEqual(ask({ ...world, policy }), ask(world));
});
