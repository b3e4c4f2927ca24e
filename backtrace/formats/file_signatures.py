"""What is written near the beginning of every file, by which it is known to be ours."""

MADE = "Made by backtrace."
TAGGED = f"<!-- {MADE} -->"  # in HTML, SVG and Markdown
TEX = f"% {MADE}"
PROGRAM = f"# {MADE}"
SPEC = f"{PROGRAM.removesuffix('.')}: "
FRAGMENT = '<div class="backtrace">'  # around HTML that stands in another page
TRACE = '"schema":"backtrace/trace/'
PNG = b"Software\0backtrace"
ARCHIVE = b"bt" + len(MADE).to_bytes(2, "little") + MADE.encode()
"""A zip's extra field (id, length, content) in the first bytes of every .npz."""

METADATA = {"made_by": "backtrace"}
"""Of a .safetensors, whose header has them as ``SAFETENSORS``."""

SAFETENSORS = b'"made_by":"backtrace"'
