"""Pages as text, Markdown, LaTeX, HTML, JSON, CSV and drawings; networks as programs and arrays."""
