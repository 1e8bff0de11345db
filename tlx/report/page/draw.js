"use strict";
// Elements, numbers, and sortable tables. Text always enters as text, never as markup.

function make(name, attributes, ...children) {
  const svg = ["svg", "g", "line", "circle", "path", "rect", "text", "title", "polyline", "polygon"].includes(name);
  const element = svg ? document.createElementNS("http://www.w3.org/2000/svg", name) : document.createElement(name);
  for (const [key, value] of Object.entries(attributes || {})) {
    if (key === "onclick") element.addEventListener("click", value);
    else if (value !== null && value !== undefined && value !== false) element.setAttribute(key, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

// A name that may be broken behind its signs, before it is broken anywhere.
const soft = (name) => make("span", {}, ...name.split(/(?<=[^\w\s(]|_)/).flatMap((part, index) => (index ? [make("wbr"), part] : [part])));
const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
const fixed = (value, digits = 3) => (value === null || value === undefined ? "–" : value.toFixed(digits));
const signed = (value, digits = 3) => (value === null || value === undefined ? "–" : (value < 0 ? "−" : "+") + Math.abs(value).toFixed(digits));

// columns: {name, left, minor, value(row) to sort by, cell(row) what to show}; `state` keeps the order between calls.
function table(rows, columns, state, caption, id) {
  const order = columns[state.by] || columns[0];
  const sign = state.down ? -1 : 1;
  const sorted = state.by === null ? rows : [...rows].sort((one, other) => {
    const [a, b] = [order.value(one), order.value(other)];
    if (a === null || b === null) return (a === null) - (b === null);
    return sign * (typeof a === "string" ? a.localeCompare(b) : a - b);
  });
  const kind = (column, more = "") => [column.left && "left", column.minor && "minor", column.kind, more].filter(Boolean).join(" ") || null;
  const heads = columns.map((column, index) => make("th", {
    scope: "col", class: kind(column), title: column.told,
    "aria-sort": state.by === index ? (state.down ? "descending" : "ascending") : "none",
  }, make("button", { type: "button", onclick: () => {
    state.down = state.by === index ? !state.down : !column.left;
    state.by = index;
    const fresh = table(rows, columns, state, caption, id);
    whole.replaceWith(fresh);
    fresh.querySelectorAll("thead button")[index].focus();
  } }, soft(column.name))));
  const body = sorted.map((row) => make("tr", {}, ...columns.map((column, index) =>
    make(index ? "td" : "th", { scope: index ? null : "row", class: kind(column) }, column.cell(row)))));
  const whole = make("table", { id }, caption && make("caption", {}, caption),
    make("thead", {}, make("tr", {}, ...heads)), make("tbody", {}, ...body));
  return whole;
}

const scroll = (label, ...inner) => make("div", { class: "scroll", role: "region", tabindex: 0, "aria-label": label }, ...inner);

// Mean and interval on an axis from `low` to `high`.
function interval(score, low, high) {
  const at = (value) => 4 + 132 * (value - low) / (high - low || 1);
  const told = score.low === null ? fixed(score.mean) : `${fixed(score.mean)}, interval ${fixed(score.low)} to ${fixed(score.high)}`;
  return make("svg", { viewBox: "0 0 140 18", role: "img", "aria-label": told },
    make("line", { class: "axis", x1: 4, x2: 136, y1: 9, y2: 9 }),
    score.low === null ? null : make("path", { class: "whisker", d: `M${at(score.low)} 9H${at(score.high)}M${at(score.low)} 5v8M${at(score.high)} 5v8` }),
    make("circle", { class: "dot", cx: at(score.mean), cy: 9, r: 3.4 }));
}

// A signed number in -1..1 as a bar from the middle.
function bar(value) {
  if (value === null) return "–";
  const middle = 30, end = middle + 28 * value;
  return make("span", { class: "bar", style: "display:inline-flex;gap:.5rem;align-items:center" }, signed(value, 2),
    make("svg", { viewBox: "0 0 60 12", width: 60, height: 12, "aria-hidden": "true" },
      make("line", { class: "axis", x1: middle, x2: middle, y1: 0, y2: 12 }),
      make("rect", { class: "dot", x: Math.min(middle, end), y: 3, width: Math.max(1, Math.abs(end - middle)), height: 6 })));
}
