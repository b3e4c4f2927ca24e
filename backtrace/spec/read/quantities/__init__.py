"""What a spec says of its quantities: which are asked for, worth what, printed as what."""
