"""Why a value is wrong: wrong rules replayed, and what is said of them."""
