// Plans, audits and explanations from JavaScript: a whole promotion against a registry that is a plain object.
import assert from "node:assert/strict";
import { test } from "node:test";

import { audit, converge, explain, prove, select } from "promotion-wasm";

const now = "2026-03-01T12:00:00Z";
const digest = (digit) => `sha256:${digit.repeat(64)}`;
const commit = (digit) => digit.repeat(40);

/** A repository: tags, and the commit of each manifest. */
const repository = () => ({ tags: {}, manifests: {} });

const push = (repository, digit) => {
  repository.manifests[digest(digit)] = { revision: `main@sha1:${commit(digit)}` };
  return digest(digit);
};

/** Asks until nothing is open, answering from the repository. */
const settled = (repository, question) => {
  const known = { tags: Object.keys(repository.tags), digests: {}, manifests: {}, ancestry: [] };
  for (let round = 0; round < 50; round += 1) {
    const answer = question(known);
    if (answer.answer !== "needs") return answer;
    for (const tag of answer.needs.tags) known.digests[tag] = repository.tags[tag] ?? null;
    for (const digest of answer.needs.manifests) known.manifests[digest] = repository.manifests[digest] ?? null;
    for (const pair of answer.needs.ancestry) known.ancestry.push({ ...pair, related: null });
  }
  return assert.fail("it never stops asking");
};

const run = (repository, goal) => {
  const plan = settled(repository, (known) => converge(known, goal, now));
  for (const { tag, digest, expect } of plan.actions ?? []) {
    assert.equal(expect, "absent");
    assert.ok(!(tag in repository.tags), `${tag} is a fact`);
    repository.tags[tag] = digest;
  }
  return plan;
};

const build = (artifact) => ({ kind: "build", artifact });
const promote = (artifact, found = artifact) => ({
  kind: "promote",
  artifact,
  stage: "integration",
  evidence: [{ kind: "kustomization", digest: found, observed_at: "2026-03-01T11:59:00Z", source: "an event" }],
});
const selected = (repository, semver) => select({ semver, tags: Object.keys(repository.tags) }).tag;

test("a build and a promotion, and nothing left to do afterwards", () => {
  const registry = repository();
  const artifact = push(registry, "a");
  assert.deepEqual(
    run(registry, build(artifact)).actions.map(({ tag }) => tag),
    ["sha-aaaaaaa", "integration-aaaaaaa", "0.1.0-rc.1"],
  );
  assert.equal(selected(registry, ">= 0.0.0-0"), "0.1.0-rc.1");
  const plan = run(registry, promote(artifact));
  assert.deepEqual(plan.outlook, { kind: "reached" });
  assert.match(plan.policy_hash, /^sha256:[0-9a-f]{64}$/);
  assert.equal(selected(registry, ">= 0.0.0"), "0.1.0");
  assert.deepEqual(run(registry, { kind: "repair" }).actions, []);
  assert.deepEqual(settled(registry, audit).findings.filter(({ severity }) => severity === "error"), []);
});

test("promoting an older artifact never hides the newest", () => {
  const registry = repository();
  const [older, newer] = [push(registry, "a"), push(registry, "b")];
  run(registry, build(older));
  run(registry, build(newer));
  run(registry, promote(older));
  assert.equal(registry.tags[selected(registry, ">= 0.0.0-0")], newer);
  assert.equal(registry.tags[selected(registry, ">= 0.0.0")], older);
});

test("a refusal is an answer with its reasons, and the same text from its JSON", () => {
  const registry = repository();
  const artifact = push(registry, "a");
  run(registry, build(artifact));
  const { answer, refusal, text } = run(registry, promote(artifact, digest("c")));
  assert.equal(answer, "refused");
  assert.equal(refusal.id, "not-promotable");
  assert.ok(refusal.because.some(({ id }) => id === "evidence-of-another-digest"));
  assert.equal(explain(refusal), text);
  assert.match(text, /^cannot promote sha256:aaaaaaaa\n/);
  assert.match(explain(refusal.id), /may not leave/);
});

test("what must be known is asked for, and null is an answer", () => {
  const known = { tags: [], manifests: {} };
  assert.deepEqual(converge(known, build(digest("a")), now), {
    answer: "needs",
    needs: { tags: [], manifests: [digest("a")], ancestry: [] },
  });
  known.manifests[digest("a")] = null;
  assert.equal(converge(known, build(digest("a")), now).refusal.id, "artifact-not-found");
});

test("an audit names what was made by hand", () => {
  const registry = repository();
  registry.tags["1.0.0"] = push(registry, "a");
  const ids = settled(registry, audit).findings.map(({ id }) => id);
  assert.deepEqual(ids, ["release-without-candidate", "release-without-evidence"]);
});

test("proofs are about the policy that is given", () => {
  assert.deepEqual(prove().map(({ id }) => id), ["stage-crosses-majors"]);
  const stage = (name, semver) => ({ name, source: "oci", semver });
  const findings = prove({ stages: [stage("integration", ">= 0.0.0"), stage("live", ">= 0.0.0")] });
  assert.ok(findings.some(({ id }) => id === "stage-cannot-select"));
});
