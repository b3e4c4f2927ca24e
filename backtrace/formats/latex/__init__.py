"""Pages as LaTeX that needs amsmath and nothing else."""
