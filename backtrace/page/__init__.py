"""What a page says, whatever it is written as: data in, sentences and numbers out."""
