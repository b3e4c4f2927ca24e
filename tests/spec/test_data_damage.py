"""Damaged files: each is refused, with the row where there is one, or gives the numbers it had."""

import gzip
import io
import struct
import zipfile
import zlib

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from backtrace.spec.data import arrays
from backtrace.spec.data.request import ChosenColumns, DataError
from tests.sampling import share
from tests.spec.files import idx, problem_of, spec_of, values_of

IMAGES = np.random.default_rng(1).integers(0, 256, (40, 5, 6), dtype=np.uint8)
PLAIN = idx(IMAGES)
PACKED = gzip.compress(PLAIN, mtime=1)
GZIP = "a damaged or truncated gzip file"


def npy(array):
    content = io.BytesIO()
    np.save(content, array)
    return content.getvalue()


def npz(**arrays):
    content = io.BytesIO()
    np.savez_compressed(content, **arrays)
    return content.getvalue()


def values(path, content, *scale, **asked):
    path.write_bytes(content)
    return values_of(path, *scale, **asked)


def error(path, content, *scale, **asked):
    with pytest.raises(DataError) as raised:
        values(path, content, *scale, **asked)
    return raised.value


@pytest.fixture
def path(tmp_path):
    return tmp_path / "data"


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("damage") / "data"


# --- files that end too early, or too late


@pytest.mark.parametrize("end", range(17, len(PLAIN), 131))
def test_an_idx_file_that_ends_early_says_where(path, end):
    for content in (PLAIN[:end], gzip.compress(PLAIN[:end])):
        found = error(path, content)
        assert found.found == f"an end in row {(end - 16) // 30 + 1}"
        assert found.expected == "40 × 5 × 6 entries, as its header says"


@pytest.mark.parametrize("end", range(4, 16))
def test_an_idx_file_that_ends_within_its_header(path, end):
    assert error(path, PLAIN[:end]).found == "an end in the header"


@pytest.mark.parametrize("end", [2, 3, 12, 30, 200, len(PACKED) - 9, len(PACKED) - 1])
def test_a_gzip_file_that_ends_early(path, end):
    assert error(path, PACKED[:end]).found == GZIP


@pytest.mark.parametrize("more", [b"\0", b"more", PLAIN])
def test_bytes_after_the_end(path, more):
    for content in (PLAIN, npy(IMAGES)):
        assert error(path, content + more).found == "more bytes after the last entry"
        assert error(path, gzip.compress(content + more)).found == "more bytes after the last entry"


def test_bytes_after_a_gzip_file(path):
    assert error(path, PACKED + b"more").found == GZIP
    assert np.array_equal(values(path, PACKED + bytes(512)), IMAGES.reshape(40, 30))


def test_a_gzip_file_in_several_parts(path):
    parts = gzip.compress(PLAIN[:7]) + gzip.compress(b"") + gzip.compress(PLAIN[7:])
    assert np.array_equal(values(path, parts), IMAGES.reshape(40, 30))


def test_an_npy_file_that_ends_early(path):
    array = np.arange(12.0).reshape(4, 3)
    content = npy(array)
    for end in (7, 12, 60, -25):
        for early in (content[:end], gzip.compress(content[:end])):
            assert error(path, early).found == "a damaged .npy, or one of Python objects"


def test_an_archive_whose_directory_lies_before_its_beginning(path):
    content = bytearray(npz(x=IMAGES))
    content[-6:-2] = (2**31).to_bytes(4, "little")  # where it says that its directory begins
    for damaged in (bytes(content), gzip.compress(content)):
        assert error(path, damaged).found == "a damaged .npz, or one of Python objects"


@pytest.mark.parametrize("sizes", [(60_000, 28, 28), (2**32 - 1,) * 3])
def test_a_header_that_promises_more_than_there_is(path, sizes):
    header = struct.pack(">BBBBIII", 0, 0, 8, 3, *sizes)
    text = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {sizes}, }}".encode()
    array = b"\x93NUMPY\1\0" + struct.pack("<H", len(text)) + text
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("x.npy", array + bytes(100))
    for content in (header + bytes(100), array + bytes(100), archive.getvalue()):
        for said in (content, gzip.compress(content)):
            with pytest.raises((DataError, MemoryError)):
                values(path, said)


# --- bytes that have changed


