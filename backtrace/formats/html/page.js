// Opens an entry below its equation, and shows which numbers made it; reading needs none of this.
(() => {
  "use strict";
  const ARROWS = {ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0]};

  const SCROLLS = ".scroll, .entries li, .worked, .conventions ul, .why, .note";

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
      const next = rows[row].cells[column].querySelector("a, button");
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

  // The same fragment may stand on a page again: a later one has ids of its own.
  function setApart(root) {
    const own = [...root.querySelectorAll("[id]")];
    if (!own.length || document.getElementById(own[0].id) === own[0]) return;
    let copy = 2;
    while (document.getElementById(`${own[0].id}-${copy}`)) copy += 1;
    for (const element of own) element.id += `-${copy}`;
    for (const name of ["href", "aria-labelledby"]) {
      for (const element of root.querySelectorAll(`[${name}]`)) {
        element.setAttribute(name, `${element.getAttribute(name)}-${copy}`);
      }
    }
  }

  // A page may be dark without saying so: its text is light.
  function followPage(root) {
    const around = root.parentElement;
    if (!around || getComputedStyle(root).colorScheme !== "normal") return;
    const [red, green, blue] = getComputedStyle(around).color.match(/[\d.]+/g).map(Number);
    if (0.299 * red + 0.587 * green + 0.114 * blue > 150) root.style.colorScheme = "dark";
  }

  // What scrolls can be reached by keyboard, where nothing in it can.
  function makeReachable(root) {
    for (const element of root.querySelectorAll(SCROLLS)) {
      const wide = element.scrollWidth > element.clientWidth;
      if (wide && !element.querySelector("a")) element.tabIndex = 0;
      else element.removeAttribute("tabindex");
    }
  }

  function switchSums(root, button) {
    const shown = button.getAttribute("aria-pressed") !== "true";
    for (const details of root.querySelectorAll("details.entries")) details.open = shown;
    button.setAttribute("aria-pressed", String(shown));
  }

  function prepare(root) {
    setApart(root);
    followPage(root);
    const button = root.querySelector(".sums");
    const sums = [...root.querySelectorAll("details.entries")];
    if (button && sums.length) {
      button.hidden = false;
      button.setAttribute("aria-pressed", String(sums.every((details) => details.open)));
      button.addEventListener("click", () => switchSums(root, button));
    }
    new ResizeObserver(() => makeReachable(root)).observe(root);
    // what is given opens no sum, and can be chosen all the same
    for (const cell of root.querySelectorAll(".gallery [data-e]")) {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...cell.childNodes);
      cell.append(button);
    }
    for (const matrix of root.querySelectorAll(".matrix")) {
      matrix.querySelectorAll("a, button").forEach((link, at) => { link.tabIndex = at ? -1 : 0; });
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
      const target = event.target instanceof Element ? event.target : root;
      if (event.key in ARROWS && target.matches("[data-e] > :is(a, button)")) {
        event.preventDefault();
        move(target, ARROWS[event.key]);
      }
      const link = target.closest("[data-e] > a");
      if (!link) return;
      if (event.key === "Escape") {
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
