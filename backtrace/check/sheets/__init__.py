"""What stands on a sheet, and what each of its steps gives on the student's own numbers."""
