"""Why one entry is what it is: a gradient's paths to the loss, any other's way to what is given."""
