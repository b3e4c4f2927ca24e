"""Workbooks: a form for a student's answers, and a key whose every entry is a live formula."""
