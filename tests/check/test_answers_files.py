"""Which files of a class are read, and what is refused without stopping the class."""

import os

import pytest

from backtrace.check.answers.files import content, find_files, read_files
from backtrace.check.answers.reading import read_answers
from backtrace.check.answers.tree import AnswersError
from backtrace.check.model import Answers, Unreadable
from tests.check.answer_exercises import PLAIN, reader_of


def write(folder, *names, text="loss: 1\n"):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def names(paths, folder):
    return [path.relative_to(folder).as_posix() for path in paths]


def test_a_folder_is_searched_in_the_order_of_names(tmp_path):
    write(tmp_path, "b.yaml", "a.yml", "c.JSON", "d.csv", "z/e.yaml", "notes.txt", "f.py", "e.md")
    write(tmp_path, ".hidden.yaml", ".git/g.yaml")
    files, unreadable = find_files([tmp_path])
    assert names(files, tmp_path) == ["a.yml", "b.yaml", "c.JSON", "d.csv", "z/e.yaml"]
    assert unreadable == []


def test_a_file_that_is_named_may_end_as_it_likes(tmp_path):
    write(tmp_path, "answers.txt", ".hidden")
    paths = [tmp_path / "answers.txt", str(tmp_path / ".hidden"), tmp_path / "answers.txt"]
    assert find_files(paths) == ([tmp_path / "answers.txt", tmp_path / ".hidden"], [])


def test_links_are_followed_only_within_the_folder(tmp_path):
    write(tmp_path, "outside/secret.yaml", "class/a.yaml")
    folder = tmp_path / "class"
    (folder / "b.yaml").symlink_to(folder / "a.yaml")
    (folder / "c.yaml").symlink_to(tmp_path / "outside/secret.yaml")
    (folder / "d.yaml").symlink_to("../outside/secret.yaml")
    (folder / "e").symlink_to(tmp_path / "outside", target_is_directory=True)
    (folder / "f.yaml").symlink_to("f.yaml")
    (folder / "g.yaml").symlink_to("nowhere.yaml")
    (folder / "h").symlink_to(folder, target_is_directory=True)
    files, unreadable = find_files([folder])
    assert names(files, folder) == ["a.yaml", "b.yaml"]
    faults = {one.file.removeprefix(f"{folder}/"): one.reason for one in unreadable}
    assert sorted(faults) == ["c.yaml", "d.yaml", "e", "f.yaml", "g.yaml", "h"]
    assert "leads out of the folder" in faults["c.yaml"]
    assert "leads out of the folder" in faults["d.yaml"]
    assert "a symbolic link to a folder" in faults["e"]
    assert "no such file" in faults["g.yaml"]


def test_a_folder_that_is_itself_a_link_may_be_named(tmp_path):
    write(tmp_path, "class/a.yaml")
    (tmp_path / "link").symlink_to(tmp_path / "class", target_is_directory=True)
    assert names(find_files([tmp_path / "link"])[0], tmp_path) == ["link/a.yaml"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_pipes_and_devices_are_refused_without_waiting(tmp_path):
    os.mkfifo(tmp_path / "pipe.yaml")
    write(tmp_path, "a.yaml")
    files, unreadable = find_files([tmp_path, tmp_path / "pipe.yaml", "/dev/zero"])
    assert names(files, tmp_path) == ["a.yaml"]
    assert [one.file for one in unreadable] == [str(tmp_path / "pipe.yaml")] * 2 + ["/dev/zero"]
    for path in (tmp_path / "pipe.yaml", tmp_path):
        with pytest.raises(AnswersError, match="not a regular file"):
            content(path, 10)


def test_only_so_many_bytes_are_read(tmp_path):
    write(tmp_path, "a.yaml", text="x" * 1000)
    assert len(content(tmp_path / "a.yaml", 10)) == 11


@pytest.mark.parametrize("path", ["nowhere.yaml", "a\0b.yaml", "x" * 5000])
def test_what_is_not_there_is_said(path):
    files, (unreadable,) = find_files([path])
    assert files == []
    assert unreadable.reason.isprintable()
    with pytest.raises(AnswersError, match="can't be read"):
        content(type("P", (type(os.fspath("")),), {})(path), 10)


def test_one_bad_file_does_not_stop_the_class(tmp_path):
    write(tmp_path, "a.yaml", "d.yaml")
    write(tmp_path, "b.yaml", text="loss: [1\n")
    write(tmp_path, "c.csv", text="student,loss\nEve,1\nMal\n")
    write(tmp_path, "e.json", text='{"student": "Zoe", "loss": 1}')
    write(tmp_path, "f.jsonl", text='{"student": "Sid", "loss": 1}\n{\n')
    found = list(read_files([tmp_path, tmp_path / "f.jsonl", "nowhere"], reader_of(PLAIN)))
    good = [one.student for one in found if isinstance(one, Answers)]
    bad = [one.file.removeprefix(f"{tmp_path}/") for one in found if isinstance(one, Unreadable)]
    assert good == ["a", "Eve", "d", "Zoe", "Sid"]
    assert bad == ["b.yaml", "c.csv:3", "f.jsonl:2", "nowhere"]


def test_a_file_name_steers_no_terminal():
    answers = read_answers(b"loss: 1", "x/\x1b[31m\u202eada\udc80.yaml", reader_of(PLAIN))
    assert answers.student.isprintable()
    assert answers.file.isprintable()
    with pytest.raises(AnswersError) as raised:
        read_answers(b"", "\x1b[31m.yaml", reader_of(PLAIN))
    assert raised.value.reason.isprintable()
