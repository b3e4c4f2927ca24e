"""The page of a trace in a real browser: mouse, keyboard, no script, dark, narrow, printed."""

import os
import shutil
import unicodedata
from pathlib import Path

import pytest

import backtrace
from backtrace.formats.drawing.svg import svg
from backtrace.page.selection import Selection
from backtrace.page.trace import View
from tests.formats.written import html
from tests.networks.kinds import LAYERED
from tests.tape import exercises

pytestmark = pytest.mark.slow

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
WIDTHS = (360, 800, 1400)
# What stands on something that comes after it: titles, formulas, matrices, their names and sizes.
OVERPRINTED = """() => {
    const boxes = [...document.querySelectorAll(".step > .title, .formula > math, .equation math,"
        + ".matrix, .size, .scalar, summary")]
        .filter(e => !e.closest("td, .scalar *")).map(e => [e, e.getBoundingClientRect()]);
    return boxes.flatMap(([e, a], at) => boxes.slice(at + 1, at + 7)
        .filter(([other, b]) => !e.contains(other) && a.left + 1 < b.right && b.left + 1 < a.right
            && a.top + 1 < b.bottom && b.top + 1 < a.bottom)
        .map(([other]) => [e.textContent, other.textContent]));
}"""


def executable():
    found = filter(None, map(shutil.which, BROWSERS))
    return os.environ.get("BACKTRACE_BROWSER") or next(found, None)


@pytest.fixture(scope="module")
def browser():
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    path = executable()
    if path is None:
        pytest.skip(f"no browser: none of {', '.join(BROWSERS)} is on the path")
    with api.sync_playwright() as started:
        opened = started.chromium.launch(executable_path=path, args=FLAGS)
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """Every bundled network as a file."""
    folder = tmp_path_factory.mktemp("pages")
    for name in LAYERED:
        trace = backtrace.trace(backtrace.load(name))
        (folder / f"{name}.html").write_text(html(trace, View()), encoding="utf-8")
    return folder


@pytest.fixture
def visit(browser, pages):
    """Opens a page; fails at the end where the browser complained or asked for anything else."""
    contexts, complaints = [], []

    def opened(name, width=1000, **settings):
        context = browser.new_context(viewport={"width": width, "height": 900}, **settings)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        address = name.as_uri() if isinstance(name, Path) else (pages / f"{name}.html").as_uri()
        page.on("request", lambda request: request.url.split("#")[0] == address
                or complaints.append(request.url))  # fmt: skip
        page.goto(address)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert not complaints


def step(page, id):
    return page.locator(f'[id="{id}-1-1"]')


def cell(step, entry):
    return step.locator(f'.equation [data-e="{entry}"]')


def marked(step, how="from"):
    names = step.locator(f".equation .{how}").evaluate_all("all => all.map(e => e.dataset.e)")
    return set(names)


def panel(step):
    return plain(step.locator(".worked").inner_text())


def plain(text):
    """Without spaces; a browser makes letters of mathematics of the letters in a formula."""
    return "".join(unicodedata.normalize("NFKC", text).split())


# mlp-math: z1 = 1·(-1) + 2·0 − 0.3 = −1.3 in its second entry
WORKED = "Z1[1,2]=1·(−1)+2·0−0.3=−1−0.3=−1.3"


def test_an_entry_opens_with_the_mouse_and_closes_again(visit):
    found = step(visit("mlp-math"), "z1")
    link = cell(found, "z1.1.2").locator("a")
    assert panel(found) == ""
    link.click()
    assert panel(found) == WORKED
    assert link.get_attribute("aria-expanded") == "true"
    cell(found, "z1.1.3").locator("a").click()
    assert panel(found).startswith("Z1[1,3]=")
    assert link.get_attribute("aria-expanded") == "false"
    cell(found, "z1.1.3").locator("a").click()
    assert panel(found) == ""


def test_an_entry_opens_with_the_keyboard(visit):
    page = visit("mlp-math")
    found = step(page, "z1")
    page.keyboard.press("Tab")  # the link that skips to the derivation
    assert "Skip" in page.evaluate("document.activeElement.textContent")
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.parentElement.dataset.e") == "z1.1.1":
            break
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.activeElement.parentElement.dataset.e") == "z1.1.2"
    for key in ("Enter", " "):
        page.keyboard.press(key)
        assert panel(found) == WORKED
        page.keyboard.press("Escape")
        assert panel(found) == ""
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"


