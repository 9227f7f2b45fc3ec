// A pipeline that is played: events in, everything there is to see out. What is written, and whether it may be, the module says;
// this keeps the repository and whose turn it is. Playing the same events again gives the same, so going back is playing fewer.

const START = Date.parse("2026-03-01T12:00:00Z");

/** What each button is called in the story. */
const TITLES = { build: "build", promote: "promote", reject: "reject", rollback: "roll back to", repair: "repair" };

const letter = (index) => String.fromCharCode(65 + (index % 26)) + (index < 26 ? "" : String(Math.floor(index / 26)));

/** Plays events under a policy: `[what, artifact?]`, where an artifact is the number of its build. */
export const simulate = (events, policy, promotion) => {
  let world = { policy, digests: {}, manifests: {}, complete: true };
  const artifacts = [];
  const story = [];
  let evidence = {};
  let at = null;
  let last = null;
  let fresh = [];

  const now = (step) => new Date(START + step * 60_000).toISOString().replace(".000", "");
  const tell = (kind, text) => story.push({ kind, text });

  const begin = (goal, title, step) => {
    last = { goal, title };
    const answer = promotion.converge(world, goal, now(step));
    if (answer.answer === "refused") {
      at = { title, actions: [], done: 0, refused: answer.text };
      return tell("refused", `${title}: refused`);
    }
    at = { title, actions: answer.actions, done: 0, outlook: answer.outlook, findings: answer.findings };
    return tell("plan", answer.actions.length === 0 ? `${title}: nothing to write` : `${title}: ${answer.actions.length} writes`);
  };

  const write = (count) => {
    if (at === null) return;
    const actions = at.actions.slice(at.done, at.done + count);
    world = promotion.apply(world, actions);
    at.done += actions.length;
    fresh = actions.map(({ tag }) => tag);
    for (const { tag, digest } of actions) tell("write", `wrote ${tag} → ${artifacts.find((artifact) => artifact.digest === digest)?.name ?? digest.slice(0, 19)}`);
  };

  const goalOf = (what, artifact) => {
    if (what === "promote") return { kind: "promote", artifact, evidence: evidence[artifact] ?? [] };
    if (what === "rollback") return { kind: "rollback", to: artifact, only: false };
    return { kind: "reject", artifact, reason: "by hand" };
  };

  events.forEach(([what, index], step) => {
    fresh = [];
    const artifact = artifacts[index];
    if (what === "build") {
      const commit = promotion.digestOf(`commit ${artifacts.length}`).slice(7, 47);
      const revision = `main@sha1:${commit}`;
      const digest = promotion.digestOf(`manifest of ${revision}`);
      artifacts.push({ name: letter(artifacts.length), digest, commit });
      world = { ...world, manifests: { ...world.manifests, [digest]: { revision } } };
      begin({ kind: "build", artifact: digest }, `build ${artifacts.at(-1).name}`, step);
    } else if (what === "validate" && artifact) {
      const pending = promotion.board(world).pending.find(({ digest }) => digest === artifact.digest);
      const stage = pending?.admitted ?? promotion.board(world).stages[0].name;
      evidence = { ...evidence, [artifact.digest]: [...(evidence[artifact.digest] ?? []), { kind: "kustomization", digest: artifact.digest, stage, observed_at: now(step), source: "the cluster" }] };
      tell("evidence", `${stage} reports ${artifact.name} healthy`);
    } else if (what === "repair") {
      begin({ kind: "repair" }, "repair", step);
    } else if (artifact && Object.hasOwn(TITLES, what)) {
      begin(goalOf(what, artifact.digest), `${TITLES[what]} ${artifact.name}`, step);
    } else if (what === "retry" && last) {
      begin(last.goal, `${last.title}, again`, step);
    } else if (what === "write") {
      write(1);
    } else if (what === "all") {
      write(Infinity);
    } else if (what === "crash" && at !== null) {
      tell("crash", `crashed after ${at.done} of ${at.actions.length} writes`);
      at = null;
    }
  });

  const tags = Object.keys(world.digests);
  const board = promotion.board(world);
  return {
    artifacts: artifacts.map((artifact) => ({
      ...artifact,
      healthy: evidence[artifact.digest] !== undefined,
      tags: tags.filter((tag) => world.digests[tag] === artifact.digest),
      selected: board.stages.filter(({ selects }) => selects?.digest === artifact.digest).map(({ name }) => name),
    })),
    board,
    forecast: promotion.forecast(tags, policy, 24),
    plan: at,
    running: at !== null && at.done < at.actions.length,
    retry: last !== null,
    fresh,
    story,
  };
};
