// Lights the whole path of an entry: all that it was worked from, and all that uses it.
(() => {
  "use strict";
  const CELLS = ".equation [data-e], .gallery [data-e]";
  const KINDS = ["chosen", "before", "after"];

  // The part of the page that one update stands in.
  function updateOf(root, element) {
    let section = element.closest("section");
    while (section && !section.querySelector(":scope > .update")) {
      section = section.parentElement.closest("section");
    }
    return section || root;
  }

  const inside = (number, range) => {
    const [first, last] = range.split("-").map(Number);
    return first <= Number(number) && Number(number) <= last;
  };

  // Of a long sum the line shows a few entries, and data-span says which it has: id:1-9:2-2.
  function spanned(line, names) {
    const found = [];
    for (const span of (line.dataset.span || "").split(" ").filter(Boolean)) {
      const [id, rows, columns] = span.split(":");
      for (const name of names) {
        const [column, row, ...whose] = name.split(".").reverse();
        if (whose.reverse().join(".") !== id) continue;
        if (inside(row, rows) && inside(column, columns)) found.push(name);
      }
    }
    return found;
  }

  // From each entry of an update to those it was worked from, and the other way round.
  function graphOf(root, scope) {
    const names = new Set([...scope.querySelectorAll(CELLS)].map((cell) => cell.dataset.e));
    const from = new Map();
    const add = (name, sources) => from.set(name, [...(from.get(name) || []), ...sources]);
    for (const line of scope.querySelectorAll(".entries li[data-line]")) {
      const said = [...line.querySelectorAll("[data-e]")].map((value) => value.dataset.e);
      add(line.dataset.line, [...said, ...spanned(line, names)]);
    }
    for (const link of scope.querySelectorAll(".result [data-e] > a[href]")) {
      const line = root.querySelector(`[id="${CSS.escape(link.getAttribute("href").slice(1))}"]`);
      const name = link.parentElement.dataset.e;
      // a step that only repeats another opens that one's line
      if (line && line.dataset.line !== name) add(name, [line.dataset.line]);
    }
    const into = new Map();
    for (const [name, sources] of from) {
      for (const source of sources) into.set(source, [...(into.get(source) || []), name]);
    }
    return {from, into};
  }

  function reached(edges, start) {
    const found = new Set();
    const waiting = [start];
    while (waiting.length) {
      for (const name of edges.get(waiting.pop()) || []) {
        if (name === start || found.has(name)) continue;
        found.add(name);
        waiting.push(name);
      }
    }
    return found;
  }

  function clear(root) {
    for (const cell of root.querySelectorAll(".chosen, .before, .after")) {
      cell.classList.remove(...KINDS);
    }
    root.querySelector(".lit").textContent = "";
  }

  const counted = (names) => `${names.size} ${names.size === 1 ? "entry" : "entries"}`;

  function light(root, graphs, cell) {
    const scope = updateOf(root, cell);
    if (!graphs.has(scope)) graphs.set(scope, graphOf(root, scope));
    const {from, into} = graphs.get(scope);
    const chosen = new Set([cell.dataset.e]);
    const sets = [chosen, reached(from, cell.dataset.e), reached(into, cell.dataset.e)];
    for (const other of scope.querySelectorAll(CELLS)) {
      KINDS.forEach((kind, at) => other.classList.toggle(kind, sets[at].has(other.dataset.e)));
    }
    root.querySelector(".lit").textContent = `Lit: ${counted(sets[1])} it was worked from `
      + `(solid lines), ${counted(sets[2])} that use it (dashed). Escape ends it.`;
  }

  function press(root, graphs, cell) {
    const link = cell.querySelector("a[aria-expanded]");
    const wanted = link ? link.getAttribute("aria-expanded") === "true"
      : !cell.classList.contains("chosen");
    clear(root);
    if (wanted) light(root, graphs, cell);
  }

  function listen(root) {
    const graphs = new Map();
    const status = document.createElement("p");
    status.className = "lit";
    status.setAttribute("role", "status");
    root.querySelector(".page").append(status);
    root.addEventListener("click", (event) => {
      const cell = event.target instanceof Element && event.target.closest(CELLS);
      if (cell) press(root, graphs, cell);
    });
    root.addEventListener("keydown", (event) => {
      const cell = event.target instanceof Element && event.target.closest(CELLS);
      if (event.key === "Escape") clear(root);
      else if (event.key === " " && cell && cell.querySelector("a")) press(root, graphs, cell);
    });
  }

  for (const root of document.querySelectorAll(".backtrace:not([data-lights])")) {
    root.dataset.lights = "";
    listen(root);
  }
})();
