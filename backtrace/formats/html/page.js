// Opens an entry below its equation, and shows which numbers made it; reading needs none of this.
(() => {
  "use strict";
  const ARROWS = {ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0]};

  const cellOf = (target) => target instanceof Element ? target.closest("[data-e]") : null;
  const stepOf = (element) => element.closest(".step");
  const named = (root, name) => root.querySelectorAll(`[data-e="${CSS.escape(name)}"]`);

  function lineOf(root, cell) {
    const link = cell.querySelector("a[href]");
    return link && root.querySelector(`[id="${CSS.escape(link.getAttribute("href").slice(1))}"]`);
  }

  const operands = (line) => line.dataset.of
    ? line.dataset.of.split(" ").map((id) => `[data-e^="${CSS.escape(id)}."]`)
    : [...line.querySelectorAll("[data-e]")].map((v) => `[data-e="${CSS.escape(v.dataset.e)}"]`);

  function unmark(root) {
    for (const marked of root.querySelectorAll(".from, .into")) {
      marked.classList.remove("from", "into");
    }
  }

  function mark(root, cell) {
    unmark(root);
    const step = stepOf(cell);
    if (!step) return;
    const equation = step.querySelector(".equation");
    if (!equation) return;
    if (!equation.contains(cell)) {
      for (const other of named(equation, cell.dataset.e)) other.classList.add("from");
    } else if (cell.closest(".result")) {
      const line = lineOf(root, cell);
      if (!line) return;
      for (const selector of operands(line)) {
        for (const other of equation.querySelectorAll(selector)) {
          if (!other.closest(".result")) other.classList.add("from");
        }
      }
    } else {
      markUses(root, equation, cell);
    }
  }

  function markUses(root, equation, cell) {
    for (const result of equation.querySelectorAll(".result [data-e]")) {
      const line = lineOf(root, result);
      if (line && operands(line).some((selector) => cell.matches(selector))) {
        result.classList.add("into");
      }
    }
  }

  function toggle(root, link) {
    const step = stepOf(link);
    const line = lineOf(root, cellOf(link));
    const panel = step && step.querySelector(".worked");
    if (!panel || !line) return false;
    const wasOpen = link.getAttribute("aria-expanded") === "true";
    close(step);
    if (!wasOpen) {
      link.setAttribute("aria-expanded", "true");
      panel.replaceChildren(...[...line.childNodes].map((node) => node.cloneNode(true)));
    }
    return true;
  }

  function close(step) {
    for (const link of step.querySelectorAll('[aria-expanded="true"]')) {
      link.setAttribute("aria-expanded", "false");
    }
    step.querySelector(".worked").replaceChildren();
  }

  function move(link, [down, right]) {
    const cell = link.closest("td");
    if (!cell) return;
    const rows = cell.closest("table").rows;
    let row = cell.parentElement.rowIndex + down;
    let column = cell.cellIndex + right;
    while (rows[row] && rows[row].cells[column]) {
      const next = rows[row].cells[column].querySelector("a");
      if (next) {
        link.tabIndex = -1;
        next.tabIndex = 0;
        next.focus();
        return;
      }
      row += down;
      column += right;
    }
  }

  function prepare(root) {
    for (const matrix of root.querySelectorAll(".matrix")) {
      matrix.querySelectorAll("a").forEach((link, at) => { link.tabIndex = at ? -1 : 0; });
    }
    for (const link of root.querySelectorAll("[data-e] > a")) {
      link.setAttribute("aria-expanded", "false");
    }
  }

  function listen(root) {
    for (const [start, end] of [["pointerover", "pointerout"], ["focusin", "focusout"]]) {
      root.addEventListener(start, (event) => {
        const cell = cellOf(event.target);
        if (cell) mark(root, cell);
      });
      root.addEventListener(end, (event) => { if (cellOf(event.target)) unmark(root); });
    }
    root.addEventListener("click", (event) => {
      const link = event.target instanceof Element && event.target.closest("[data-e] > a");
      if (link && toggle(root, link)) event.preventDefault();
    });
    root.addEventListener("keydown", (event) => {
      const link = event.target instanceof Element && event.target.closest("[data-e] > a");
      if (!link) return;
      if (event.key in ARROWS) {
        event.preventDefault();
        move(link, ARROWS[event.key]);
      } else if (event.key === "Escape") {
        close(stepOf(link));
      } else if (event.key === " ") {
        event.preventDefault();
        toggle(root, link);
      }
    });
  }

  for (const root of document.querySelectorAll(".backtrace:not([data-live])")) {
    root.dataset.live = "";
    prepare(root);
    listen(root);
  }
})();
