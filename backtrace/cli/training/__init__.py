"""``backtrace train``: what was asked for, the run, and the files that it leaves."""
