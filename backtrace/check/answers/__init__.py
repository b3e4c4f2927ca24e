"""What students wrote: files, tables and names → figures by id."""