@pytest.mark.parametrize(
    ("magic", "found"),
    [
        (b"\0\0\x07\x03", "bytes 00 00 07 03 at the start"),
        (b"\0\1\x08\x03", "bytes 00 01 08 03 at the start"),
        (b"\0\0\x08\x00", "more bytes after the last entry"),
        (b"\0\0\x08\xff", "an end in "),
        (b"\0\0\x08\x02", "more bytes after the last entry"),
        (b"\0\0\x0b\x03", "an end in row 21"),  # entries of two bytes
    ],
)
def test_a_wrong_magic_number(path, magic, found):
    assert error(path, magic + PLAIN[4:]).found.startswith(found)


def test_wrong_sizes(path):
    for row, size in ((0, 41), (0, 39), (1, 6), (2, 5), (2, 2**31)):
        sizes = [40, 5, 6]
        sizes[row] = size
        error(path, struct.pack(">BBBBIII", 0, 0, 8, 3, *sizes) + PLAIN[16:])
    empty = PLAIN[:8] + bytes(4) + PLAIN[12:16]
    assert error(path, empty).found == "an array without entries"


def test_a_checksum_tells_of_a_pixel(path):
    body = zlib.compress(PLAIN[:-1] + bytes([PLAIN[-1] ^ 1]), wbits=31)
    assert values(path, body)[-1, -1] == IMAGES[-1, -1, -1] ^ 1
    swapped = body[:-8] + PACKED[-8:]  # the checksum and length of the true content
    for asked in ({}, {"rows": (1, 2)}):
        assert error(path, swapped, **asked).found == GZIP


@pytest.mark.parametrize("change", [0x01, 0xFF])
def test_every_byte_of_a_gzip_file(place, change):
    harmless = 0
    for at in range(len(PACKED)):
        content = bytearray(PACKED)
        content[at] ^= change
        try:
            found = values(place, bytes(content))
        except DataError:
            continue
        harmless += 1
        assert np.array_equal(found, IMAGES.reshape(40, 30))
    assert harmless < 8  # of its ten first bytes: its date, say, has no meaning


def test_inputs_and_targets_of_different_counts_name_both_files(tmp_path):
    (tmp_path / "images.gz").write_bytes(PACKED)
    (tmp_path / "labels").write_bytes(idx(np.zeros(39, dtype=np.uint8)))
    said = '40 samples of inputs, 39 of targets: 40 rows from "images.gz", 39 from "labels"'
    with pytest.raises(Exception, match=said):
        spec_of(tmp_path, "{file: images.gz}", "{file: labels, one_hot: 3}")


@pytest.mark.parametrize(
    ("asked", "row"), [("", 8), (", rows: 1..9", 8), (", rows: 6..8", 8), (", rows: 8", 8)]
)
def test_a_label_out_of_range_says_its_row(tmp_path, asked, row):
    labels = np.array([0, 1, 2, 0, 1, 2, 0, 10, 1, 2], dtype=np.uint8)
    for name, content in (("l", idx(labels)), ("l", gzip.compress(idx(labels)))):
        (tmp_path / name).write_bytes(content)
        found = problem_of(tmp_path, f"{{file: l{asked}, one_hot: 10}}").found
        assert found == f'"l": the label 10 in row {row}'


@pytest.mark.parametrize("turned", [False, True])
def test_numbers_that_are_none(path, turned):
    array = np.arange(12.0).reshape(4, 3)
    array[2, 1] = np.nan
    content = npy(np.asfortranarray(array) if turned else array)
    for asked in ({}, {"columns": ChosenColumns((2,))}, {"rows": (2, 4)}):
        assert error(path, content, **asked).found == "nan in row 3, column 2"


def test_numbers_that_float32_does_not_have(path):
    content = npy(np.array([[1.0, 2.0], [3.0, 1e39]]))
    assert values(path, content)[1, 1] == 1e39
    found = error(path, content, kept="float32")
    assert found.found == "inf in row 2, column 2"
    assert found.expected == "finite numbers; float32 has none above 3.4e+38"
    small = npy(np.array([[7]], dtype=np.uint8))
    assert error(path, small, 1e38, "float32").found == "inf in row 1, column 1, times 1e+38"


# --- whatever happens to a file


