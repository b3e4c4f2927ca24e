"""Every bundled network looks as it looked when somebody last read it through."""

from itertools import pairwise

import pytest

from tests.golden.pictures import FOLDER, VIEWS, file_names, picture

FILES = sorted(path.name for path in FOLDER.glob("*.txt"))


def test_no_picture_is_missing_and_none_is_left_over():
    assert len(FILES) > 2 * 12  # an empty folder would pass everything below
    assert file_names() == FILES


@pytest.mark.parametrize("file_name", FILES)
def test_it_looks_as_it_did(file_name):
    assert picture(file_name) == (FOLDER / file_name).read_text(encoding="utf-8")


@pytest.mark.parametrize("file_name", FILES)
def test_a_picture_is_clean_text(file_name):
    lines = (FOLDER / file_name).read_text(encoding="utf-8").split("\n")
    _, layout = VIEWS[file_name.split(".")[-2]]
    assert lines.pop() == ""  # one newline at the end
    assert all(line == line.rstrip() for line in lines)
    assert not any(before == after == "" for before, after in pairwise(lines))
    assert layout.unicode or "\n".join(lines).isascii()
