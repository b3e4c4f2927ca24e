"""The commands of a course: worksheets, fresh exercises, the quiz, a spec to begin from."""
