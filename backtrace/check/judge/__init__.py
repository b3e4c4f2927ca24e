"""How a sheet was worked, its verdicts by the two intervals G and L, and its marks."""