def test_arrows_move_in_a_matrix_and_not_out_of_it(visit):
    page = visit("or-gate")
    first = cell(step(page, "z1"), "z1.1.1").locator("a")
    first.focus()
    moves = {"ArrowUp": "z1.1.1", "ArrowDown": "z1.2.1", "ArrowRight": "z1.2.2",
             "ArrowLeft": "z1.2.1"}  # fmt: skip
    for key, entry in moves.items():
        page.keyboard.press(key)
        assert page.evaluate("document.activeElement.parentElement.dataset.e") == entry
    assert first.get_attribute("tabindex") == "-1"


OPERANDS = {
    ("mlp-math", "product1", "product1.1.3"): {"a0.1.1", "a0.1.2", "W1.1.3", "W1.2.3"},
    ("mlp-math", "z1", "z1.1.2"): {"product1.1.2", "b1.1.2"},
    # dW1 = xᵀ·δ1: its entry 2,3 is x's second number times δ's third
    ("mlp-math", "dW1", "dW1.2.3"): {"a0.1.2", "delta1.1.3"},
    # columns: da1 = W2ᵀ·δ2, its entry 2,4 is W2's second number times δ's fourth
    ("or-gate", "da1", "da1.2.4"): {"W2.1.2", "delta2.1.4"},
    ("or-gate", "loss", "loss.1.1"): {f"loss_terms.1.{sample}" for sample in (1, 2, 3, 4)},
    ("softmax", "a2", "a2.1.1"): {"z2.1.1", "z2.1.2", "z2.1.3"},
}


@pytest.mark.parametrize(("name", "id", "entry"), OPERANDS)
def test_a_value_shows_which_numbers_made_it(visit, name, id, entry):
    page = visit(name)
    found = step(page, id)
    wanted = OPERANDS[name, id, entry]
    cell(found, entry).hover()
    assert marked(found) == wanted
    page.mouse.move(1, 1)
    assert marked(found) == set()
    cell(found, entry).locator("a").focus()
    assert marked(found) == wanted


def test_an_operand_shows_what_it_goes_into(visit):
    found = step(visit("mlp-math"), "product1")
    cell(found, "W1.2.2").hover()
    assert marked(found, "into") == {"product1.1.2"}
    assert marked(found) == set()


def test_a_number_of_the_sum_shows_where_it_stands(visit):
    found = step(visit("mlp-math"), "product1")
    cell(found, "product1.1.1").locator("a").click()
    found.locator('.worked [data-e="W1.2.1"]').first.hover()
    assert marked(found) == {"W1.2.1"}


def test_an_operand_opens_to_its_own_sum(visit):
    found = step(visit("mlp-math"), "a1")
    cell(found, "z1.1.2").locator("a").click()
    assert panel(found) == WORKED


def test_it_reads_without_a_script(visit):
    page = visit("mlp-math", java_script_enabled=False)
    found = step(page, "z1")
    assert cell(found, "z1.1.2").is_visible()
    assert found.locator("li").count() == 3
    assert not found.locator("li").first.is_visible()
    found.locator("summary").click()
    assert plain(found.locator("li").nth(1).inner_text()) == WORKED
    # The sum of an entry is a link away, also where it is folded in.
    later = step(page, "z2")
    later.locator(".result a").first.click()
    assert page.url.endswith("#z2-1-1-1-1")
    assert later.locator("li").first.is_visible()


def test_dark_and_light_are_legible(visit):
    for scheme in ("light", "dark"):
        page = visit("softmax", color_scheme=scheme)
        colours = page.evaluate("""() => {
            const seen = new Set();
            for (const e of document.querySelectorAll("h1, h3, p, li, summary, a, td, .size")) {
                seen.add(getComputedStyle(e).color);
            }
            return [getComputedStyle(document.body).backgroundColor, ...seen];
        }""")
        background, *inks = [channels(colour) for colour in colours]
        assert (luminance(background) < 0.1) == (scheme == "dark")
        assert len(inks) >= 4
        assert min(contrast(ink, background) for ink in inks) >= 4.5  # WCAG 2, level AA


def channels(colour):
    return [int(part) / 255 for part in colour[colour.index("(") + 1 : -1].split(",")[:3]]


def luminance(colour):
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in colour]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("name", LAYERED)
def test_the_equation_scrolls_and_not_the_page(visit, name):
    page = visit(name)
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.locator("h1").is_visible()
        assert page.evaluate(OVERPRINTED) == []


@pytest.mark.parametrize("loss", ["binary_cross_entropy", "huber", "hinge"])
def test_a_long_formula_does_not_widen_the_page(visit, tmp_path, loss):
    spec = exercises.exercise([3, 4, 3], ["elu", "sigmoid"], loss=loss, output_delta="chain", n=4)
    file = tmp_path / "long.html"
    shown = View(detail="entries", explain=True)
    file.write_text(html(backtrace.trace(spec), shown), encoding="utf-8")
    assert visit(file, 360).evaluate("document.documentElement.scrollWidth") <= 360


