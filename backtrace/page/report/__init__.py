"""What is said of answers: of one sheet, and of a class of them."""