ARRAYS = {"x": IMAGES.reshape(40, 30), "y": np.arange(40.0)}
FILES = {
    "idx": PLAIN,
    "idx.gz": PACKED,
    "npy": npy(IMAGES),
    "npy.gz": gzip.compress(npy(IMAGES)),
    "npz": npz(**ARRAYS),
    "csv": "\n".join(",".join(map(str, row)) for row in IMAGES.reshape(40, 30)).encode(),
    "empty": b"",
}
CHECKED = ("idx.gz", "npy.gz", "npz")  # have a checksum of their content


def damaged(content, data):
    """A few bytes changed, taken out, put in, or everything after them lost."""
    content = bytearray(content)
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(content)))
        kind = data.draw(st.sampled_from(["change", "cut", "insert", "end"]))
        if kind == "end":
            del content[at:]
        elif kind == "cut":
            del content[at : at + data.draw(st.integers(1, 9))]
        else:
            some = data.draw(st.binary(min_size=1, max_size=4))
            content[at : at + len(some) * (kind == "change")] = some
    return bytes(content)


@settings(max_examples=share(250))
@given(st.sampled_from(sorted(FILES)), st.data())
def test_damage_is_said_or_makes_no_difference(place, name, data):
    content = damaged(FILES[name], data)
    try:
        found = values(place, content, array="x" if name == "npz" else "")
    except (DataError, OSError):
        return
    assert np.isfinite(found).all()
    if name in CHECKED:
        assert np.array_equal(found, IMAGES.reshape(40, 30))


@settings(max_examples=share(300))
@given(
    st.binary(max_size=60)
    | st.tuples(
        st.sampled_from([b"\0\0\x08\1", b"\x1f\x8b\x08", b"\x93NUMPY\1\0", b"PK\x03\x04", b"1,"]),
        st.binary(max_size=60),
    ).map(b"".join)
)
@example(b"\x93NUMPY\x01\x00\x06\x00{'a'(\n")
@example(b"\x93NUMPY\x03\x00\x02\x00\x00\x00{}")
@example(struct.pack(">BBBBII", 0, 0, 14, 2, 2**32 - 1, 2**32 - 1))
def test_any_bytes(place, content):
    try:
        found = values(place, content)
    except (DataError, OSError):
        return
    assert np.isfinite(found).all()


@pytest.mark.parametrize("header", ["{'descr': '<f8', 'fortran_order': False, 'shape': (-2, 3), }",
    "{'descr': '<f8', 'fortran_order': False, 'shape': (2, 0), }",
    "{'descr': '|O', 'fortran_order': False, 'shape': (2, 2), }",
    "{'descr': '<c16', 'fortran_order': False, 'shape': (2, 2), }",
    "{'descr': '<U3', 'fortran_order': False, 'shape': (2, 2), }",
    "{'descr': [('a', '<f8')], 'fortran_order': False, 'shape': (2, 2), }",
    "{'descr': '<f8', 'fortran_order': True, 'shape': (3000000000, 3000000000), }",
    f"{{'descr': '<f8', 'fortran_order': False, 'shape': {(1,) * 100}, }}",
    "{'descr': '<f8', 'shape': (2, 2)}", "{" * 500, "[1, 2", "1"])  # fmt: skip
def test_headers_of_npy_that_no_array_of_numbers_has(path, header):
    text = header.encode() + b"\n"
    error(path, b"\x93NUMPY\1\0" + struct.pack("<H", len(text)) + text + bytes(64))


def test_of_what_gzip_packed_there_is_a_limit(path, monkeypatch):
    monkeypatch.setattr(arrays, "MOST_BYTES", 50_000_000)
    bomb = gzip.compress(bytes(60_000_000))
    assert error(path, bomb).expected == "at most 50,000,000"


def test_of_what_an_archive_would_unpack_there_is_a_limit(path, monkeypatch):
    monkeypatch.setattr(arrays, "MOST_BYTES", 50_000)
    packed = npz(small=np.zeros((2, 2)), large=np.zeros((100, 100)))
    assert len(packed) < 5_000
    damage = error(path, packed, array="small")
    assert damage.found == '"large.npy", packed from 80,128 bytes or more'


@pytest.mark.parametrize("text", ["1e9999999", f"{'0' * 200}1e9999999", "9" * 300_000])
def test_texts_that_would_be_numbers_of_any_size(text):
    with pytest.raises(DataError) as refused:
        arrays.numbers(np.array([[text]]))
    assert refused.value.code == "E309"
