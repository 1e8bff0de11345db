"use strict";
// The page: filters, the table of runs, the dialog of one run, and the sections on all.

const data = JSON.parse(document.getElementById("data").textContent);
const get = (id) => document.getElementById(id);
const state = { by: null, down: false };

function fill(id, values) {
  get(id).append(...values.map(([value, text]) => make("option", { value }, text)));
}

function chosen() {
  const [task, setting, text] = [get("task").value, get("setting").value, get("filter").value.trim().toLowerCase()];
  return data.runs.filter((run) => (!task || run.group === task) && (!setting || run.setting === setting)
    && (!text || `${run.name} ${run.group} ${run.setting}`.toLowerCase().includes(text)));
}

function columns(policy, rows) {
  const of = (run) => run.policies[policy] || null;
  const scored = rows.map(of).filter((score) => score && score.mean !== null);
  const low = Math.min(...scored.map((score) => score.low ?? score.mean), 1);
  const high = Math.max(...scored.map((score) => score.high ?? score.mean), 0);
  const half = (score) => (score.low === null ? "" : ` ±${Math.max(score.mean - score.low, score.high - score.mean).toFixed(3)}`);
  const many = !get("task").value;
  const number = (key) => (run) => (of(run) && of(run)[key] !== null ? of(run)[key] : null);
  const all = [
    { name: "strategy", left: true, value: (run) => run.name, cell: (run) => make("span", {},
      make("button", { class: "open", type: "button", "aria-haspopup": "dialog", onclick: () => open(run) }, run.name), ...signs(run, of(run)), many ? make("span", { class: "under" }, run.group) : null) },
    { name: "task", left: true, minor: true, value: (run) => run.group, cell: (run) => run.group },
    { name: "n", value: number("n"), cell: (run) => String(of(run) ? of(run).n : 0), minor: true },
    { name: "accuracy", value: number("mean"), cell: (run) => (of(run) && of(run).mean !== null ? fixed(of(run).mean) + half(of(run)) : run.status === "finished" ? "–" : run.status) },
    { name: "95% interval", kind: "plot", value: number("low"), cell: (run) => (of(run) && of(run).mean !== null ? interval(of(run), low, high) : "") },
    ...(rows.some((run) => of(run) && of(run).unbalanced) ? [{ name: "per class", value: number("mean_per_class"), cell: (run) => fixed(number("mean_per_class")(run)) }] : []),
    { name: "gain", value: number("gain"), cell: (run) => (of(run) ? signed(of(run).gain) + (of(run).negative_transfer ? " ▼" : "") : "–") },
    { name: "setting", left: true, minor: true, value: (run) => run.setting, cell: (run) => run.setting },
    { name: "seconds", minor: true, value: (run) => run.seconds, cell: (run) => run.seconds.toFixed(1) },
  ];
  return many ? all : all.filter((column) => column.name !== "task");
}

function signs(run, score) {
  const told = [];
  if (score && score.best) told.push(["★ best", "its interval lies above all others of this task"]);
  if (run.sees.includes("labelled")) told.push(["†", "sees labels of target train images"]);
  const collapsed = score ? score.collapsed.filter(Boolean).length : 0;
  if (collapsed) told.push([`${collapsed}/${score.n} collapsed`, "one class takes nine tenths of all rows"]);
  const diverged = run.diverged.filter(Boolean).length;
  if (diverged) told.push([`${diverged}/${run.diverged.length} diverged`, "a loss or a parameter was not finite"]);
  return told.map(([text, title]) => make("span", { class: "tag", title }, text));
}

function refresh() {
  const [rows, policy] = [chosen(), get("policy").value];
  const marked = data.policies.find((item) => item.name === policy);
  const caption = `${data.measured} ▼ Below source_only. ★ Best: its interval lies above all others of its task, bounds aside. † Sees labels of target train images. `
    + (marked && marked.labels ? "‡ Selected by the labels of target test images: an upper bound." : `Selected by ${policy}.`);
  const shape = columns(policy, rows);
  if (state.by >= shape.length) state.by = null;
  get("table").replaceChildren(table(rows, shape, state, caption, "results"));
  get("count").textContent = `${rows.length} of ${data.runs.length} runs`;
}

const section = (title, ...inner) => (inner.some(Boolean) ? make("section", {}, make("h3", {}, title), ...inner) : null);
const list = (facts) => make("dl", {}, ...Object.entries(facts).flatMap(([key, value]) => [make("dt", {}, key), make("dd", {}, Array.isArray(value) ? value.join(", ") : String(value))]));

