// The thread that thinks: it keeps what was pasted and asks the module, so that the page never waits for it.

let tags = [];

/** The tag's meaning, and what every stage says of it. */
const explainTag = (tag, policy, stages) => ({
  parsed: parse(tag, policy),
  checks: stages.map(({ name, semver }) => {
    try {
      return { stage: name, ...check(semver, tag) };
    } catch (error) {
      return { stage: name, accepted: false, text: error.message };
    }
  }),
});

const answers = {
  start: (bytes) => {
    initSync({ module: bytes });
    return { version: version(), policy: defaultPolicy() };
  },
  paste: (text) => {
    tags = [];
    tags = readTags(text);
    return tags.length;
  },
  evaluate: (policy, line) => {
    const started = performance.now();
    const told = { forecast: forecast(tags, policy, line), findings: prove(policy) };
    return { ...told, took: performance.now() - started };
  },
  explain: explainTag,
  simulate: (events, policy) => simulate(events, policy, { apply, board, converge, digestOf, forecast }),
};

onmessage = ({ data: { id, name, args } }) => {
  try {
    postMessage({ id, value: answers[name](...args) });
  } catch (error) {
    postMessage({ id, error: { id: error.id ?? "broken", message: error.message } });
  }
};