def test_a_wide_equation_can_be_scrolled_to_its_end(visit):
    page = visit("mnist", 360)
    wide = page.evaluate("""() => [...document.querySelectorAll(".scroll")]
        .filter(e => e.scrollWidth > e.clientWidth)
        .map(e => getComputedStyle(e).overflowX)""")
    assert wide
    assert set(wide) == {"auto"}


def test_printed_it_cuts_no_matrix(visit):
    page = visit("or-gate", 700)
    page.emulate_media(media="print")
    assert not page.locator("nav").is_visible()
    assert page.evaluate("""() => [...document.querySelectorAll(".matrix")]
        .every(e => e.getBoundingClientRect().right <= innerWidth)""")
    assert page.locator(".step").first.evaluate("e => getComputedStyle(e).breakInside") == "avoid"


def test_formulas_are_set_as_mathematics(visit):
    page = visit("or-gate")
    fraction = step(page, "a1").locator(".formula mfrac").first
    above, below = (fraction.locator("> *").nth(at).bounding_box() for at in (0, 1))
    assert above["y"] + above["height"] <= below["y"] + 1
    power = step(page, "z1").locator(".formula msup").first
    base, raised = (power.locator("> *").nth(at).bounding_box() for at in (0, 1))
    assert raised["y"] < base["y"]
    assert raised["x"] >= base["x"] + base["width"] - 1


def test_matrices_stand_between_their_brackets(visit):
    found = step(visit("or-gate"), "z1").locator(".result .quantity").first
    name, matrix, size = (
        found.locator(part).bounding_box() for part in (".name", ".matrix", ".size")
    )
    assert name["y"] < matrix["y"]
    assert matrix["y"] + matrix["height"] <= size["y"] + size["height"]
    equation = step(visit("or-gate"), "z1").locator(".equation").bounding_box()
    middle = matrix["y"] + matrix["height"] / 2
    assert abs(middle - (equation["y"] + equation["height"] / 2)) < 3


def test_a_stranger_runs_nothing(visit, tmp_path):
    import msgspec

    trace = backtrace.trace(backtrace.load("mlp-math"))
    text = "<img src=x onerror=\"document.title='run'\"><script>document.title='run'</script>"
    hostile = msgspec.structs.replace(trace, title=text, source=text)
    file = tmp_path / "hostile.html"
    file.write_text(html(hostile, View()), encoding="utf-8")
    page = visit(file)
    assert page.title() == text
    assert page.locator("h1").inner_text() == text


WHOLE = '<!doctype html><html lang="en"><title>Notes</title><body{}><p>Before.</p>{}'


def notebook(tmp_path, fragments, style=""):
    file = tmp_path / "notebook.html"
    file.write_text(WHOLE.format(style, fragments), encoding="utf-8")
    return file


def test_two_fragments_on_one_page_do_not_meet(visit, tmp_path):
    """As in a notebook that shows the same trace twice, and once more in another way."""
    trace = backtrace.trace(backtrace.load("mlp-math"))
    other = html(trace, View(fragment=True, explain=True))
    page = visit(notebook(tmp_path, html(trace, View(fragment=True)) * 2 + other))
    ids = page.evaluate('[...document.querySelectorAll("[id]")].map(e => e.id)')
    assert len(ids) == len(set(ids))
    assert page.evaluate("""() => [...document.querySelectorAll(".backtrace")].every(root =>
        [...root.querySelectorAll("a, [aria-labelledby]")].every(e => root.querySelector(
            `[id="${e.getAttribute("aria-labelledby") || e.hash.slice(1)}"]`)))""")
    steps = page.locator('.step[id*="z1-1-1"]')
    cell(steps.nth(1), "z1.1.2").locator("a").click()
    assert [panel(steps.nth(at)) for at in range(3)] == ["", WORKED, ""]
    assert page.locator("p").first.evaluate("e => getComputedStyle(e).fontFamily") == (
        page.locator("body").evaluate("e => getComputedStyle(e).fontFamily")
    )