function open(run) {
  const body = get("body"), policy = get("policy").value;
  const score = run.policies[policy] || Object.values(run.policies).find((item) => item.mean !== null) || null;
  get("head").textContent = `${run.name} on ${run.group}`;
  const command = make("pre", { tabindex: 0 }, run.command);
  const copy = make("button", { class: "plain", type: "button", onclick: () => {
    getSelection().selectAllChildren(command);
    if (navigator.clipboard) navigator.clipboard.writeText(run.command).catch(() => {});
    copy.textContent = "Selected and copied";
  } }, "Copy");
  const every = data.policies.filter((item) => run.policies[item.name] && run.policies[item.name].n);
  body.replaceChildren(...[
    run.error ? make("p", { class: "bad" }, `${run.status}: ${run.error}`) : null,
    run.curves.length ? section("Curves", make("div", { class: "pair" }, curves(run), make("figure", {}, metrics(run),
      make("figcaption", {}, "Terms of the loss, mean over seeds: at the first and at the last evaluation.")))) : null,
    every.length ? section("By selection policy", scroll("scores by selection policy", table(every, [
      { name: "selection", left: true, value: (item) => item.name, cell: (item) => item.name + (item.labels ? " ‡" : "") },
      { name: "accuracy", value: (item) => run.policies[item.name].mean, cell: (item) => fixed(run.policies[item.name].mean) },
      ...(every.some((item) => run.policies[item.name].unbalanced) ? [{ name: "per class", value: (item) => run.policies[item.name].mean_per_class, cell: (item) => fixed(run.policies[item.name].mean_per_class) }] : []),
      { name: "seeds", left: true, value: () => "", cell: (item) => run.policies[item.name].scores.map((value) => value.toFixed(3)).join("  ") },
      { name: "picked step", left: true, value: () => "", cell: (item) => run.policies[item.name].steps.join("  ") },
    ], { by: null, down: false }))) : null,
    score && score.confusion ? section(`Confusion matrix (${policy})`, confusion(score.confusion, run.classes.length ? run.classes : run.embedding && run.embedding.classes)) : null,
    run.embedding ? features(run.embedding) : null,
    run.embedding && run.embedding.images.length ? section("Example images", images(run.embedding, true), images(run.embedding, false)) : null,
    section("Run it again", command, copy),
    section("Settings", list(run.settings)),
    section("Recipe", list(run.recipe)),
    section("Where it ran", list(run.facts)),
  ].filter(Boolean));
  get("cell").showModal();
  get("cell").scrollTop = 0;
}

function features(shown) {
  const pair = make("div", { class: "pair" });
  const box = make("input", { type: "checkbox", style: "min-height:0", onclick: () => draw() });
  const draw = () => pair.replaceChildren(embedding(shown, 0, box.checked), embedding(shown, 1, box.checked));
  draw();
  return section("Features of both domains", make("p", { class: "soft" },
    "First two principal components, each evaluation by itself, of the first seed. ○ held-out source, ▲ target test."),
  make("label", {}, box, " show the classes"), pair);
}

function images(shown, source) {
  const rows = shown.shown.map((row, index) => [row, shown.images[index]]).filter(([row]) => shown.source[row] === source);
  return make("figure", {}, make("figcaption", {}, source ? "Held-out source" : "Target test"), make("ul", { class: "images" }, ...rows.map(([row, image]) => {
    const [truth, told] = [shown.classes[shown.y[row]] ?? null, shown.classes[shown.predicted[1][row]]];
    return make("li", { class: truth === null || truth === told ? null : "wrong" }, make("img", { src: image, alt: `${source ? "source" : "target"} image of class ${truth ?? "unknown"}` }),
      truth === null ? told : truth === told ? `✓ ${told}` : `✗ ${told}, is ${truth}`);
  })));
}

function selectors() {
  for (const item of data.comparisons) {
    const columns = [
      { name: "selector", left: true, value: (fact) => fact.selector, cell: (fact) => fact.selector + (fact.uses_target_labels ? " ‡" : "") },
      { name: "runs", value: (fact) => fact.runs, cell: (fact) => String(fact.runs), minor: true },
      { name: "picked", value: (fact) => fact.picked, cell: (fact) => fixed(fact.picked) },
      { name: "below best", value: (fact) => fact.regret, cell: (fact) => fixed(fact.regret) },
      { name: "rank corr. in a run", value: (fact) => fact.within, cell: (fact) => bar(fact.within) },
      { name: "over all", value: (fact) => fact.spearman, cell: (fact) => bar(fact.spearman) },
      { name: "weighted τ", value: (fact) => fact.kendall, cell: (fact) => bar(fact.kendall) },
    ];
    const names = item.selectors.map((fact) => fact.selector);
    const picks = Object.entries(item.picks);
    get("selectors").append(make("h3", {}, item.group),
      scroll("selectors", table(item.selectors, columns, { by: null, down: false })),
      make("details", {}, make("summary", {}, "What each would have picked, run by run"), scroll("picks", table(picks, [
        { name: "strategy", left: true, value: ([name]) => name, cell: ([name]) => name },
        ...names.map((name) => ({ name, value: ([, means]) => means[name] ?? null, cell: ([, means]) => fixed(means[name]) })),
      ], { by: null, down: false }))));
  }
}

function start() {
  fill("task", [["", "all tasks"], ...[...new Set(data.runs.map((run) => run.group))].map((name) => [name, name])]);
  fill("setting", [["", "all settings"], ...[...new Set(data.runs.map((run) => run.setting))].filter(Boolean).sort().map((name) => [name, name])]);
  fill("policy", data.policies.map((item) => [item.name, item.name + (item.labels ? " ‡" : "")]));
  ["task", "setting", "policy"].forEach((id) => get(id).addEventListener("change", refresh));
  get("filter").addEventListener("input", refresh);
  get("close").addEventListener("click", () => get("cell").close());
  get("cell").addEventListener("click", (event) => { if (event.target === get("cell")) get("cell").close(); });
  refresh();
  selectors();
  if (data.ranks.reason) get("ranks").append(make("p", {}, data.ranks.reason));
  else get("ranks").append(ranks(data.ranks), make("p", { class: "soft" },
    `Over ${data.ranks.tasks.length} tasks, at the last step, without bounds. Friedman's p = ${data.ranks.p.toPrecision(2)}. A thick bar joins methods whose mean ranks differ by less than Nemenyi's critical difference at 0.05.`));
}

start();
