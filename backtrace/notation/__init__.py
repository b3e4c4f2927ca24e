"""The only place that turns ids and numbers into symbols."""