@pytest.mark.parametrize(
    ("style", "is_dark"),
    [
        ("", False),  # as a page that says nothing is, whatever the system's scheme
        (' style="color-scheme: light dark"', True),
        (' style="color-scheme: light"', False),
        (' style="background: #111; color: #eee"', True),
    ],
)
def test_a_fragment_is_as_dark_as_the_page_around_it(visit, tmp_path, style, is_dark):
    trace = backtrace.trace(backtrace.load("mlp-math"))
    file = notebook(tmp_path, html(trace, View(fragment=True)), style)
    root = visit(file, color_scheme="dark").locator(".backtrace")
    paper, ink = (
        channels(root.evaluate(f"e => getComputedStyle(e).{which}"))
        for which in ("backgroundColor", "color")
    )
    assert (luminance(paper) < 0.1) == is_dark
    assert contrast(paper, ink) >= 7


@pytest.mark.parametrize(
    ("name", "width", "scheme"),
    [("or-gate", 360, "light"), ("attention", 360, "dark"), ("softmax", 1440, "light")],
)
def test_axe_finds_nothing(visit, tmp_path, name, width, scheme):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    file = tmp_path / "page.html"
    file.write_text(html(backtrace.trace(backtrace.load(name)), View(explain=True)), "utf-8")
    page = visit(file, width, color_scheme=scheme)
    page.locator(".sums").click()
    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
    found = axe.run(page, options={"runOnly": tags, "resultTypes": ["violations"]})
    assert not found.response["violations"]


def test_one_switch_opens_every_sum(visit):
    page = visit("mlp-math")
    sums = page.locator("details.entries li")
    assert not any(sums.nth(at).is_visible() for at in range(sums.count()))
    page.get_by_role("button", name="Every sum", pressed=False).press("Enter")
    assert all(sums.nth(at).is_visible() for at in range(sums.count()))
    page.get_by_role("button", name="Every sum", pressed=True).press(" ")
    assert not sums.first.is_visible()


def test_what_opens_looks_so_and_is_large_enough(visit):
    page = visit("mlp-math", 360)
    links = page.locator(".equation a").evaluate_all("""all => all.map(e => {
        const box = e.getBoundingClientRect();
        return [getComputedStyle(e).textDecorationLine, box.width, box.height]; })""")
    assert all(line == "underline" and w >= 24 and h >= 24 for line, w, h in links)
    others = page.locator(".contents a, summary, .sums").evaluate_all(
        "all => all.map(e => e.getBoundingClientRect().height)"
    )
    assert min(others) >= 24


def test_a_matrix_is_announced_as_a_table_by_its_name(visit):
    page = visit("small-mlp")
    session = page.context.new_cdp_session(page)
    nodes = session.send("Accessibility.getFullAXTree")["nodes"]
    named = {
        node["name"]["value"] for node in nodes if node.get("role", {}).get("value") == "table"
    }
    wanted = {
        "W, layer 1, 2 by 2",
        "x times W, layer 1, 1 by 2",
        "a, layer 1, transposed, 2 by 1",
        "delta, layer 1, 1 by 2",
        "gradient of L by W, layer 1, 2 by 2",
        "W, layer 1, new, 2 by 2",
    }
    assert wanted <= named


def test_what_scrolls_says_so_and_can_be_reached(visit):
    page = visit("mnist", 360)
    wide = page.locator(".scroll").evaluate_all("""all => all
        .filter(e => e.scrollWidth > e.clientWidth)
        .map(e => [getComputedStyle(e).backgroundImage.split("gradient").length - 1,
                   e.tabIndex === 0 || e.querySelector("a") !== null])""")
    assert wide
    assert all(sign == [4, True] for sign in wide)


def test_in_forced_colours_what_belongs_together_is_outlined(visit):
    found = step(visit("mlp-math", forced_colors="active"), "product1")
    cell(found, "product1.1.3").hover()
    outlines = found.locator(".from").evaluate_all(
        "all => all.map(e => getComputedStyle(e).outlineStyle)"
    )
    assert outlines == ["solid"] * 4


@pytest.mark.parametrize("name", ["mlp-math", "or-gate", "softmax"])
def test_no_words_of_a_drawing_run_into_each_other(visit, tmp_path, name):
    """Where the browser really puts them, not where widths were guessed."""
    trace = backtrace.trace(backtrace.load(name))
    file = tmp_path / "drawing.svg"
    file.write_text(svg(trace, View(selection=Selection(sample=1))), encoding="utf-8")
    page = visit(file)
    boxes = page.evaluate("""() => [...document.querySelectorAll("text")]
        .filter(e => !e.getAttribute("transform"))
        .map(e => { const b = e.getBoundingClientRect();
                    return [b.left, b.top, b.right, b.bottom - 3, e.textContent]; })""")
    assert len(boxes) > 12
    for at, (left, top, right, bottom, words) in enumerate(boxes):
        for left2, top2, right2, bottom2, words2 in boxes[:at]:
            apart = right <= left2 or right2 <= left or bottom <= top2 or bottom2 <= top
            assert apart, (words, words2)


