"""What a course makes of an exercise: the sheet to be filled in, its forms, the key."""
