"""What explains a wrong number: the search through rules, slips and misread numbers."""