# A click lights the path


def lit(page, kind):
    return set(page.locator(f".{kind}[data-e]").evaluate_all("all => all.map(e => e.dataset.e)"))


# small-mlp: z1[1] = x1·W1[1,1] + x2·W1[2,1] + b1[1], and so on
BEFORE_Z1 = {"product1.1.1", "a0.1.1", "a0.1.2", "W1.1.1", "W1.2.1", "b1.1.1"}


def test_a_click_lights_all_it_was_worked_from_and_all_that_uses_it(visit):
    page = visit("small-mlp")
    link = cell(step(page, "z1"), "z1.1.1").locator("a")
    link.click()
    assert lit(page, "chosen") == {"z1.1.1"}
    assert lit(page, "before") == BEFORE_Z1
    after = lit(page, "after")
    assert {
        "a1.1.1",
        "z2.1.1",
        "loss.1.1",
        "g1.1.1",
        "delta1.1.1",
        "dW1.2.1",
        "W1_new.2.1",
    } <= after
    assert not {"z1.1.2", "a1.1.2", "g1.1.2", "W1.1.1"} & after
    styles = {
        kind: page.locator(f".{kind}").first.evaluate("e => getComputedStyle(e).outlineStyle")
        for kind in ("chosen", "before", "after")
    }
    assert styles == {"chosen": "double", "before": "solid", "after": "dashed"}
    assert page.locator(".lit").inner_text().startswith("Lit: 6 entries it was worked from")
    link.click()
    assert lit(page, "chosen") == lit(page, "before") == lit(page, "after") == set()


def test_the_path_of_a_gradient_goes_across_the_steps_to_what_is_given(visit):
    """dW1[2,1] = x2 · δ1[1], δ1[1] = da1[1] · g1[1], da1[1] = δ2 · W2[1], δ2 = ŷ − y."""
    page = visit("small-mlp")
    cell(step(page, "dW1"), "dW1.2.1").locator("a").click()
    before = lit(page, "before")
    assert {"a0.1.2", "delta1.1.1", "da1.1.1", "g1.1.1", "W2.1.1", "delta2.1.1", "y.1.1"} <= before
    assert not {"dW1.1.1", "g1.1.2", "delta1.1.2", "loss.1.1"} & before
    assert "W1_new.2.1" in lit(page, "after")


def test_what_is_given_is_lit_by_keyboard_and_escape_ends_it(visit):
    page = visit("small-mlp")
    page.locator('.gallery [data-e="W1.2.1"] button').focus()
    page.keyboard.press("Enter")
    assert lit(page, "chosen") == {"W1.2.1"}
    assert lit(page, "before") == set()
    assert {"product1.1.1", "z1.1.1", "W1_new.2.1"} <= lit(page, "after")
    assert "product1.1.2" not in lit(page, "after")
    page.keyboard.press("Escape")
    assert lit(page, "chosen") == lit(page, "after") == set()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowUp")
    assert page.evaluate("document.activeElement.parentElement.dataset.e") == "W1.1.1"


def test_a_long_sum_is_lit_whole(visit):
    """mnist: z1 is a sum of 784 terms, of which the line has six and the page ten pixels or so."""
    page = visit("mnist")
    link = step(page, "z1").locator(".result [data-e] > a").first
    name = link.evaluate("e => e.parentElement.dataset.e")
    link.click()
    column = name.split(".")[-1]
    shown = page.locator(".gallery [data-e^='a0.']").evaluate_all(
        "all => all.map(e => e.dataset.e)"
    )
    assert {each for each in shown if each.endswith(f".{column}")} <= lit(page, "before")
    assert not {each for each in shown if not each.endswith(f".{column}")} & lit(page, "before")


def test_each_update_is_lit_by_itself(visit, tmp_path):
    import msgspec

    spec = msgspec.structs.replace(backtrace.load("small-mlp"), epochs=2)
    file = tmp_path / "two.html"
    file.write_text(html(backtrace.trace(spec), View()), encoding="utf-8")
    page = visit(file)
    page.locator('[id="z1-2-1"] .result [data-e="z1.1.1"] a').click()
    assert page.locator('[id="z1-1-1"] .chosen').count() == 0
    assert page.locator('[id="z1-2-1"] .chosen').count() == 1
    assert page.locator('[id="a1-2-1"] .after').count() > 0
    assert page.locator('[id="a1-1-1"] .after').count() == 0
